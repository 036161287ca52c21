// The breaker `google`: five failures in a row of the provider or the APIs, and nobody asks them for a while.
// One for the plugin; its row of `circuit_breaker_state` is set at each scrape. The machine is the host's own.
//
// SPDX-License-Identifier: Apache-2.0

import Resilience
import Synchronization

/// A thread-safe breaker on a monotonic clock.
final class Breaker: Sendable {
  private let machine: Mutex<BreakerMachine>
  private let clock: @Sendable () -> UInt64

  /// - Parameter clock: nanoseconds.
  init(policy: BreakerPolicy = BreakerPolicy(), clock: @escaping @Sendable () -> UInt64) {
    machine = Mutex(BreakerMachine(policy))
    self.clock = clock
  }

  /// Sends a call if the breaker lets it, and tells the breaker how it went: a status of 500 and more, a time-out and a
  /// lost connection are failures; any other answer is a success.
  func send(_ call: HTTPCall, by engine: HTTPEngine) async throws(HTTPFault) -> HTTPAnswer {
    let now = clock()
    guard let permit = machine.withLock({ $0.ask(now: now) }) else { throw .unreachable("the breaker is open") }
    do throws(HTTPFault) {
      let answer = try await engine.send(call)
      record(answer.status >= 500 ? .failure : .success, permit)
      return answer
    } catch {
      switch error {
      case .unreachable, .timedOut, .broken, .tls: record(.failure, permit)
      case .tooLarge: record(.success, permit)
      case .cancelled, .ended: record(.neutral, permit)
      }
      throw error
    }
  }

  /// 0 closed, 1 otherwise: the value of `circuit_breaker_state`.
  var gauge: Double {
    let now = clock()
    return machine.withLock { $0.state(at: now) } == .closed ? 0 : 1
  }

  private func record(_ outcome: BreakerOutcome, _ permit: BreakerPermit) {
    let now = clock()
    machine.withLock { $0.record(outcome, permit, now: now) }
  }
}
