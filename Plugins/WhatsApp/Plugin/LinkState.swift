// How an instance of WhatsApp is, in the words that the status page, the channel and the log share.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The states of an instance, spec page whatsapp.md. Only `disconnected` is reached until linking is there.
enum LinkState: String, Sendable, CaseIterable {
  case starting
  case waitingQR = "waiting_qr"
  case waitingCode = "waiting_code"
  case scanned
  case passkeyRequired = "passkey_required"
  case paired
  case connected
  case disconnected
  case loggedOut = "logged_out"
  case replaced
  case outdated
  case banned
  case failed
}

/// One instance's state, and what goes with it.
struct LinkStatus: Sendable, Equatable {
  var state: LinkState
  /// A dotted code; empty when connected.
  var reason: String
  /// Whether a code is there to be scanned.
  var hasQR: Bool { false }
  var health: Health { state == .connected ? .up : .down }

  /// The `pair/status` answer: every member is there, null when it does not apply.
  var json: JSON {
    [
      "state": .string(state.rawValue), "reason": .string(reason), "our_jid": nil, "last_reconnect_attempt": nil,
      "has_qr": .bool(hasQR), "expires_at": nil, "code_number": nil, "codes_total": nil,
    ]
  }

  /// What every instance is as long as the link protocol is missing.
  static let notImplemented = LinkStatus(state: .disconnected, reason: "link.not_implemented")
}
