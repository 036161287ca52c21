// Accounts for tests: real files in a folder of their own, the real engine, a provider on loopback; waiting is written
// down instead of waited.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import Synchronization
import TestSupport
import Testing

@testable import GoogleCreds

/// A folder with one account's files, and an engine. Ends the engine when it goes away.
final class AccountBench: Sendable {
  let folder: TemporaryFolder
  let engine = HTTPEngine()
  /// Outcomes of refresh attempts, in order.
  let counted = Mutex<[Bool]>([])
  /// What would have been waited for.
  let slept = Mutex<[Duration]>([])
  let changes = Mutex(0)
  /// Milliseconds that the clock is ahead.
  let ahead = Mutex<Int64>(0)

  init(client: String = "code-client", secret: String = Provider.secret) throws {
    folder = try TemporaryFolder("google")
    try folder.write("client_id", client + "\n", mode: 0o600)
    try folder.write("client_secret", secret + "\n", mode: 0o600)
    try #require(engine.start())
  }

  deinit { engine.stop() }

  var tokenPath: String { folder.file("tokens/token.json") }

  func settings(id: String = "ana@gmail.com", agent: String = "ana", scopes: [String] = [Provider.gmail])
    -> AccountSettings
  {
    AccountSettings(
      id: id, agent: agent, clientID: .file(folder.file("client_id")),
      clientSecret: .file(folder.file("client_secret")), tokenPath: tokenPath, scopes: scopes)
  }

  func client(_ endpoints: JSON) -> OAuthClient {
    let settings = SettingsReader.read(["google_auth": ["endpoints": endpoints]], folder: folder.path)
    return OAuthClient(endpoints: settings.endpoints, engine: engine, breaker: Breaker(clock: { Clock.monotonic() }))
  }

  /// An account at a provider; `sleepsReally` where a test needs time to pass.
  func account(
    _ endpoints: JSON, _ settings: AccountSettings? = nil, sleepsReally: Bool = false
  ) -> GoogleAccount {
    GoogleAccount(
      settings ?? self.settings(),
      AccountContext(
        client: client(endpoints), now: { [self] in Int64(Clock.wall() / 1_000_000) + ahead.withLock { $0 } },
        monotonic: { Clock.monotonic() }, spawn: { body in Task { await body() } },
        counted: { [self] _, isOK in counted.withLock { $0.append(isOK) } },
        changed: { [self] _ in changes.withLock { $0 += 1 } },
        sleep: { [self] duration in
          slept.withLock { $0.append(duration) }
          if sleepsReally { try? await Task.sleep(for: duration) } else { await Task.yield() }
        }))
  }

  /// Links an account as a person would, in the browser.
  func linked(_ provider: Provider) async throws -> GoogleAccount {
    let account = account(provider.endpointsJSON)
    let view = try account.consentInBrowser(publicURL: nil)
    _ = try Provider.comeBack(try provider.answer(view.url))
    try await eventually("linked") { account.status.state == .linked }
    return account
  }

  /// Rewrites the token file so that its access token ends in so many seconds.
  func ageTokens(to seconds: Int64) throws {
    var tokens = try Tokens(file: try AtomicFile.read(tokenPath))
    tokens.expiresAt = Int64(Clock.wall() / 1_000_000_000) + seconds
    try AtomicFile.write(tokens.fileBytes, to: tokenPath)
  }
}

/// Waits for something to become true; fails the test when it does not within half a minute.
func eventually(_ what: String, _ holds: () async throws -> Bool) async throws {
  let deadline = Clock.monotonic() + 30_000_000_000
  while try await !holds() {
    try #require(Clock.monotonic() < deadline, "did not become true: \(what)")
    try await Task.sleep(for: .milliseconds(10))
  }
}
