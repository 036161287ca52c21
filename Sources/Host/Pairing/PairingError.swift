// What can go wrong with pairing, one case for each remedy, each with its reason code.
// Thrown by everything in HostPairing. Holds no code, token or sender.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons
package import HostStore

/// A failed operation of pairing.
package enum PairingError: Error, Equatable, Sendable, CustomStringConvertible {
  case store(StoreError)
  case keyUnusable(path: String, why: String, isPermission: Bool)
  /// Malformed, signed by another key, or spent: which of them is nobody's business.
  case tokenInvalid
  case tokenExpired
  case sessionUnknown
  case codeUnknown
  case codeExpired(channel: String)
  /// There is no active approval to revoke.
  case notApproved
  /// No sender, or one that the channel does not take for an address.
  case badSender

  package var reason: Reason {
    switch self {
    case .store(let error): error.reason
    case .keyUnusable(_, _, let isPermission): isPermission ? .pairingKeyPermissions : .pairingKeyUnusable
    case .tokenInvalid: .pairingTokenInvalid
    case .tokenExpired: .pairingTokenExpired
    case .sessionUnknown: .pairingSessionUnknown
    case .codeUnknown: .pairingCodeUnknown
    case .codeExpired: .pairingCodeExpired
    case .notApproved: .pairingNotApproved
    case .badSender: .pairingBadSender
    }
  }

  package var description: String {
    switch self {
    case .store(let error): "\(error)"
    case .keyUnusable(let path, let why, _): "\(path): \(why). \(reason.remedy)"
    default: "\(reason.cause) \(reason.remedy)"
    }
  }
}
