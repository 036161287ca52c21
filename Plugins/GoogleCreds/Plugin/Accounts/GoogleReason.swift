// Why an account, a consent or a call is not as it should be: stable codes with cause and remedy, for pages, CLI,
// readiness, tools and logs. Thrown as GoogleFault; extensions/google-creds/reasons.json has them for `agent explain`.
//
// SPDX-License-Identifier: Apache-2.0

/// A reason code. The raw value is stable; `cause` and `remedy` speak to the operator.
enum GoogleReason: String, Sendable, CaseIterable {
  // The configuration.
  case configWrongType = "google.config.wrong_type"
  case configUnknownKey = "google.config.unknown_key"
  case configMissingKey = "google.config.missing_key"
  case configDuplicateID = "google.config.duplicate_id"
  case configDuplicateAgent = "google.config.duplicate_agent"
  case configSharedTokenFile = "google.config.shared_token_file"
  case configTwoSources = "google.config.two_sources"
  case configBadScope = "google.config.bad_scope"
  case configNoScopes = "google.config.no_scopes"
  case configBadEndpoint = "google.config.bad_endpoint"
  case configTestOnly = "google.config.test_only"
  // Files.
  case clientUnreadable = "google.client.unreadable"
  case clientRefused = "google.client.refused"
  case filesInsecure = "google.files.insecure"
  case tokenUnreadable = "google.token.unreadable"
  case tokenNotSaved = "google.token.not_saved"
  // An account.
  case unlinked = "google.account.unlinked"
  case revoked = "google.account.revoked"
  case reauthRequired = "google.account.reauth_required"
  case noRefreshToken = "google.account.no_refresh_token"
  case accountUnknown = "google.account.unknown"
  case accountAmbiguous = "google.account.ambiguous"
  // The provider.
  case unavailable = "google.provider.unavailable"
  case providerRefused = "google.provider.refused"
  case providerMalformed = "google.provider.malformed"
  // A consent.
  case consentDenied = "google.consent.denied"
  case consentExpired = "google.consent.expired"
  case consentRefused = "google.consent.refused"
  case consentStale = "google.consent.stale"
  case consentListener = "google.consent.listener"
  case consentCancelled = "google.consent.cancelled"
  // A call.
  case callURL = "google.call.url_refused"
  case callRedirect = "google.call.redirect"
  case callTooLarge = "google.call.too_large"
  case callTimeout = "google.call.timeout"
  case callFailed = "google.call.failed"
  case callRefused = "google.call.refused"
  case callRateLimited = "google.call.rate_limited"

  /// One sentence: what happened.
  var cause: String { Self.texts[self]?.cause ?? rawValue }

  /// One sentence: what to do.
  var remedy: String { Self.texts[self]?.remedy ?? "Start again." }

  /// Where to look.
  var evidence: String {
    if rawValue.hasPrefix("google.config.") { return "The page /google/accounts and the log name the key." }
    if rawValue.hasPrefix("google.call.") { return "The tool's answer says what exactly." }
    if rawValue.hasPrefix("google.consent.") { return "The page /google/accounts, at the account." }
    return "The page /google/accounts and the account's state say what exactly."
  }

  // swift-format-ignore
  private static let texts: [GoogleReason: (cause: String, remedy: String)] = [
    .configWrongType: ("A value in google-auth.yaml has the wrong type.", "Write it as docs/operations.md shows, and reload."),
    .configUnknownKey: ("A key in google-auth.yaml is unknown.", "Correct its spelling or remove it, and reload."),
    .configMissingKey: ("An account in google-auth.yaml lacks a key.", "Add the key, and reload."),
    .configDuplicateID: ("Two accounts in google-auth.yaml have the same id.", "Keep one of them, and reload."),
    .configDuplicateAgent: ("An agent has two Google accounts.", "Give each account an agent of its own, and reload."),
    .configSharedTokenFile: ("Two accounts in google-auth.yaml have the same token_path.", "Give each account a token file of its own, and reload."),
    .configTwoSources: ("An account in google-auth.yaml has client_id or client_secret both as text and as a file.", "Keep the file, and reload."),
    .configBadScope: ("A scope in google-auth.yaml cannot be one.", "Write scopes like gmail.readonly or a whole https address, and reload."),
    .configNoScopes: ("The account has no scopes, so there is nothing to consent to.", "List the scopes that the agent needs, and reload."),
    .configBadEndpoint: ("An end point in google-auth.yaml is no https address without user, query and fragment.", "Write https://HOST/PATH; http is for loopback only. Then reload."),
    .configTestOnly: ("A setting for tests points away from this machine.", "Remove it, or point every end point at loopback."),
    .clientUnreadable: ("The client id or client secret file cannot be read or is empty.", "Put the OAuth client's values from the Google Cloud console there, readable by the host's user only."),
    .clientRefused: ("The provider does not know this client, or refuses its secret.", "Compare client id and secret with the Google Cloud console; the files are read again when they change."),
    .filesInsecure: ("A file with a secret can be read or written by others.", "Run chmod 600 on it; if somebody may have read it, make a new secret."),
    .tokenUnreadable: ("The token file is there and is not what was written.", "Consent again; that replaces the file."),
    .tokenNotSaved: ("New tokens could not be written to the token file; they are in memory only.", "Check space and permissions of the token file's folder; writing is tried again with the next refresh."),
    .unlinked: ("Nobody has consented for this account yet.", "Open /google/accounts, or run 'agent link google'."),
    .revoked: ("The consent was withdrawn here.", "Consent again at /google/accounts if the agent shall use the account."),
    .reauthRequired: ("The provider no longer accepts the refresh token.", "Consent again at /google/accounts; the provider is not asked until then."),
    .noRefreshToken: ("The access token has ended and there is no refresh token.", "Consent again at /google/accounts, and leave offline access allowed."),
    .accountUnknown: ("There is no such Google account, or it belongs to another agent.", "Add one with this agent_id to config/plugins/google-auth.yaml."),
    .accountAmbiguous: ("There are several Google accounts.", "Name one by its id or fingerprint; /google/accounts shows them."),
    .unavailable: ("The provider cannot be reached or is in trouble.", "Nothing: it is tried again after a pause. If it stays, look at the network."),
    .providerRefused: ("The provider refused the request.", "Look at the error it named; scopes and client type in the Google Cloud console are the usual causes."),
    .providerMalformed: ("The provider's answer is not what the protocol says.", "Check that the end points in google-auth.yaml are the right ones."),
    .consentDenied: ("The consent was refused in the browser.", "Start again if that was a mistake."),
    .consentExpired: ("The consent was not finished in time.", "Start again, and finish within the time shown."),
    .consentRefused: ("The provider did not exchange the code for tokens.", "Start again; if it stays, compare client and redirect address with the Google Cloud console."),
    .consentStale: ("This answer belongs to no consent that is waiting.", "Start the consent again, and use the newest link."),
    .consentListener: ("The loopback address for the answer could not be opened.", "Use the device code, or set google_auth.public_url."),
    .consentCancelled: ("The consent was cancelled, or another one took its place.", "Nothing; start again whenever you like."),
    .callURL: ("This address would send the token to somebody else than Google.", "Use https://, no port, no user, and a host at or under googleapis.com."),
    .callRedirect: ("The API answered with a redirect, which is not followed.", "Call the address that it names, if that is at or under googleapis.com."),
    .callTooLarge: ("The API's answer is too large.", "Ask for less: pages, fields, filters."),
    .callTimeout: ("The API did not answer in time.", "Try again, or ask for less."),
    .callFailed: ("The API could not be reached or is in trouble.", "Try again later."),
    .callRefused: ("The API refused the call.", "Read what it says; a missing scope or a wrong argument are the usual causes."),
    .callRateLimited: ("The API asks to slow down.", "Wait, then try again less often."),
  ]
}
