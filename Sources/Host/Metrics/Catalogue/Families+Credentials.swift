// Families of credentials and of the accounts that channels use. Fed by HostCredentials, HostAgents and, where
// a family is joinable, by plugins. The names are the seed's (spec/metrics.md): two gauges end in `_total`.
//
// SPDX-License-Identifier: Apache-2.0

/// Which way a credential was used.
package enum UsageDirection: String, ClosedLabel {
  case inbound
  case outbound
}

/// Why a look-up of a credential failed.
package enum ResolveFailure: String, ClosedLabel {
  case unbound
  case notFound = "not_found"
  case notPermitted = "not_permitted"
}

/// The kinds of findings of the validation at boot (spec/credentials.md).
package enum ValidationKind: String, ClosedLabel {
  case duplicatePath = "duplicate_path"
  case prefixOverlap = "prefix_overlap"
  case missingInstance = "missing_instance"
  case ambiguousOutbound = "ambiguous_outbound"
  case allowAgentsExcludes = "allow_agents_excludes"
  case asymmetricBinding = "asymmetric_binding"
  case credentialIO = "credential_io"
  case insecurePermissions = "insecure_permissions"
  case duplicateAccount = "duplicate_account"
  case unknownAgent = "unknown_agent"
  case legacyInlineGoogleAuth = "legacy_inline_google_auth"
  case other
}

/// How a refresh of a Google token ended.
package enum RefreshOutcome: String, ClosedLabel {
  case ok
  case err
}

extension Families {
  /// The families of this file.
  static let credentials: [FamilySpec] = [
    credentialsAccounts.spec, credentialsBindings.spec, channelAccountUsage.spec, channelACLDenied.spec,
    credentialsResolveErrors.spec, credentialsBreakerState.spec, credentialsBootValidationErrors.spec,
    credentialsInsecurePaths.spec, credentialsGoogleTokenRefresh.spec,
  ]

  /// Accounts known per channel, at boot and after each accepted reload. Labels: `channel`.
  package static let credentialsAccounts = GaugeSpec<String>(
    "credentials_accounts_total", ["channel"], help: "Accounts known, by channel.")

  /// 1 bound, 0 not; rows of agents that are gone are removed. Labels: `agent`, `channel`.
  package static let credentialsBindings = GaugeSpec<String, String>(
    "credentials_bindings_total", ["agent", "channel"],
    help: "Whether the agent has a credential bound on the channel: 1 bound, 0 not.")

  /// Counts uses of a credential. Labels: `agent`, `channel`, `direction`, `instance` (a label or a fingerprint).
  package static let channelAccountUsage = CounterSpec<String, String, UsageDirection, String>(
    "channel_account_usage_total", ["agent", "channel", "direction", "instance"],
    help: "Uses of a channel account: sends handed to the channel, and messages taken by an agent.")

  /// Counts sends refused by the account's `allow_agents`. Labels: `agent`, `channel`, `instance`.
  package static let channelACLDenied = CounterSpec<String, String, String>(
    "channel_acl_denied_total", ["agent", "channel", "instance"],
    help: "Outbound calls refused because the account does not allow the agent.")

  /// Counts failed look-ups. Labels: `channel`, `reason`.
  package static let credentialsResolveErrors = CounterSpec<String, ResolveFailure>(
    "credentials_resolve_errors_total", ["channel", "reason"], help: "Failed look-ups of a credential, by reason.")

  /// 0 closed, 1 half-open, 2 open, for each account. Labels: `channel`, `instance`.
  package static let credentialsBreakerState = GaugeSpec<String, String>(
    "credentials_breaker_state", ["channel", "instance"],
    help: "State of the circuit breaker of each account: 0 closed, 1 half-open, 2 open.")

  /// Counts findings of the validation at boot. Labels: `kind`.
  package static let credentialsBootValidationErrors = CounterSpec<ValidationKind>(
    "credentials_boot_validation_errors_total", ["kind"],
    help: "Findings of the credential validation at boot, by kind.")

  /// Credential files with lax permissions, at boot and after each reload.
  package static let credentialsInsecurePaths = PlainGaugeSpec(
    "credentials_insecure_paths_total", help: "Credential files that others than their owner may read or write.")

  /// Counts refresh attempts; fed by a plugin whose manifest lists it. Labels: `account_fp` (16 hex digits), `outcome`.
  package static let credentialsGoogleTokenRefresh = CounterSpec<String, RefreshOutcome>(
    "credentials_google_token_refresh_total", ["account_fp", "outcome"],
    help: "Attempts to refresh a Google access token, by fingerprint of the account.", isJoinable: true)
}
