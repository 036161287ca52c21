// What was said in each conversation: the memory that the model is shown. In the process only: a restart forgets it.
// Used by the runtime, which changes a conversation only from its one turn at a time.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostResilience
internal import Synchronization

/// The conversations, the ones unused for longest forgotten first.
final class Conversations: Sendable {
  private struct Conversation: Sendable {
    var agent: String
    /// By turn: the user's words, and everything up to the answer.
    var turns: [[ModelMessage]] = []
    var lastUsed: UInt64
  }

  /// Conversations in memory; the reference system's bound.
  static let limit = 10_000
  /// Turns of one conversation that the model is shown; the reference system's bound.
  static let turnLimit = 50
  /// Bytes of text of one conversation: models charge by the word.
  static let byteLimit = 128 << 10
  /// A conversation without a turn for this long is not active any more.
  static let activeFor: Duration = .seconds(600)

  private let table = Mutex(BoundedMap<String, Conversation>(capacity: limit))

  /// What was said so far, and whether the conversation is new to this agent.
  func open(_ session: String, agent: String) -> (history: [ModelMessage], isNew: Bool) {
    let now = Clock.monotonic()
    return table.withLock { table in
      var conversation = table.find(session) ?? Conversation(agent: "", lastUsed: now)
      let isNew = conversation.agent != agent
      // Another agent has not heard what was told to the one before.
      if isNew { conversation = Conversation(agent: agent, lastUsed: now) }
      conversation.lastUsed = now
      table.set(session, conversation)
      return (conversation.turns.flatMap { $0 }, isNew)
    }
  }

  /// Adds a turn that was answered.
  func add(_ turn: [ModelMessage], to session: String, agent: String) {
    let now = Clock.monotonic()
    table.withLock { table in
      guard var conversation = table.find(session), conversation.agent == agent else { return }
      conversation.turns.append(turn)
      conversation.lastUsed = now
      var bytes = conversation.turns.reduce(0) { $0 + Conversations.bytes($1) }
      while conversation.turns.count > Conversations.turnLimit || bytes > Conversations.byteLimit,
        !conversation.turns.isEmpty
      {
        bytes -= Conversations.bytes(conversation.turns.removeFirst())
      }
      table.set(session, conversation)
    }
  }

  /// Active conversations by agent.
  var active: [String: Int] {
    let from = Clock.monotonic()
    return table.withLock { table in
      var counts: [String: Int] = [:]
      for key in table.keys {
        guard let conversation = table.peek(key) else { continue }
        // The most recently used come first.
        if conversation.lastUsed &+ Conversations.activeFor.nanoseconds < from { break }
        counts[conversation.agent, default: 0] += 1
      }
      return counts
    }
  }

  private static func bytes(_ turn: [ModelMessage]) -> Int {
    turn.reduce(0) { sum, message in
      switch message {
      case .user(let text): sum + text.utf8.count
      case .assistant(let text, let calls): sum + calls.reduce(text.utf8.count) { $0 + $1.arguments.utf8.count }
      case .toolResult(_, _, let content, _): sum + content.utf8.count
      }
    }
  }
}
