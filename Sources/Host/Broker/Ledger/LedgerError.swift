// Why the ledger did not do what it was asked to.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons
package import HostStore

/// A refusal of the ledger. One case per remedy.
package enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Back-pressure: too much is in flight. Nothing was stored; offer it again later.
  case backlogFull(queue: String)
  /// The store does not work now (disk full, read-only, ...). Nothing was stored; offer it again later.
  case store(StoreError)
  /// The message breaks a rule; offering it again will not help.
  case invalid(String)
  /// Somebody else holds the message by now, or it is settled.
  case leaseLost(id: String)
  case unknownDeadLetter(id: String)

  package var reason: Reason {
    switch self {
    case .backlogFull: .brokerBacklogFull
    case .store(let error): error.reason
    case .invalid: .brokerInvalid
    case .leaseLost: .brokerLeaseLost
    case .unknownDeadLetter: .brokerUnknownDeadLetter
    }
  }

  /// Whether the same offer may be taken later: then the sender keeps the message and tries again.
  package var isTransient: Bool {
    switch self {
    case .backlogFull: true
    case .store(let error): error.isTransient
    case .invalid, .leaseLost, .unknownDeadLetter: false
    }
  }

  package var description: String {
    switch self {
    case .backlogFull(let queue): "\(queue): too many messages wait. Offer it again in some seconds."
    case .store(let error): "\(error)"
    case .invalid(let what): "message: \(what). Correct the sender."
    case .leaseLost(let id): "message \(id): held by another turn, or settled. Drop this result."
    case .unknownDeadLetter(let id): "dead letter \(id): not found. Look it up with `agent dlq list`."
    }
  }
}
