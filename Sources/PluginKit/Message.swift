// A message of a channel, inbound or outbound.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// One message.
public struct Message: Sendable {
  /// Label of the account: the operator's name for it.
  public var account: String
  /// Inbound: the service's, unique in the chat. Outbound: the host's idempotency key: the same id may be sent again after
  /// a crash, and must reach the chat once.
  public var id: String
  /// The conversation's address.
  public var chat: String
  /// Inbound: who wrote. Outbound: empty.
  public var sender: String
  /// Id of the message answered, or empty.
  public var replyTo: String
  /// "text", "media", "reaction", ...: an open set. Throw `unsupported` for an outbound kind that the channel has not.
  public var kind: String
  /// The text.
  public var text: String
  /// What the fields cannot say, an object; unknown members are kept.
  public var extra: JSON
  /// The message's own time, milliseconds since 1970 UTC.
  public var unixMilliseconds: Int64
  /// The chat has more than two members.
  public var isGroup: Bool
  /// Sent by the account itself, from another device.
  public var isFromMe: Bool

  /// A message.
  public init(
    account: String, id: String, chat: String, sender: String = "", replyTo: String = "", kind: String = "text",
    text: String = "", extra: JSON = [:], unixMilliseconds: Int64 = 0, isGroup: Bool = false, isFromMe: Bool = false
  ) {
    self.account = account
    self.id = id
    self.chat = chat
    self.sender = sender
    self.replyTo = replyTo
    self.kind = kind
    self.text = text
    self.extra = extra
    self.unixMilliseconds = unixMilliseconds
    self.isGroup = isGroup
    self.isFromMe = isFromMe
  }

  init(_ raw: UnsafePointer<nexo_message_1>) {
    self.init(
      account: String(raw.pointee.account), id: String(raw.pointee.id), chat: String(raw.pointee.chat),
      sender: String(raw.pointee.sender), replyTo: String(raw.pointee.reply_to), kind: String(raw.pointee.kind),
      text: String(raw.pointee.text), extra: (try? JSON.parse([UInt8](raw.pointee.extra))) ?? [:],
      unixMilliseconds: raw.pointee.time_unix_ms, isGroup: raw.pointee.flags & NEXO_MESSAGE_GROUP.bits != 0,
      isFromMe: raw.pointee.flags & NEXO_MESSAGE_FROM_ME.bits != 0)
  }

  /// Lends the message to one call into the host.
  func lent<Result>(_ body: (UnsafePointer<nexo_message_1>) throws -> Result) rethrows -> Result {
    try lend([account, id, chat, sender, replyTo, kind, text, extra.description]) { texts in
      var raw = nexo_message_1()
      raw.size = UInt32(MemoryLayout<nexo_message_1>.size)
      raw.flags = (isGroup ? NEXO_MESSAGE_GROUP.bits : 0) | (isFromMe ? NEXO_MESSAGE_FROM_ME.bits : 0)
      raw.account = texts[0]
      raw.id = texts[1]
      raw.chat = texts[2]
      raw.sender = texts[3]
      raw.reply_to = texts[4]
      raw.kind = texts[5]
      raw.text = texts[6]
      raw.extra = texts[7]
      raw.time_unix_ms = unixMilliseconds
      return try body(&raw)
    }
  }
}
