// Who waits for messages of which queue, and what is known of a queue without asking the store.
// Used by Ledger: a change of one queue wakes nobody who waits for another, and a queue that was found empty is not looked
// into again before something changed or is due.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostResilience
internal import Synchronization

/// The signals of the queues.
final class LedgerWork: Sendable {
  /// How long a queue has nothing to lease.
  enum Rest: Sendable, Equatable {
    case untilChanged
    /// Until a moment of the ledger's clock, which is so far away.
    case until(UInt64, after: Duration)
  }
  /// What a look found that began after so many changes.
  private struct Found {
    let seen: UInt64
    let rest: Rest
  }
  private struct State {
    var signals: [String: Signal] = [:]
    var found: [String: Found] = [:]
  }
  private let state = Mutex(State())

  private func signal(_ queue: String) -> Signal {
    state.withLock { state in
      if let known = state.signals[queue] { return known }
      let made = Signal()
      state.signals[queue] = made
      return made
    }
  }

  /// A message of the queue may have become leasable, or its due time has changed.
  func raise(_ queue: String) { signal(queue).raise() }

  /// The same for every queue.
  func raiseAll() { for signal in state.withLock({ Array($0.signals.values) }) { signal.raise() } }

  /// Changes of the queue so far.
  func count(of queue: String) -> UInt64 { signal(queue).count }

  /// Waits for a change past `seen`, or for the end of the rest. A wait without an end leaves no timer behind.
  func wait(_ queue: String, past seen: UInt64, _ rest: Rest) async {
    switch rest {
    case .untilChanged: await signal(queue).wait(past: seen)
    case .until(_, let wait): await signal(queue).wait(past: seen, until: Clock.monotonic() + wait.nanoseconds)
    }
  }

  /// All that could be leased was leased, by a look that began after `seen` changes.
  func note(_ queue: String, seen: UInt64, _ rest: Rest) {
    state.withLock { $0.found[queue] = Found(seen: seen, rest: rest) }
  }

  /// How long the queue is known to have nothing; nil: look.
  func rest(of queue: String, seen: UInt64, now: UInt64) -> Rest? {
    guard let found = state.withLock({ $0.found[queue] }), found.seen == seen else { return nil }
    switch found.rest {
    case .untilChanged: return .untilChanged
    case .until(let moment, _): return now < moment ? .until(moment, after: .nanoseconds(moment - now)) : nil
    }
  }
}
