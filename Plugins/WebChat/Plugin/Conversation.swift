// What one conversation remembers: its last messages, within bounds. A value without locks; ChatRoom.swift keeps many.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// One message of a conversation.
///
///     written by a visitor:  offered ──(the host took it)──▶ sent ──(it is on the host's disk)──▶ delivered
///                               └─────(the host is full)──▶ forgotten
///     written by an agent:   delivered
struct ChatMessage: Sendable, Equatable {
  /// Seen from the agent, as in the host's metrics: a visitor writes "in".
  enum Direction: String, Sendable, CaseIterable {
    case incoming = "in"
    case outgoing = "out"
  }
  /// How far it has come. An offered one is shown to nobody.
  enum State: Int, Sendable { case offered, sent, delivered }

  let id: String
  let direction: Direction
  let text: String
  let unixMilliseconds: Int64
  /// Its place in the conversation.
  let number: UInt64
  var state: State
  /// The number of its last change: what a browser that comes back has not seen is every revision above its last.
  var revision: UInt64

  /// As the page's script reads it.
  var json: JSON {
    [
      "id": .string(id), "direction": .string(direction.rawValue), "text": .string(text), "number": JSON(number),
      "time": .integer(unixMilliseconds), "delivered": .bool(state == .delivered),
    ]
  }
}

/// The last messages of one conversation, oldest first.
struct Conversation: Sendable {
  /// Ours: more than a person scrolls back, and with ``maxBytes`` a bound on memory.
  static let maxMessages = 200
  /// Bytes of text. With ``ChatRoom/maxConversations`` 50 MiB at the very most.
  static let maxBytes = 256 << 10

  private var messages: [ChatMessage] = []
  private var bytes = 0
  /// The revision of the last change, by which the longest unused conversation is found.
  private(set) var lastRevision: UInt64 = 0

  /// The message of this id, if it is remembered. The two directions number theirs independently.
  subscript(id: String, direction: ChatMessage.Direction) -> ChatMessage? {
    messages.last { $0.id == id && $0.direction == direction }
  }

  /// What changed after a revision, in the order in which it changed.
  func changes(after revision: UInt64) -> [ChatMessage] {
    messages.filter { $0.revision > revision && $0.state != .offered }.sorted { $0.revision < $1.revision }
  }

  /// What there is to read, in the order in which it was written.
  var visible: [ChatMessage] { messages.filter { $0.state != .offered } }

  /// Adds a message, and forgets the oldest that no longer fit.
  mutating func append(_ message: ChatMessage) {
    messages.append(message)
    bytes += message.text.utf8.count
    lastRevision = message.revision
    while messages.count > 1, messages.count > Self.maxMessages || bytes > Self.maxBytes {
      bytes -= messages.removeFirst().text.utf8.count
    }
  }

  /// Notes that a message of the visitor's came further. It never goes back: the disk may be faster than the call that offered it.
  mutating func advance(_ id: String, to state: ChatMessage.State, revision: UInt64) {
    guard let index = offered(id), messages[index].state.rawValue < state.rawValue else { return }
    messages[index].state = state
    messages[index].revision = revision
    lastRevision = revision
  }

  /// Forgets a message of the visitor's.
  mutating func remove(_ id: String) {
    guard let index = offered(id) else { return }
    bytes -= messages.remove(at: index).text.utf8.count
  }

  private func offered(_ id: String) -> Int? {
    messages.lastIndex { $0.id == id && $0.direction == .incoming }
  }
}
