// All conversations, and the browsers that watch them. In memory only: a restart of the host, or a new version of the
// plugin, begins with empty ones; the host's ledger is what keeps messages from being lost.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The conversations, by id, and who watches them.
final class ChatRoom: Sendable {
  /// Ours: one owner, some browsers and years of cookies. Beyond it the longest unused is forgotten.
  static let maxConversations = 200

  /// What became of an offer to add a message.
  enum Addition: Sendable, Equatable {
    case new
    /// It is there already.
    case known
    /// It is there, and the host has not said yet whether it takes it.
    case undecided
  }

  private struct State {
    var conversations: [ConversationID: Conversation] = [:]
    var watchers: [ConversationID: [UInt64: AsyncStream<Void>.Continuation]] = [:]
    var lastWatcher: UInt64 = 0
    var revision: UInt64

    mutating func next() -> UInt64 {
      revision += 1
      return revision
    }
  }
  /// Held for work on dictionaries only, never across a call into the host.
  private let state: Mutex<State>

  /// - Parameter revision: revisions begin behind it. With the milliseconds of the clock those of a later start are
  ///   higher than all before, so that a browser which outlived the plugin misses nothing.
  init(after revision: UInt64) { state = Mutex(State(revision: revision)) }

  /// Adds a message, unless one of its id and direction is there.
  func add(
    _ id: String, _ direction: ChatMessage.Direction, _ text: String, at time: Int64,
    as first: ChatMessage.State, to conversation: ConversationID
  ) -> Addition {
    change(conversation) { state in
      if let known = state.conversations[conversation]?[id, direction] {
        return known.state == .offered ? .undecided : .known
      }
      let number = state.next()
      let message = ChatMessage(
        id: id, direction: direction, text: text, unixMilliseconds: time, number: number, state: first,
        revision: number)
      state.conversations[conversation, default: Conversation()].append(message)
      if state.conversations.count > Self.maxConversations {
        let oldest = state.conversations.min { $0.value.lastRevision < $1.value.lastRevision }
        if let oldest { state.conversations[oldest.key] = nil }
      }
      return .new
    }
  }

  /// Notes that a message came further.
  func advance(_ id: String, to next: ChatMessage.State, in conversation: ConversationID) {
    change(conversation) { state in
      let revision = state.next()
      state.conversations[conversation]?.advance(id, to: next, revision: revision)
    }
  }

  /// Forgets a message that the host did not take.
  func withdraw(_ id: String, from conversation: ConversationID) {
    state.withLock { $0.conversations[conversation]?.remove(id) }
  }

  /// What there is to read, and the revision that it stands at.
  func messages(of conversation: ConversationID?) -> (messages: [ChatMessage], revision: UInt64) {
    state.withLock { state in
      (conversation.flatMap { state.conversations[$0]?.visible } ?? [], state.revision)
    }
  }

  /// What changed after a revision. One from the future, of a clock that was set back, counts as none.
  func changes(in conversation: ConversationID, after revision: UInt64) -> [ChatMessage] {
    state.withLock { state in
      state.conversations[conversation]?.changes(after: revision > state.revision ? 0 : revision) ?? []
    }
  }

  /// How many browsers watch.
  var watcherCount: Int { state.withLock { $0.watchers.values.reduce(0) { $0 + $1.count } } }

  /// How many conversations are remembered.
  var conversationCount: Int { state.withLock { $0.conversations.count } }

  /// Calls a closure at once, and again after every change of a conversation, until it throws or the task is cancelled.
  func watch(_ conversation: ConversationID, _ body: () async throws -> Void) async throws {
    // One wish is enough: whoever is behind finds every change when it looks.
    let (wishes, wisher) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let watcher = state.withLock { state in
      state.lastWatcher += 1
      state.watchers[conversation, default: [:]][state.lastWatcher] = wisher
      return state.lastWatcher
    }
    defer {
      state.withLock { state in
        state.watchers[conversation]?[watcher] = nil
        if state.watchers[conversation]?.isEmpty == true { state.watchers[conversation] = nil }
      }
    }
    try await body()
    for await _ in wishes { try await body() }
  }

  /// Changes something, and wakes who watches the conversation, outside of the lock.
  private func change<Result: Sendable>(_ conversation: ConversationID, _ body: (inout State) -> Result) -> Result {
    let (result, watchers) = state.withLock { state in
      (body(&state), state.watchers[conversation].map { Array($0.values) } ?? [])
    }
    for watcher in watchers { watcher.yield() }
    return result
  }
}
