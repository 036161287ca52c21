// Messages of channels as agents see them, and their JSON form in the ledger.
// Made by HostApp's adapter from the plugin ABI's messages and handed back to it as replies.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON

/// A message that came in over a channel.
package struct InboundMessage: Sendable, Equatable {
  /// The channel's name: `telegram`.
  package var channel: String
  /// Label of the account; empty when the channel has only one.
  package var account: String
  /// The service's, unique in the chat. Empty: the message cannot be recognised when it comes again.
  package var id: String
  /// The conversation's address.
  package var chat: String
  package var sender: String
  package var replyTo: String
  /// "text", "media", "reaction", ...
  package var kind: String
  package var text: String
  package var extra: JSON
  package var unixMilliseconds: Int64
  package var isGroup: Bool
  package var isFromMe: Bool

  package init(
    channel: String, account: String = "", id: String = "", chat: String, sender: String, replyTo: String = "",
    kind: String = "text", text: String, extra: JSON = [:], unixMilliseconds: Int64 = 0, isGroup: Bool = false,
    isFromMe: Bool = false
  ) {
    self.channel = channel
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

  var json: JSON {
    [
      "channel": .string(channel), "account": .string(account), "id": .string(id), "chat": .string(chat),
      "sender": .string(sender), "reply_to": .string(replyTo), "kind": .string(kind), "text": .string(text),
      "extra": extra, "time_unix_ms": .integer(unixMilliseconds), "is_group": .bool(isGroup),
      "is_from_me": .bool(isFromMe),
    ]
  }

  init?(_ json: JSON?) {
    guard let json, let channel = json["channel"]?.string, let chat = json["chat"]?.string,
      let text = json["text"]?.string
    else { return nil }
    func word(_ name: String) -> String { json[name]?.string ?? "" }
    self.init(
      channel: channel, account: word("account"), id: word("id"), chat: chat, sender: word("sender"),
      replyTo: word("reply_to"), kind: json["kind"]?.string ?? "text", text: text, extra: json["extra"] ?? [:],
      unixMilliseconds: json["time_unix_ms"]?.integer ?? 0, isGroup: json["is_group"]?.bool ?? false,
      isFromMe: json["is_from_me"]?.bool ?? false)
  }
}

/// A message on its way out.
package struct OutboundMessage: Sendable, Equatable {
  /// The agent that sends it.
  package var agent: String
  package var channel: String
  /// Label of the account that sends it.
  package var account: String
  /// The idempotency key: the same id may be delivered again after a crash and must reach the chat once.
  package var id: String
  package var chat: String
  /// Id of the message answered, or empty.
  package var replyTo: String
  package var kind: String
  package var text: String
  package var extra: JSON

  package init(
    agent: String, channel: String, account: String, id: String, chat: String, replyTo: String = "",
    kind: String = "text", text: String, extra: JSON = [:]
  ) {
    self.agent = agent
    self.channel = channel
    self.account = account
    self.id = id
    self.chat = chat
    self.replyTo = replyTo
    self.kind = kind
    self.text = text
    self.extra = extra
  }

  var json: JSON {
    [
      "agent": .string(agent), "channel": .string(channel), "account": .string(account), "id": .string(id),
      "chat": .string(chat), "reply_to": .string(replyTo), "kind": .string(kind), "text": .string(text),
      "extra": extra,
    ]
  }

  init?(_ json: JSON?) {
    guard let json, let agent = json["agent"]?.string, let channel = json["channel"]?.string,
      let chat = json["chat"]?.string, let text = json["text"]?.string, let id = json["id"]?.string
    else { return nil }
    self.init(
      agent: agent, channel: channel, account: json["account"]?.string ?? "", id: id, chat: chat,
      replyTo: json["reply_to"]?.string ?? "", kind: json["kind"]?.string ?? "text", text: text,
      extra: json["extra"] ?? [:])
  }
}
