// How an account is, as pages, tools, the host and the gauge see it.
// Made by GoogleAccount; pure.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The states of an account.
///
///               linked() by a consent                       refresh fails for good
///     unlinked ───────────────────────▶ linked ─────────────────────────────────────▶ reauthRequired
///        ▲  ▲                             │ ▲   refresh fails, the provider is in trouble     │
///        │  └────────── revoke() ─────────┘ └──────────── refreshed() ◀── troubled ◀──┐       │
///        └──────────────────────────── revoke() ──────────────────────────────────────┴───────┘
///     failed: the settings, the client's files or the token file cannot be used
enum AccountState: String, Sendable, CaseIterable {
  case unlinked
  case linked
  /// Linked, but the last refresh failed and is tried again.
  case troubled
  case reauthRequired = "reauth_required"
  case failed
}

/// A consent that is waiting for a person.
enum ConsentKind: Sendable, Equatable {
  /// The address to open in a browser.
  case browser(url: String)
  /// The code to type, and where.
  case device(userCode: String, url: String)
}

/// The consent as pages see it.
struct ConsentView: Sendable, Equatable {
  let kind: ConsentKind
  /// Unix milliseconds.
  let startedAt: Int64
  let endsAt: Int64

  var url: String {
    switch kind {
    case .browser(let url), .device(_, let url): url
    }
  }
  var userCode: String? {
    if case .device(let code, _) = kind { code } else { nil }
  }
}

/// One account at one moment. Holds no secret and no id.
struct AccountStatus: Sendable, Equatable {
  let fingerprint: String
  let agent: String
  var state: AccountState
  /// Nil when all is well.
  var fault: GoogleFault?
  /// Of the access token, unix seconds.
  var expiresAt: Int64?
  var hasRefresh = false
  var scopes: [String] = []
  /// Scopes that were asked for and not granted.
  var missingScopes: [String] = []
  /// Keys of the files that others may read or write.
  var laxFiles: [String] = []
  var consent: ConsentView?
  /// How the last consent ended, when it brought nothing.
  var lastConsent: GoogleFault?

  var health: Health {
    switch state {
    case .linked: fault == nil ? .up : .degraded
    case .troubled: .degraded
    case .unlinked, .reauthRequired, .failed: .down
    }
  }

  /// For `GET /google/accounts/status`, the same members always, null where there is nothing.
  var json: JSON {
    [
      "account": .string(fingerprint), "agent": .string(agent), "state": .string(state.rawValue),
      "reason": JSON(fault?.reason.rawValue), "cause": JSON(fault?.reason.cause), "remedy": JSON(fault?.reason.remedy),
      "detail": JSON(fault?.detail), "expires_at": expiresAt.map(JSON.integer) ?? .null,
      "has_refresh": .bool(hasRefresh), "scopes": JSON(scopes), "missing_scopes": JSON(missingScopes),
      "insecure_files": JSON(laxFiles), "consent": consent?.json ?? .null,
      "last_consent": JSON(lastConsent?.reason.rawValue),
    ]
  }

  /// What the host keeps of it for people.
  var detail: JSON {
    [
      "cause": JSON(fault?.reason.cause), "remedy": JSON(fault?.reason.remedy), "detail": JSON(fault?.detail),
      "fingerprint": .string(fingerprint), "insecure_files": JSON(laxFiles),
    ]
  }
}

extension ConsentView {
  fileprivate var json: JSON {
    [
      "kind": .string(userCode == nil ? "browser" : "device"), "url": .string(url), "user_code": JSON(userCode),
      "ends_at": .integer(endsAt),
    ]
  }
}
