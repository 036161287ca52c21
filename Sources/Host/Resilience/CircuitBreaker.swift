// The circuit breaker that the rest of the host uses: the state machine with a clock and a lock.
// One per provider, per account, and one for the broker. Callers log and count the changes it returns.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
package import Resilience
internal import Synchronization

/// A thread-safe breaker.
package final class CircuitBreaker: Sendable {
  /// A change of state, for a log line or an event.
  package struct Change: Sendable, Equatable {
    package let from: BreakerState
    package let to: BreakerState

    package init(from: BreakerState, to: BreakerState) {
      self.from = from
      self.to = to
    }
  }

  /// The value of the label `breaker`: `nats`, `llm.openai`.
  package let name: String
  private let machine: Mutex<BreakerMachine>
  private let clock: @Sendable () -> UInt64

  /// - Parameter clock: nanoseconds of a monotonic clock.
  package init(
    _ name: String, policy: BreakerPolicy = BreakerPolicy(),
    clock: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }
  ) {
    self.name = name
    machine = Mutex(BreakerMachine(policy))
    self.clock = clock
  }

  /// The state now: 0 closed, 1 half-open, 2 open as raw value (`credentials_breaker_state`).
  package var state: BreakerState {
    let now = clock()
    return machine.withLock { $0.state(at: now) }
  }

  /// The value of `circuit_breaker_state`: 0 closed, 1 otherwise. Half-open is 1: nothing has proved it well yet.
  package var gauge: Int { state == .closed ? 0 : 1 }

  /// Asks for leave to make one call, whose result must be recorded with the permit. Nil: refused.
  package func ask() -> BreakerPermit? {
    let now = clock()
    return machine.withLock { $0.ask(now: now) }
  }

  /// How long a refused caller should wait before it asks again.
  package var retryAfter: Duration {
    let now = clock()
    return .nanoseconds(machine.withLock { $0.retryAt(now: now) } - now)
  }

  /// Records a result; see ``BreakerMachine/record(_:_:now:)``.
  @discardableResult
  package func record(_ outcome: BreakerOutcome, _ permit: BreakerPermit? = nil) -> Change? {
    change { $0.record(outcome, permit, now: $1) }
  }

  /// Opens it at once.
  @discardableResult
  package func trip() -> Change? { change { $0.trip(now: $1) } }

  /// Closes it at once.
  @discardableResult
  package func reset() -> Change? { change { machine, _ in machine.reset() } }

  private func change(_ body: (inout BreakerMachine, UInt64) -> Void) -> Change? {
    let now = clock()
    return machine.withLock { machine in
      let before = machine.state(at: now)
      body(&machine, now)
      let after = machine.state(at: now)
      return before == after ? nil : Change(from: before, to: after)
    }
  }
}
