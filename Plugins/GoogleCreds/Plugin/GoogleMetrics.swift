// The plugin's families: refresh attempts, accounts by state, and the row of its breaker.
// Fed by GoogleCredsPlugin.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The handles. Labels are fingerprints and words of closed sets, never ids.
struct GoogleMetrics: Sendable {
  private let refreshes: MetricFamily<Counter>
  private let states: [AccountState: Gauge]
  private let breaker: Gauge

  /// Declares the families; in the plugin's init.
  init(_ host: PluginHost) throws {
    refreshes = try host.counter(
      "credentials_google_token_refresh_total",
      help: "Attempts to refresh a Google access token, by fingerprint of the account.",
      labels: ["account_fp", "outcome"])
    let accounts = try host.gauge(
      "google_creds_accounts", help: "Google accounts of the configuration, by state.", labels: ["state"])
    states = Dictionary(uniqueKeysWithValues: AccountState.allCases.map { ($0, accounts.with($0.rawValue)) })
    breaker = try host.gauge(
      "circuit_breaker_state", help: "State of each circuit breaker: 0 closed, 1 open.", labels: ["breaker"]
    ).with("google")
  }

  /// Both series of an account are there before the first attempt, with 0.
  func appeared(_ fingerprint: String) { for outcome in ["ok", "err"] { _ = refreshes.with(fingerprint, outcome) } }

  func disappeared(_ fingerprint: String) {
    for outcome in ["ok", "err"] { refreshes.remove(fingerprint, outcome) }
  }

  /// One attempt ended.
  func refreshed(_ fingerprint: String, isOK: Bool) { refreshes.with(fingerprint, isOK ? "ok" : "err").add() }

  /// Before each scrape.
  func sample(_ accounts: [AccountState], breaker open: Double) {
    for (state, gauge) in states { gauge.set(Double(accounts.count { $0 == state })) }
    breaker.set(open)
  }
}
