// The admin console's routes about credentials: what is in force, and the reload.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostCredentials
internal import HostHTTP
internal import HostJSON
internal import HostReasons

/// `/admin/credentials`, `/admin/credentials/reload`.
struct AdminCredentials: Sendable {
  let wiring: CredentialWiring
  let reloads: ConfigurationReloads

  /// The reference system counts three kinds of accounts under short keys as well, and scripts read them. The host names no
  /// channel, so the table goes by the fingerprint of the channel's name; a test computes them.
  static let shortKeys: KeyValuePairs<String, String> = [
    "accounts_wa": "ec8202b6f9fb16f9",
    "accounts_tg": "3f40462915a3e602",
    "accounts_google": "bbdefa2950f49882",
  ]

  func routes() throws(RouteError) -> [Route] {
    var options = RouteOptions()
    options.timeLimit = .after(.seconds(60))
    return [
      try Route(
        "GET", "/admin/credentials",
        handler: HTTPPage { [wiring] _, exchange in exchange.respond(200, json: wiring.json) }),
      try Route(
        "POST", "/admin/credentials/reload", options,
        handler: HTTPPage { [reloads] _, exchange in
          reloads.request(.credentials) { AdminCredentials.answer($0, exchange) }
        }),
    ]
  }

  private static func answer(_ outcome: ReloadOutcome?, _ exchange: HTTPExchange) {
    guard let outcome else {
      return exchange.respond(problem: 503, .credentialsReloadBusy, Reason.credentialsReloadBusy.cause)
    }
    exchange.respond(outcome.isAccepted ? 200 : 400, json: json(outcome), pretty: outcome.isAccepted)
  }

  /// The shapes of the page (credentials.md), in its order; a refusal carries every finding twice, as a line and in parts.
  static func json(_ outcome: ReloadOutcome) -> JSON {
    guard outcome.isAccepted else {
      return [
        "ok": false, "code": .string(Reason.credentialsReloadRefused.code),
        "errors": JSON(outcome.errors.map { "\($0)" }), "warnings": JSON(outcome.warnings.map { "\($0)" }),
        "findings": .array(outcome.findings.map(\.json)), "version": JSON(outcome.version),
      ]
    }
    let counts = outcome.accounts.sorted { $0.key < $1.key }
    var object: JSONObject = [
      "accounts": .object(JSONObject(counts.map { ($0.key, JSON($0.value)) }))
    ]
    for (key, fingerprint) in shortKeys {
      object[key] = JSON(counts.first { Fingerprint.of($0.key) == fingerprint }?.value ?? 0)
    }
    object["warnings"] = JSON(outcome.warnings.map { "\($0)" })
    object["version"] = JSON(outcome.version)
    return .object(object)
  }
}
