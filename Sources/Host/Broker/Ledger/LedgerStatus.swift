// Whether the ledger takes messages, and if not, why.
// Read by readiness, by the breaker's gauge and by the admin console.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// Whether the ledger takes messages.
package enum LedgerStatus: Sendable, Equatable {
  /// Not recovered yet.
  case starting
  case ready
  /// Nothing is taken; recovers by itself.
  case refusing(Reason)
  case closed

  /// Nil when it is ready.
  package var reason: Reason? {
    switch self {
    case .starting: .brokerStarting
    case .ready: nil
    case .refusing(let reason): reason
    case .closed: .brokerClosed
    }
  }
}
