// Refreshing: when, how often, what is kept, and when it stops.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import Synchronization
import TestSupport
import Testing

@testable import GoogleCreds

extension ProviderTests {
  @Suite("Refresh")
  struct RefreshTests {
    private func linked() async throws -> (Provider, AccountBench, GoogleAccount) {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      return (provider, bench, try await bench.linked(provider))
    }

    private func stored(_ bench: AccountBench) throws -> Tokens {
      try Tokens(file: try AtomicFile.read(bench.tokenPath))
    }

    @Test func `a token with more than a minute left is not refreshed, one with less is`() async throws {
      let (provider, bench, account) = try await linked()
      let before = try provider.count("/o/token/")
      try bench.ageTokens(to: 75)
      let kept = try await account.freshTokens()
      #expect(try provider.count("/o/token/") == before)
      try bench.ageTokens(to: 55)
      let fresh = try await account.freshTokens()
      #expect(try provider.count("/o/token/") == before + 1)
      #expect(fresh.access != kept.access && fresh.isFresh(at: account.nowSeconds))
      #expect(bench.counted.withLock { $0 } == [true])
    }

    @Test func `the provider's new refresh token replaces the old one on disk, and is used next time`() async throws {
      let (_, bench, account) = try await linked()
      let first = try stored(bench)
      for round in 1...3 {
        try bench.ageTokens(to: 10)
        _ = try await account.freshTokens()
        #expect(bench.counted.withLock { $0 } == Array(repeating: true, count: round))
      }
      let last = try stored(bench)
      #expect(last.refresh != nil && last.refresh != first.refresh && last.scopes == [Provider.gmail])
    }

    @Test func `fifty callers at expiry make exactly one refresh, and all get its token`() async throws {
      let (provider, bench, account) = try await linked()
      let before = try provider.count("/o/token/")
      try bench.ageTokens(to: 5)
      let tokens = try await withThrowingTaskGroup(of: Tokens.self) { group in
        for _ in 0..<50 { group.addTask { try await account.freshTokens() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(tokens.count == 50 && tokens.allSatisfy { $0 == tokens[0] })
      #expect(try provider.count("/o/token/") == before + 1)
    }

    @Test func `two objects on one token file, as two generations of the plugin, spend one refresh token once`()
      async throws
    {
      let (provider, bench, account) = try await linked()
      let other = bench.account(provider.endpointsJSON, sleepsReally: true)
      try bench.ageTokens(to: 5)
      let before = try provider.count("/o/token/")
      async let one = account.freshTokens()
      async let two = other.freshTokens()
      let (first, second) = try await (one, two)
      #expect(first == second)
      #expect(try provider.count("/o/token/") == before + 1)
    }

    @Test func `trouble at the provider is retried with backoff, and each attempt is counted`() async throws {
      let (provider, bench, account) = try await linked()
      try bench.ageTokens(to: 5)
      bench.slept.withLock { $0 = [] }
      try provider.fail("/o/token/", status: 503, times: 2)
      _ = try await account.freshTokens()
      #expect(bench.counted.withLock { $0 } == [false, false, true])
      let slept = bench.slept.withLock { $0 }
      #expect(slept.count == 2 && (.milliseconds(250) ... .milliseconds(500)).contains(slept[0]))
      #expect((.milliseconds(500) ... .seconds(1)).contains(slept[1]))
    }

    @Test func `a provider in trouble is left alone for a while, and a token with life left goes on`() async throws {
      let (provider, bench, account) = try await linked()
      try bench.ageTokens(to: 40)
      let old = try stored(bench)
      try provider.fail("/o/token/", status: 500, times: 3)
      #expect(try await account.freshTokens() == old)
      #expect(account.status.state == .troubled && account.status.fault?.reason == .unavailable)
      #expect(account.status.health == .degraded)
      let before = try provider.count("/o/token/")
      for _ in 0..<20 { #expect(try await account.freshTokens() == old) }
      #expect(try provider.count("/o/token/") == before)
      // Without life left the reason is told, still without asking.
      bench.ahead.withLock { $0 = 37_000 }
      account.state.withLock { $0.retryAt = .max }
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault?.reason == .unavailable)
      #expect(try provider.count("/o/token/") == before)
      account.state.withLock { $0.retryAt = 0 }
      _ = try await account.freshTokens()
      #expect(account.status.state == .linked && account.status.fault == nil)
      #expect(bench.counted.withLock { $0 } == [false, false, false, true])
    }

    @Test func `invalid_grant asks for a new consent and stops asking, until there is one`() async throws {
      let (provider, bench, account) = try await linked()
      try provider.control("forget")
      try bench.ageTokens(to: 5)
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault == GoogleFault(.reauthRequired, "invalid_grant"))
      #expect(account.status.state == .reauthRequired && account.status.health == .down)
      let before = try provider.count("/o/token/")
      for _ in 0..<10 { _ = try? await account.freshTokens() }
      account.refreshIfDue()
      #expect(try provider.count("/o/token/") == before)
      #expect(bench.counted.withLock { $0 } == [false])
      let view = try account.consentInBrowser(publicURL: nil)
      _ = try Provider.comeBack(try provider.answer(view.url))
      try await eventually("linked again") { account.status.state == .linked }
      try bench.ageTokens(to: 5)
      _ = try await account.freshTokens()
      #expect(bench.counted.withLock { $0 } == [false, true])
    }

    @Test func `what the provider refused for good stays refused over a restart, until there is a new token`()
      async throws
    {
      let (provider, bench, account) = try await linked()
      let kept = Mutex<[UInt8]>([])
      func restarted() -> GoogleAccount {
        var context = account.context
        context.refusals = RefusedTokens(kept.withLock { $0 }) { bytes in kept.withLock { $0 = bytes } }
        return GoogleAccount(account.settings, context)
      }
      let first = restarted()
      try provider.control("forget")
      try bench.ageTokens(to: 5)
      await #expect(throws: GoogleFault.self) { try await first.freshTokens() }
      let refresh = try #require(try stored(bench).refresh).reveal()
      let bytes = kept.withLock { $0 }
      #expect(!bytes.isEmpty && !String(decoding: bytes, as: UTF8.self).contains(refresh))
      let before = try provider.count("/o/token/")
      let second = restarted()
      second.reload()
      #expect(second.status.state == .reauthRequired && second.status.health == .down)
      second.refreshIfDue()
      let fault = await #expect(throws: GoogleFault.self) { try await second.freshTokens() }
      #expect(fault?.reason == .reauthRequired)
      #expect(try provider.count("/o/token/") == before)
      // The same refresh token in a file that somebody touched is refused still; a consent ends it.
      try bench.ageTokens(to: 4)
      await #expect(throws: GoogleFault.self) { try await second.freshTokens() }
      #expect(try provider.count("/o/token/") == before)
      let view = try second.consentInBrowser(publicURL: nil)
      _ = try Provider.comeBack(try provider.answer(view.url))
      try await eventually("linked again") { second.status.state == .linked }
      #expect(kept.withLock { $0 } == [])
      let third = restarted()
      third.reload()
      #expect(third.status.state == .linked)
    }

    @Test func `a client secret that was changed on disk is used at the next refresh`() async throws {
      let (provider, bench, account) = try await linked()
      defer { _ = try? provider.control("secret", "is=\(Provider.secret)") }
      try provider.control("secret", "is=rotated-secret")
      try bench.ageTokens(to: 5)
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault == GoogleFault(.clientRefused, "invalid_client"))
      let before = try provider.count("/o/token/")
      _ = try? await account.freshTokens()
      #expect(try provider.count("/o/token/") == before)
      // Same length, written in place: only size and inode stay.
      try bench.folder.write("client_secret", "rotated-secret\n", mode: 0o600)
      _ = try await account.freshTokens()
      #expect(account.status.state == .linked)
    }

    @Test func `a token file that somebody else wrote is taken over`() async throws {
      let (_, bench, account) = try await linked()
      var tokens = try stored(bench)
      tokens.access = Secret("from-elsewhere")
      try AtomicFile.write(tokens.fileBytes, to: bench.tokenPath)
      #expect(try await account.freshTokens().access == Secret("from-elsewhere"))
      try AtomicFile.write(Array("{]".utf8), to: bench.tokenPath)
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault?.reason == .tokenUnreadable && account.status.state == .failed)
    }

    @Test func `without a refresh token the account ends with its access token`() async throws {
      let (provider, bench, account) = try await linked()
      var tokens = try stored(bench)
      tokens.refresh = nil
      tokens.expiresAt = account.nowSeconds + 20
      try AtomicFile.write(tokens.fileBytes, to: bench.tokenPath)
      let before = try provider.count("/o/token/")
      #expect(try await account.freshTokens().access == tokens.access)
      bench.ahead.withLock { $0 = 30_000 }
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault?.reason == .noRefreshToken && account.status.state == .reauthRequired)
      #expect(try provider.count("/o/token/") == before)
    }

    @Test(arguments: [200, 302])
    func `an answer that is none of the protocol is told from trouble, and not asked for again at once`(status: Int)
      async throws
    {
      let (provider, bench, account) = try await linked()
      try bench.ageTokens(to: 5)
      try provider.fail("/o/token/", status: status, times: 1)
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault == GoogleFault(.providerMalformed, status == 200 ? "not JSON" : "a redirect"))
      #expect(account.status.state == .troubled && bench.counted.withLock { $0 } == [false])
    }

    @Test func `tokens that cannot be written stay in memory, and the reason is shown`() async throws {
      let (_, bench, account) = try await linked()
      try bench.ageTokens(to: 5)
      account.reload()
      let path = bench.folder.file("tokens")
      // A folder in the place of the name aside: writing fails, whoever the tests run as.
      try AtomicFile.makeFolder(path + "/token.json.new")
      try AtomicFile.write([1], to: path + "/token.json.new/x")
      let fresh = try await account.freshTokens()
      #expect(fresh.isFresh(at: account.nowSeconds))
      #expect(account.status.fault?.reason == .tokenNotSaved && account.status.state == .linked)
      #expect(try await account.freshTokens() == fresh)
    }

    @Test func `revoking takes the tokens away at the provider and here`() async throws {
      let (provider, bench, account) = try await linked()
      try provider.control("forget")
      let view = try account.consentInBrowser(publicURL: nil)
      _ = try Provider.comeBack(try provider.answer(view.url))
      try await eventually("linked again") { try provider.ask("tokens")["refresh"]?.integer == 1 }
      try await eventually("consent is over") { account.status.consent == nil }
      #expect(try await account.revoke() == nil)
      #expect(try provider.ask("tokens")["refresh"]?.integer == 0)
      #expect(PrivateFile.identity(bench.tokenPath) == nil)
      #expect(account.status.state == .unlinked && account.status.fault?.reason == .revoked)
      let fault = await #expect(throws: GoogleFault.self) { try await account.freshTokens() }
      #expect(fault?.reason == .revoked)
    }

    @Test func `revoking goes through here although the provider cannot be told`() async throws {
      let (provider, bench, account) = try await linked()
      try provider.fail("/o/revoke_token/", status: 503, times: 1)
      #expect(try await account.revoke()?.reason == .unavailable)
      #expect(PrivateFile.identity(bench.tokenPath) == nil && account.status.state == .unlinked)
    }
  }
}
