// One circuit breaker for each account: a number that its service throttles leaves its siblings alone.
// Kept over reloads, and given away with each send, so that a report finds its breaker whatever happened meanwhile.
//
// SPDX-License-Identifier: Apache-2.0

package import HostResilience
internal import Synchronization

/// The breakers by account.
package final class AccountBreakers: Sendable {
  private let table = Mutex<[AccountKey: CircuitBreaker]>([:])
  private let policy: BreakerPolicy
  private let clock: @Sendable () -> UInt64

  /// - Parameter clock: nanoseconds, monotonic; tests give their own.
  package init(policy: BreakerPolicy = BreakerPolicy(), clock: @escaping @Sendable () -> UInt64) {
    self.policy = policy
    self.clock = clock
  }

  /// The breaker of an account, made at its first use.
  func breaker(of key: AccountKey) -> CircuitBreaker {
    table.withLock { table in
      if let known = table[key] { return known }
      let made = CircuitBreaker("account.\(key)", policy: policy, clock: clock)
      table[key] = made
      return made
    }
  }

  /// An account that never sent is closed.
  package func state(of key: AccountKey) -> BreakerState { table.withLock { $0[key] }?.state ?? .closed }

  /// Forgets the accounts that are gone; sends under way keep theirs.
  func keep(_ keys: Set<AccountKey>) { table.withLock { $0 = $0.filter { keys.contains($0.key) } } }
}
