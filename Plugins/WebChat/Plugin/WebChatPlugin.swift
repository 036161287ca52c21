// The web chat plugin: registers the channel, the pages and the families, and delivers what agents say.
// A model for plugins in Swift: the channel is here, the routes are ChatRoutes.swift, all state is in ChatRoom.swift.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginKit

/// The function that the entry file names.
@c(web_chat_plugin)
public func webChatPlugin(_ call: PluginCall) -> PluginResult { call.make(WebChatPlugin.self) }

/// A chat in the owner's browser.
public struct WebChatPlugin: Plugin {
  /// The channel has one account: there is no number or name to log in with.
  static let account = "default"
  /// Bytes of one answer of an agent; half of what a conversation remembers.
  static let maxAnswer = Conversation.maxBytes / 2

  private let channel: Channel

  /// Registers everything.
  public init(_ host: PluginHost) throws {
    let room = ChatRoom(after: UInt64(clamping: host.unixMilliseconds))
    let metrics = try ChatMetrics(host, room)
    channel = try host.channel(
      "webchat", page: "/chat",
      ChannelActions(send: { message in
        try Self.deliver(message, to: room, metrics, at: host.unixMilliseconds)
      }))
    try ChatRoutes(room, channel, metrics).register(on: host)
  }

  /// Declares the account: it is up as long as the plugin is.
  public func start() throws {
    try channel.account(Self.account)
    try channel.state(Self.account, .up, "ready")
  }

  /// Puts an agent's message into its conversation. It is delivered when it is there, whether or not a browser looks; the
  /// same id again changes nothing.
  private static func deliver(_ message: Message, to room: ChatRoom, _ metrics: ChatMetrics, at time: Int64) throws {
    guard message.kind == "text" else {
      throw PluginError(.unsupported, "web chat carries text only, not '\(message.kind)'.")
    }
    guard message.account == account, let conversation = ConversationID(message.chat) else {
      throw PluginError(.notFound, "no such web chat. Answer to the address that a message came from.")
    }
    guard message.text.utf8.count <= maxAnswer else {
      throw PluginError(.rejected, "the answer is larger than \(maxAnswer) bytes. Send it in parts.")
    }
    let addition = room.add(message.id, .outgoing, message.text, at: time, as: .delivered, to: conversation)
    if addition == .new { metrics.carried(.outgoing) }
  }
}
