// The plugin's metric families. Every label value is from a closed set; no text, id or address comes near them.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Why a message of a visitor was not taken.
enum Refusal: String, Sendable, CaseIterable {
  /// The host has no room now.
  case busy
  /// Not a message: empty, or not in a form that is known.
  case invalid
  /// More than ``ChatRoutes/maxText``.
  case tooLarge = "too_large"
}

/// Handles, one for each label value.
struct ChatMetrics: Sendable {
  private let messages: [ChatMessage.Direction: Counter]
  private let refusals: [Refusal: Counter]

  /// Declares the families; every series is there from the start, with 0.
  init(_ host: PluginHost, _ room: ChatRoom) throws {
    let messages = try host.counter(
      "web_chat_messages_total", help: "Messages carried, seen from the agent.", labels: ["direction"])
    let refusals = try host.counter(
      "web_chat_refused_total", help: "Messages of visitors that were not taken, by reason.", labels: ["reason"])
    let clients = try host.gauge("web_chat_clients", help: "Browsers that are connected for events.")
    let conversations = try host.gauge("web_chat_conversations", help: "Conversations that are remembered.")
    self.messages = Dictionary(
      uniqueKeysWithValues: ChatMessage.Direction.allCases.map { ($0, messages.with($0.rawValue)) })
    self.refusals = Dictionary(uniqueKeysWithValues: Refusal.allCases.map { ($0, refusals.with($0.rawValue)) })
    try host.onScrape {
      clients.set(Double(room.watcherCount))
      conversations.set(Double(room.conversationCount))
    }
  }

  /// Counts a message.
  func carried(_ direction: ChatMessage.Direction) { messages[direction]?.add() }
  /// Counts a message that was not taken.
  func refused(_ why: Refusal) { refusals[why]?.add() }
}
