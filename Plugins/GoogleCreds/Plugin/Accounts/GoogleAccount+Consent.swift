// Consents of one account: in a browser with PKCE, or with a device code; one at a time, and a new one takes the place of
// the old. Ends with tokens, or with a reason that the page shows. Also the way back: revoking.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A consent that waits for a person.
final class RunningConsent: Sendable {
  let view: ConsentView
  /// Of a browser consent.
  let pkce: PKCE?
  let redirect: String
  /// Whether the answer comes to the host's page, not to a listener.
  let isByPage: Bool
  private let running = Mutex<Task<Void, Never>?>(nil)

  init(_ view: ConsentView, pkce: PKCE? = nil, redirect: String = "", isByPage: Bool = false) {
    self.view = view
    self.pkce = pkce
    self.redirect = redirect
    self.isByPage = isByPage
  }

  var task: Task<Void, Never>? {
    get { running.withLock { $0 } }
    set { running.withLock { $0 = newValue } }
  }
}

extension GoogleAccount {
  /// How long a browser consent waits (credentials.md).
  static let browserPatience: Int64 = 300

  // MARK: In a browser

  /// Begins a consent in a browser: the view has the address to open.
  ///
  /// - Parameter publicURL: where browsers reach this host, if the answer shall come to its page; nil: to a free port of
  ///   127.0.0.1.
  func consentInBrowser(publicURL: String?) throws(GoogleFault) -> ConsentView {
    guard !settings.scopes.isEmpty else { throw GoogleFault(.configNoScopes) }
    let client = try files.client()
    guard let pkce = PKCE() else { throw GoogleFault(.consentListener, "no randomness") }
    let listener = publicURL == nil ? context.listen() : nil
    guard listener != nil || publicURL != nil else { throw GoogleFault(.consentListener) }
    let redirect = listener?.redirect ?? (publicURL ?? "") + "/google/callback"
    let url = context.client.consentURL(client, pkce, redirect: redirect, scopes: settings.scopes)
    let now = context.now()
    let view = ConsentView(
      kind: .browser(url: url), startedAt: now, endsAt: now + Self.browserPatience * 1_000)
    let consent = RunningConsent(view, pkce: pkce, redirect: redirect, isByPage: listener == nil)
    let until = context.monotonic() + UInt64(Self.browserPatience) * 1_000_000_000
    replaceConsent(consent) { [self] in
      if let listener { await listen(listener, consent, pkce, until) } else { await expire(consent) }
    }
    return view
  }

  private func listen(
    _ listener: LoopbackListener, _ consent: RunningConsent, _ pkce: PKCE, _ until: UInt64
  ) async {
    do throws(LoopbackListener.End) {
      let answer = try await listener.wait(state: pkce.state, until: until)
      _ = await conclude(consent, pkce, answer)
    } catch {
      switch error {
      case .deadline: end(consent, GoogleFault(.consentExpired))
      case .cancelled: end(consent, GoogleFault(.consentCancelled))
      case .noThread: end(consent, GoogleFault(.consentListener))
      }
    }
  }

  private func expire(_ consent: RunningConsent) async {
    await context.sleep(.seconds(Self.browserPatience))
    if !Task.isCancelled { end(consent, GoogleFault(.consentExpired)) }
  }

  /// The query that a browser brought to the host's page; nil when it is not for a consent of this account.
  func finish(query: String) async -> Result<Void, GoogleFault>? {
    guard let consent = state.withLock({ $0.consent }), consent.isByPage, let pkce = consent.pkce,
      let answer = CallbackRequest.answer(inQuery: query, state: pkce.state)
    else { return nil }
    let fault = await conclude(consent, pkce, answer)
    consent.task?.cancel()
    return fault.map { .failure($0) } ?? .success(())
  }

  /// Exchanges the code; nil when the account is linked now.
  private func conclude(_ consent: RunningConsent, _ pkce: PKCE, _ answer: ConsentAnswer) async -> GoogleFault? {
    do throws(GoogleFault) {
      guard case .code(let code) = answer else {
        guard case .refused(let word) = answer, word != "access_denied" else { throw GoogleFault(.consentDenied) }
        throw GoogleFault(.consentRefused, word)
      }
      let client = try files.client()
      let grant: TokenGrant
      do throws(OAuthClient.Failure) {
        grant = try await context.client.exchange(
          code: code, client, verifier: pkce.verifier, redirect: consent.redirect)
      } catch { throw Self.consentFault(error) }
      try await link(grant, consent)
      return nil
    } catch {
      end(consent, error)
      return error
    }
  }

  private static func consentFault(_ failure: OAuthClient.Failure) -> GoogleFault {
    let fault = failure.fault
    return fault.reason == .providerRefused ? GoogleFault(.consentRefused, fault.detail) : fault
  }

  // MARK: With a device code

  /// Begins a consent with a device code: the view has the code and where to type it.
  func consentByDevice() async throws(GoogleFault) -> ConsentView {
    guard !settings.scopes.isEmpty else { throw GoogleFault(.configNoScopes) }
    let client = try files.client()
    let grant: DeviceGrant
    do throws(OAuthClient.Failure) {
      grant = try await context.client.deviceCode(client, scopes: settings.scopes)
    } catch { throw error.fault }
    let now = context.now()
    let view = ConsentView(
      kind: .device(userCode: grant.userCode, url: grant.verificationURL), startedAt: now,
      endsAt: now + grant.lifetime * 1_000)
    let consent = RunningConsent(view)
    replaceConsent(consent) { [self] in
      do throws(GoogleFault) {
        try await link(try await poll(grant, until: view.endsAt), consent)
      } catch {
        end(consent, error)
      }
    }
    return view
  }

  /// RFC 8628, section 3.4 and 3.5: waits first, five seconds more after each `slow_down`, twice as long after each
  /// connection that failed.
  private func poll(_ device: DeviceGrant, until: Int64) async throws(GoogleFault) -> TokenGrant {
    var interval = device.interval
    while true {
      await context.sleep(.seconds(interval))
      if Task.isCancelled { throw GoogleFault(.consentCancelled) }
      guard context.now() < until else { throw GoogleFault(.consentExpired) }
      do throws(OAuthClient.Failure) {
        return try await context.client.poll(device, try client())
      } catch {
        switch error {
        case .refused(let refusal):
          switch refusal.error {
          case "authorization_pending": continue
          case "slow_down": interval += 5
          case "access_denied": throw GoogleFault(.consentDenied)
          case "expired_token": throw GoogleFault(.consentExpired)
          default:
            guard refusal.isTransient else { throw Self.consentFault(error) }
            interval = min(interval * 2, 60)
          }
        case .transport(.cancelled): throw GoogleFault(.consentCancelled)
        case .transport: interval = min(interval * 2, 60)
        case .fault(let fault): throw fault
        }
      }
    }
  }

  private func client() throws(OAuthClient.Failure) -> ClientIdentity {
    do throws(GoogleFault) { return try files.client() } catch { throw .fault(error) }
  }

  // MARK: Beginning and end

  private func replaceConsent(_ consent: RunningConsent, _ body: @escaping @Sendable () async -> Void) {
    let old = state.withLock { state in
      defer {
        state.consent = consent
        state.lastConsent = nil
        // Inside the lock, so that a consent which ends at once finds itself in its place.
        consent.task = context.spawn(body)
      }
      return state.consent
    }
    old?.task?.cancel()
    context.changed(self)
  }

  /// The person gave up.
  func cancelConsent() {
    guard let consent = state.withLock({ $0.consent }) else { return }
    end(consent, GoogleFault(.consentCancelled))
    consent.task?.cancel()
  }

  /// A consent brought nothing.
  private func end(_ consent: RunningConsent, _ fault: GoogleFault) {
    let isCurrent = state.withLock { state in
      guard state.consent === consent else { return false }
      state.consent = nil
      state.lastConsent = fault
      return true
    }
    if isCurrent { context.changed(self) }
  }

  /// A consent brought tokens.
  private func link(_ grant: TokenGrant, _ consent: RunningConsent) async throws(GoogleFault) {
    let lock = try await lockTokenFile()
    defer { withExtendedLifetime(lock) {} }
    // A consent that another one has replaced links nothing.
    guard state.withLock({ $0.consent === consent }) else { throw GoogleFault(.consentCancelled) }
    let tokens = grant.tokens(now: nowSeconds, before: nil, asked: settings.scopes)
    state.withLock { state in
      state.consent = nil
      state.lastConsent = nil
    }
    keep(tokens)
  }

  // MARK: Revoking

  /// Withdraws the consent: at the provider as far as it can be reached, and here in any case.
  ///
  /// - Returns: nil, or why the provider could not be told. Then the owner has to look at the account's own page.
  func revoke() async throws(GoogleFault) -> GoogleFault? {
    cancelConsent()
    let lock = try await lockTokenFile()
    defer { withExtendedLifetime(lock) {} }
    reload()
    guard let tokens = state.withLock({ $0.tokens }) else {
      try forget()
      return nil
    }
    var untold: GoogleFault?
    do throws(OAuthClient.Failure) {
      try await context.client.revoke(tokens.refresh ?? tokens.access, try? files.client())
    } catch { untold = error.fault }
    try forget()
    return untold
  }

  private func forget() throws(GoogleFault) {
    do throws(FileError) { try PrivateFile.remove(settings.tokenPath) } catch {
      throw GoogleFault(.tokenNotSaved, "\(error)")
    }
    context.refusals.forget(fingerprint)
    state.withLock { state in
      (state.tokens, state.tokenFile, state.isLoaded) = (nil, nil, true)
      state.fault = GoogleFault(.revoked)
      (state.retryAt, state.failures, state.refusedAccess) = (0, 0, nil)
    }
    context.changed(self)
  }
}
