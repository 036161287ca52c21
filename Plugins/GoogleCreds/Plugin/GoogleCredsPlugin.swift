// The GoogleCreds plugin: registers the credential source `google`, its metric family and its tools.
// Accounts are not there yet: every tool answers "no account", and every reference is not found.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
public import PluginKit

/// The function that the entry file names.
@c(google_creds_plugin)
public func googleCredsPlugin(_ call: PluginCall) -> PluginResult { call.make(GoogleCredsPlugin.self) }

/// Google accounts for agents.
public struct GoogleCredsPlugin: Plugin {
  private let source: CredentialSource
  /// One refresh attempt each: `account_fp` is a fingerprint, never an address.
  private let refreshes: MetricFamily<Counter>

  /// Registers everything.
  public init(_ host: PluginHost) throws {
    refreshes = try host.counter(
      "credentials_google_token_refresh_total", help: "Google OAuth refresh attempts.",
      labels: ["account_fp", "outcome"])
    source = try host.credentialSource(
      "google",
      CredentialActions(fetch: { reference in
        throw PluginError(.notFound, "no Google account for '\(reference)'. Add it to config/plugins/google-auth.yaml.")
      }))
    for tool in GoogleTool.allCases { try tool.register(on: host) }
  }
}
