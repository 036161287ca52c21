// What an account needs of the plugin: a clock, the provider, threads, and somebody to tell.
// One for the plugin and all of its accounts; tests make their own.
//
// SPDX-License-Identifier: Apache-2.0

/// Given to each account.
struct AccountContext: Sendable {
  let client: OAuthClient
  /// Unix milliseconds.
  let now: @Sendable () -> Int64
  /// CLOCK_MONOTONIC, nanoseconds.
  let monotonic: @Sendable () -> UInt64
  /// Runs work on the plugin's threads, cancelled when the plugin stops.
  let spawn: @Sendable (@escaping @Sendable () async -> Void) -> Task<Void, Never>
  /// One attempt to refresh ended: `credentials_google_token_refresh_total`.
  let counted: @Sendable (_ fingerprint: String, _ isOK: Bool) -> Void
  /// The account is not as it was.
  let changed: @Sendable (GoogleAccount) -> Void
  /// Waits; a test's may be shorter.
  let sleep: @Sendable (Duration) async -> Void
  /// What the provider will not take again.
  var refusals = RefusedTokens()
  /// Opens a loopback port for the answer of a consent; nil when there is none.
  var listen: @Sendable () -> LoopbackListener? = { LoopbackListener() }
}
