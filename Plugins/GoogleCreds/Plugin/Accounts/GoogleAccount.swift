// One Google account: its tokens in memory and on disk, and its state. Everybody who needs an access token asks here.
// Refreshing is GoogleAccount+Refresh.swift, consents are GoogleAccount+Consent.swift.
// An account lives as long as its settings stay the same; a reload that changes them makes a new one.
//
// SPDX-License-Identifier: Apache-2.0

import Resilience
import Synchronization

/// One account.
final class GoogleAccount: Sendable {
  /// Everything that changes. Disk and network are used outside of the lock.
  struct State {
    var tokens: Tokens?
    /// Of the token file as it was last read or written; nil: there was none.
    var tokenFile: FileIdentity?
    /// Whether the token file was looked at yet.
    var isLoaded = false
    /// What stands in the way of the tokens there are; nil: nothing.
    var fault: GoogleFault?
    /// The access token was refused by an API: not handed out again although its time is not over.
    var refusedAccess: Secret?
    var flight: RefreshFlight?
    /// After failed refreshes in a row: not before this, unix milliseconds.
    var retryAt: Int64 = 0
    var failures = 0
    var consent: RunningConsent?
    var lastConsent: GoogleFault?
    var laxFiles: [String] = []
    var isClosed = false
  }

  let settings: AccountSettings
  let fingerprint: String
  let files: ClientFiles
  let context: AccountContext
  let state = Mutex(State())

  init(_ settings: AccountSettings, _ context: AccountContext) {
    self.settings = settings
    self.context = context
    fingerprint = settings.fingerprint
    files = ClientFiles(id: settings.clientID, secret: settings.clientSecret)
  }

  var nowSeconds: Int64 { context.now() / 1_000 }

  /// The account now.
  var status: AccountStatus {
    let now = nowSeconds
    return state.withLock { state in
      var status = AccountStatus(fingerprint: fingerprint, agent: settings.agent, state: .unlinked)
      status.fault = state.fault
      status.consent = state.consent?.view
      status.lastConsent = state.lastConsent
      status.laxFiles = state.laxFiles
      if let tokens = state.tokens {
        status.expiresAt = tokens.expiresAt
        status.hasRefresh = tokens.refresh != nil
        status.scopes = tokens.scopes
        status.missingScopes = settings.scopes.filter { !Self.isGranted($0, tokens.scopes) }
      }
      status.state = Self.word(state, at: now)
      return status
    }
  }

  /// Google grants `email` and `profile` under their long names.
  private static func isGranted(_ scope: String, _ granted: [String]) -> Bool {
    granted.contains(scope) || granted.contains("https://www.googleapis.com/auth/userinfo.\(scope)")
  }

  private static func word(_ state: borrowing State, at now: Int64) -> AccountState {
    switch state.fault?.reason {
    case .none: state.tokens == nil ? .unlinked : .linked
    case .unlinked, .revoked: .unlinked
    case .reauthRequired, .noRefreshToken: .reauthRequired
    case .unavailable, .providerRefused, .providerMalformed, .clientRefused: .troubled
    case .tokenNotSaved, .filesInsecure: .linked
    default: .failed
    }
  }

  // MARK: The token file

  /// Reads the token file if it is not as it was last seen: at start, and when somebody else wrote it. What was wrong
  /// with the old tokens is forgotten with them; a refresh token that the provider has refused stays refused, also over a
  /// restart.
  func reload() {
    let found = PrivateFile.identity(settings.tokenPath)
    let isKnown = state.withLock { $0.isLoaded && $0.tokenFile == found }
    if isKnown { return }
    let result = read()
    let before = status
    state.withLock { state in
      state.isLoaded = true
      switch result {
      case .success(let (tokens, identity)):
        (state.tokens, state.tokenFile) = (tokens, identity)
        state.fault = tokens == nil ? GoogleFault(.unlinked) : isRefused(tokens) ? GoogleFault(.reauthRequired) : nil
        (state.retryAt, state.failures, state.refusedAccess) = (0, 0, nil)
      case .failure(let fault):
        (state.tokens, state.tokenFile, state.fault) = (nil, found, fault)
      }
    }
    if status != before { context.changed(self) }
  }

  private func isRefused(_ tokens: Tokens?) -> Bool {
    tokens?.refresh.map { context.refusals.contains($0, of: fingerprint) } ?? false
  }

  private func read() -> Result<(Tokens?, FileIdentity?), GoogleFault> {
    do {
      let (bytes, identity) = try PrivateFile.read(settings.tokenPath)
      return .success((try Tokens(file: bytes), identity))
    } catch let error as FileError {
      return error.isMissing ? .success((nil, nil)) : .failure(GoogleFault(.tokenUnreadable, "\(error)"))
    } catch {
      return .failure(error as? GoogleFault ?? GoogleFault(.tokenUnreadable))
    }
  }

  /// Takes over new tokens: in memory at once, on disk before this returns. The caller holds the file's lock.
  func keep(_ tokens: Tokens) {
    var identity: FileIdentity?
    var fault: GoogleFault?
    context.refusals.forget(fingerprint)
    do { identity = try PrivateFile.write(tokens.fileBytes, to: settings.tokenPath) } catch {
      fault = GoogleFault(.tokenNotSaved, "\(error)")
    }
    state.withLock { state in
      state.tokens = tokens
      state.isLoaded = true
      // Where writing failed the old file stays: it is not read again while it is as it was.
      if let identity { state.tokenFile = identity }
      state.fault = fault
      (state.retryAt, state.failures, state.refusedAccess) = (0, 0, nil)
    }
    look()
    context.changed(self)
  }

  /// Looks at the permissions of the account's files. Called at start, at each tick, and after a write.
  func look() {
    var lax = files.lax
    if PrivateFile.isLax(settings.tokenPath) { lax.append("token_path") }
    let isNew = state.withLock { state in
      defer { state.laxFiles = lax }
      return state.laxFiles != lax
    }
    if isNew { context.changed(self) }
  }

  /// Ends the consent that waits, for an account that is no more. A refresh under way goes on: the provider may have
  /// spent the old refresh token already, and the new one must reach the disk.
  func close() {
    let consent = state.withLock { state in
      state.isClosed = true
      defer { state.consent = nil }
      return state.consent
    }
    consent?.task?.cancel()
  }
}
