// Which messages wait for their turn, by conversation: for `queue_cap`, for `queue_depth`, and for gathering what a
// sender writes in quick succession. The ledger is what counts; this is its shadow in memory.
// Used by the runtime at intake and when a turn begins.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

/// The waiting messages of this process.
final class Backlog: Sendable {
  private struct Waiting {
    var key: String
    var agent: String
    /// Kept only for agents that gather messages.
    var text: String?
    var since: UInt64
  }
  private struct State {
    var sessions: [String: [Waiting]] = [:]
    var depths: [String: Int] = [:]
    /// Keys of messages that were part of another's turn: they are answered when they come up.
    var absorbed: [String: UInt64] = [:]
  }
  private let state = Mutex(State())

  /// Whether there was room for a message.
  enum Place: Sendable { case taken, hadOne, full }

  /// Takes a place for a message; one that has a place already keeps it.
  func add(_ key: String, session: String, agent: String, text: String?, cap: Int) -> Place {
    let now = Clock.monotonic()
    return state.withLock { state in
      var waiting = state.sessions[session] ?? []
      if waiting.contains(where: { $0.key == key }) { return .hadOne }
      guard waiting.count < cap else { return .full }
      waiting.append(Waiting(key: key, agent: agent, text: text, since: now))
      state.sessions[session] = waiting
      state.depths[agent, default: 0] += 1
      return .taken
    }
  }

  /// Gives a place back: the message's turn begins, or it was not accepted after all.
  func remove(_ key: String, session: String) {
    state.withLock { state in Backlog.drop(session, &state) { $0.key == key } }
  }

  /// The texts of the messages that wait in a conversation, in order; they are absorbed by the turn that asks.
  func gather(session: String) -> [(key: String, text: String)] {
    let now = Clock.monotonic()
    return state.withLock { state in
      let gathered = (state.sessions[session] ?? []).compactMap { waiting in waiting.text.map { (waiting.key, $0) } }
      for (key, _) in gathered { state.absorbed[key] = now }
      return gathered.map { (key: $0.0, text: $0.1) }
    }
  }

  /// The turn that absorbed these messages failed: each gets its own turn again.
  func giveBack(_ keys: [String]) {
    state.withLock { state in for key in keys { state.absorbed[key] = nil } }
  }

  /// Whether a message was part of another's turn; asked once.
  func takeAbsorbed(_ key: String) -> Bool {
    state.withLock { $0.absorbed.removeValue(forKey: key) != nil }
  }

  /// Messages that wait, by agent.
  var depths: [String: Int] { state.withLock { $0.depths } }

  /// Forgets messages that must have expired in the ledger by now.
  func prune(olderThan life: Duration) {
    let now = Clock.monotonic()
    guard now > life.nanoseconds else { return }
    let oldest = now - life.nanoseconds
    state.withLock { state in
      for session in Array(state.sessions.keys) { Backlog.drop(session, &state) { $0.since < oldest } }
      state.absorbed = state.absorbed.filter { $0.value >= oldest }
    }
  }

  private static func drop(_ session: String, _ state: inout State, _ isGone: (Waiting) -> Bool) {
    guard var waiting = state.sessions[session] else { return }
    for gone in waiting where isGone(gone) {
      let depth = (state.depths[gone.agent] ?? 1) - 1
      state.depths[gone.agent] = depth > 0 ? depth : nil
    }
    waiting.removeAll(where: isGone)
    state.sessions[session] = waiting.isEmpty ? nil : waiting
  }
}
