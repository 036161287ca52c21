// The circuit breaker as a pure state machine: given a moment and an event it says what happens. No clock, no lock.
// Used by CircuitBreaker, which adds both, for providers, for accounts and for the broker.
//
// SPDX-License-Identifier: Apache-2.0

/// How a breaker behaves. The defaults are those of the specification (agents.md, credentials.md).
package struct BreakerPolicy: Sendable, Equatable {
  /// Consecutive failures that open it.
  package var failuresToOpen = 5
  /// Consecutive successful probes that close it.
  package var successesToClose = 2
  /// How long it stays open the first time; doubles with every failed probe.
  package var openFor: Duration = .seconds(10)
  package var longestOpen: Duration = .seconds(120)
  /// A probe whose result never comes (its task died) blocks the next for this long.
  package var probeLease: Duration = .seconds(120)

  package init() {}
}

/// The three states. The raw value is the one that `credentials_breaker_state` shows.
package enum BreakerState: Int, Sendable, CaseIterable {
  case closed, halfOpen, open
}

/// How a call ended, for the breaker.
package enum BreakerOutcome: Sendable {
  case success
  /// The other side failed: a server error, a timeout, no connection.
  case failure
  /// Says nothing about the other side: our request was bad, or the call was cancelled.
  case neutral
}

/// Leave to make one call. Its result is reported with it, so that a late one is recognised.
package struct BreakerPermit: Sendable, Equatable {
  let era: UInt64
  let isProbe: Bool
}

/// Consecutive-failure breaker.
///
///                        record(.failure) x failuresToOpen, trip()
///      ┌──────────────▶ closed ───────────────────────────────────▶ open ◀──────────────┐
///      │                  ▲                                          │                  │
///      │ reset()          │ record(.success) x successesToClose      │ ask() after      │ record(.failure),
///      │                  │                                          ▼ `until`          │ trip(): time doubles
///      └───────────────── └──────────────────────────────────── halfOpen ───────────────┘
///                                            one probe at a time: ask() is refused while one is out
///
/// Each change of state begins a new era. The result of a permit from an earlier era is ignored: twenty calls that
/// fail together open the breaker once and do not stretch its time, and an old success closes nothing.
package struct BreakerMachine: Sendable {
  private enum Phase: Sendable {
    case closed(failures: Int)
    case open(until: UInt64, duration: UInt64)
    case halfOpen(successes: Int, probeUntil: UInt64?, duration: UInt64)
  }

  package let policy: BreakerPolicy
  private var phase = Phase.closed(failures: 0)
  private var era: UInt64 = 0

  package init(_ policy: BreakerPolicy = BreakerPolicy()) { self.policy = policy }

  /// The state as a scrape sees it. Open with its time over counts as half-open: the next call would go through.
  package func state(at now: UInt64) -> BreakerState {
    switch phase {
    case .closed: .closed
    case .open(let until, _): now < until ? .open : .halfOpen
    case .halfOpen: .halfOpen
    }
  }

  /// Asks for leave to call. Nil: refused; ``retryAt(now:)`` says until when.
  package mutating func ask(now: UInt64) -> BreakerPermit? {
    switch phase {
    case .closed: return BreakerPermit(era: era, isProbe: false)
    case .open(let until, let duration):
      guard now >= until else { return nil }
      era += 1
      return probe(successes: 0, duration: duration, now: now)
    case .halfOpen(let successes, let probeUntil, let duration):
      if let probeUntil, now < probeUntil { return nil }
      return probe(successes: successes, duration: duration, now: now)
    }
  }

  /// The moment from which a refused caller may ask again with a chance: nanoseconds, `now` when not refused.
  package func retryAt(now: UInt64) -> UInt64 {
    switch phase {
    case .closed: now
    case .open(let until, _): max(until, now)
    // The probe in flight may end at any time; a second is a polite distance.
    case .halfOpen(_, let probeUntil, _): probeUntil.map { min($0, now + 1_000_000_000) } ?? now
    }
  }

  /// Takes a call's result.
  ///
  /// - Parameter permit: nil for a result without one, such as a delivery report of a channel: it counts as of now,
  ///   and not at all while open.
  package mutating func record(_ outcome: BreakerOutcome, _ permit: BreakerPermit?, now: UInt64) {
    if let permit, permit.era != era { return }
    switch (phase, outcome) {
    case (.closed(let failures), .failure):
      if failures + 1 >= policy.failuresToOpen {
        open(for: policy.openFor.nanoseconds, now: now)
      } else {
        phase = .closed(failures: failures + 1)
      }
    case (.closed, .success): phase = .closed(failures: 0)
    case (.halfOpen(_, _, let duration), .failure): open(for: doubled(duration), now: now)
    case (.halfOpen(let successes, _, let duration), .success):
      if successes + 1 >= policy.successesToClose {
        reset()
      } else {
        phase = .halfOpen(successes: successes + 1, probeUntil: nil, duration: duration)
      }
    case (.halfOpen(let successes, let probeUntil, let duration), .neutral):
      phase = .halfOpen(successes: successes, probeUntil: permit == nil ? probeUntil : nil, duration: duration)
    case (.open, _), (.closed, .neutral): break
    }
  }

  /// Opens it at once, for a fault that needs no counting.
  package mutating func trip(now: UInt64) {
    switch phase {
    case .closed: open(for: policy.openFor.nanoseconds, now: now)
    case .open(_, let duration), .halfOpen(_, _, let duration): open(for: doubled(duration), now: now)
    }
  }

  /// Closes it and forgets everything.
  package mutating func reset() {
    era += 1
    phase = .closed(failures: 0)
  }

  private mutating func probe(successes: Int, duration: UInt64, now: UInt64) -> BreakerPermit {
    // A probe whose lease ran out loses its say: its late result would be taken for this one's.
    if case .halfOpen(_, .some, _) = phase { era += 1 }
    phase = .halfOpen(successes: successes, probeUntil: now + policy.probeLease.nanoseconds, duration: duration)
    return BreakerPermit(era: era, isProbe: true)
  }

  private mutating func open(for duration: UInt64, now: UInt64) {
    era += 1
    phase = .open(until: now + duration, duration: duration)
  }

  private func doubled(_ duration: UInt64) -> UInt64 { min(duration * 2, policy.longestOpen.nanoseconds) }
}
