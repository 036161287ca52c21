// Hands out access tokens and refreshes them: 60 s before their end, one refresh in flight whoever asks, paused after
// failures, never again once the provider has refused the refresh token.
//
// SPDX-License-Identifier: Apache-2.0

import Resilience
import Synchronization

/// A refresh that is under way, and how it ended. Any number of callers wait for it.
final class RefreshFlight: Sendable {
  private let running = Mutex<Task<Void, Never>?>(nil)
  private let result = Mutex<Result<Tokens, GoogleFault>?>(nil)

  var task: Task<Void, Never>? {
    get { running.withLock { $0 } }
    set { running.withLock { $0 = newValue } }
  }

  func end(_ outcome: Result<Tokens, GoogleFault>) { result.withLock { $0 = outcome } }

  /// Waits for the end.
  func outcome() async -> Result<Tokens, GoogleFault> {
    await task?.value
    return result.withLock { $0 } ?? .failure(GoogleFault(.unavailable, "cancelled"))
  }
}

extension GoogleAccount {
  /// Attempts of one refresh, the first included, while the provider is in trouble.
  static let attempts = 3
  private static let betweenAttempts = Backoff(first: .milliseconds(500), longest: .seconds(4))
  /// Between refreshes that failed: nobody asks the provider in the meantime.
  private static let betweenRefreshes = Backoff(first: .seconds(2), longest: .seconds(300))
  /// How long another process, or the plugin's other generation, may hold the token file.
  private static let lockPatience: UInt64 = 30_000_000_000

  private enum Step {
    case use(Tokens)
    case fail(GoogleFault)
    case wait(RefreshFlight)
  }

  /// Tokens whose access token lasts for a minute more, refreshed if need be.
  func freshTokens() async throws(GoogleFault) -> Tokens {
    reload()
    switch nextStep() {
    case .use(let tokens): return tokens
    case .fail(let fault): throw fault
    case .wait(let flight):
      switch await flight.outcome() {
      case .success(let tokens): return tokens
      case .failure(let fault):
        // The provider is in trouble, and there is a little life left in what we have.
        let now = nowSeconds
        let left = state.withLock { state in
          state.tokens.flatMap { $0.isAlive(at: now) && state.refusedAccess != $0.access ? $0 : nil }
        }
        if let left, fault.reason == .unavailable { return left }
        throw fault
      }
    }
  }

  /// An API refused this access token before its time: the next caller gets another one.
  func refused(_ access: Secret) {
    state.withLock { state in if state.tokens?.access == access { state.refusedAccess = access } }
  }

  /// Begins a refresh if one is due, and waits for nobody. Called at each tick.
  func refreshIfDue() {
    reload()
    guard state.withLock({ $0.tokens != nil && !$0.isClosed }) else { return }
    _ = nextStep()
  }

  private func nextStep() -> Step {
    let (now, milliseconds) = (nowSeconds, context.now())
    return state.withLock { state in
      guard let tokens = state.tokens else { return .fail(state.fault ?? GoogleFault(.unlinked)) }
      if tokens.isFresh(at: now), state.refusedAccess != tokens.access { return .use(tokens) }
      if let flight = state.flight { return .wait(flight) }
      if let fault = state.fault, fault.reason == .reauthRequired || fault.reason == .noRefreshToken {
        return .fail(fault)
      }
      let isUsable = tokens.isAlive(at: now) && state.refusedAccess != tokens.access
      guard tokens.refresh != nil else {
        if isUsable { return .use(tokens) }
        let fault = GoogleFault(.noRefreshToken)
        state.fault = fault
        return .fail(fault)
      }
      guard milliseconds >= state.retryAt || (state.fault?.reason == .clientRefused && files.isChanged) else {
        return isUsable ? .use(tokens) : .fail(state.fault ?? GoogleFault(.unavailable))
      }
      let flight = RefreshFlight()
      state.flight = flight
      flight.task = context.spawn { [self] in await fly(flight) }
      return .wait(flight)
    }
  }

  private func fly(_ flight: RefreshFlight) async {
    let outcome: Result<Tokens, GoogleFault>
    do throws(GoogleFault) { outcome = .success(try await refresh()) } catch { outcome = .failure(error) }
    flight.end(outcome)
    let milliseconds = context.now()
    state.withLock { state in
      state.flight = nil
      guard case .failure(let fault) = outcome else { return }
      state.fault = fault
      // Nobody was asked: as soon as the file is mended it goes on.
      if fault.reason == .clientUnreadable { return }
      state.failures += 1
      let wait = Self.betweenRefreshes.delay(after: state.failures).components
      state.retryAt = milliseconds + wait.seconds * 1_000 + wait.attoseconds / 1_000_000_000_000_000
    }
    context.changed(self)
  }

  private func refresh() async throws(GoogleFault) -> Tokens {
    let lock = try await lockTokenFile()
    defer { withExtendedLifetime(lock) {} }
    // Whoever had the lock may have refreshed.
    reload()
    let now = nowSeconds
    let (tokens, refused) = state.withLock { ($0.tokens, $0.refusedAccess) }
    guard let tokens else { throw GoogleFault(.unlinked) }
    if tokens.isFresh(at: now), tokens.access != refused { return tokens }
    guard let token = tokens.refresh else { throw GoogleFault(.noRefreshToken) }
    let client = try files.client()
    var attempt = 1
    while true {
      do throws(OAuthClient.Failure) {
        let grant = try await context.client.refresh(token, client)
        context.counted(fingerprint, true)
        let fresh = grant.tokens(now: nowSeconds, before: tokens, asked: settings.scopes)
        keep(fresh)
        return fresh
      } catch {
        if case .transport(.cancelled) = error { throw GoogleFault(.unavailable, "cancelled") }
        context.counted(fingerprint, false)
        if case .refused(let refusal) = error, refusal.error == "invalid_grant" {
          context.refusals.add(token, of: fingerprint)
          throw GoogleFault(.reauthRequired, refusal.error)
        }
        guard error.isTransient, attempt < Self.attempts, !Task.isCancelled else { throw error.fault }
      }
      await context.sleep(Self.betweenAttempts.delay(after: attempt))
      attempt += 1
    }
  }

  /// Waits for the token file's lock.
  func lockTokenFile() async throws(GoogleFault) -> FileLock {
    let until = context.monotonic() + Self.lockPatience
    while true {
      do {
        if let lock = try FileLock.take(beside: settings.tokenPath) { return lock }
      } catch {
        throw GoogleFault(.tokenNotSaved, "\(error)")
      }
      guard context.monotonic() < until, !Task.isCancelled else {
        throw GoogleFault(.unavailable, "another process holds the token file")
      }
      await context.sleep(.milliseconds(50))
    }
  }
}
