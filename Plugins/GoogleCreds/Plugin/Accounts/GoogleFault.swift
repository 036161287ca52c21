// The one error of this plugin: a reason code and what exactly was wrong.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// A failure with its reason. Shown to operators and agents as it is, so `detail` holds no secret and no address.
struct GoogleFault: Error, Equatable, Sendable, CustomStringConvertible {
  let reason: GoogleReason
  /// What exactly: a key, a host, the provider's error word. May be empty.
  let detail: String

  init(_ reason: GoogleReason, _ detail: String = "") {
    self.reason = reason
    self.detail = detail
  }

  /// Code, cause, detail, remedy.
  var description: String {
    let exactly = detail.isEmpty ? "" : " (\(detail))"
    return "\(reason.rawValue): \(reason.cause)\(exactly) \(reason.remedy)"
  }

  /// The same as it crosses the boundary of the plugin.
  var pluginError: PluginError { PluginError(code, description) }

  private var code: PluginError.Code {
    switch reason {
    case .unlinked, .revoked, .reauthRequired, .noRefreshToken, .accountUnknown, .accountAmbiguous: .notFound
    case .unavailable, .callFailed: .unavailable
    case .callTimeout: .timeout
    case .callRateLimited: .rateLimited
    case .callURL: .denied
    case .callTooLarge: .limit
    default: .rejected
    }
  }
}
