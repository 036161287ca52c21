// Consents: in the browser with PKCE, on the host's page, and by device code.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import Synchronization
import TestSupport
import Testing

@testable import GoogleCreds

extension ProviderTests {
  @Suite("Consent in a browser")
  struct BrowserConsentTests {
    @Test func `a consent links the account and leaves a whole token file of mode 0600 in a folder of mode 0700`()
      async throws
    {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let account = try await bench.linked(provider)
      let status = account.status
      #expect(status.fault == nil && status.hasRefresh && status.scopes == [Provider.gmail])
      #expect(status.health == .up && status.consent == nil && status.missingScopes.isEmpty)
      let file = try FileStatus.of(bench.tokenPath)
      #expect(file.permissions & 0o777 == 0o600)
      #expect(try FileStatus.of(bench.folder.file("tokens")).permissions & 0o777 == 0o700)
      let json = try JSON.parse(try AtomicFile.read(bench.tokenPath))
      #expect(json.object?.keys.sorted() == ["access_token", "expires_at", "refresh_token", "scopes"])
      #expect(PrivateFile.identity(bench.tokenPath + ".new") == nil)
    }

    @Test func `the address carries PKCE with S256, a state of 256 bits and a loopback redirect on a free port`() throws
    {
      let bench = try AccountBench()
      let account = bench.account([:])
      let url = try account.consentInBrowser(publicURL: nil).url
      #expect(url.hasPrefix("https://accounts.google.com/o/oauth2/v2/auth?"))
      let fields = Dictionary(
        uniqueKeysWithValues: url.split(separator: "?")[1].split(separator: "&").map {
          (String($0.split(separator: "=")[0]), String($0.split(separator: "=")[1]))
        })
      #expect(fields["code_challenge_method"] == "S256" && fields["code_challenge"]?.count == 43)
      #expect(fields["state"]?.count == 43)
      #expect(fields["redirect_uri"]?.hasPrefix("http%3A%2F%2F127.0.0.1%3A") == true)
      #expect(fields["access_type"] == "offline" && fields["prompt"] == "consent")
      let again = try account.consentInBrowser(publicURL: nil).url
      #expect(again != url)
      account.close()
    }

    @Test func `the provider refuses a code with the wrong verifier, and the account stays unlinked`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let client = bench.client(provider.endpointsJSON)
      let identity = ClientIdentity(id: "code-client", secret: Secret(Provider.secret))
      let pkce = try #require(PKCE())
      let redirect = "http://127.0.0.1:4444/callback"
      let location = try provider.answer(
        client.consentURL(identity, pkce, redirect: redirect, scopes: [Provider.gmail]))
      let query = String(location.split(separator: "?")[1])
      guard case .code(let code) = CallbackRequest.answer(inQuery: query, state: pkce.state) else {
        Issue.record("no code in the answer")
        return
      }
      let wrong = try #require(PKCE()).verifier
      await #expect(throws: OAuthClient.Failure.self) {
        try await client.exchange(code: code, identity, verifier: wrong, redirect: redirect)
      }
      // The same through an account: its own verifier does not fit a code that another consent asked for.
      let account = bench.account(provider.endpointsJSON)
      let view = try account.consentInBrowser(publicURL: nil)
      let consent = try #require(account.state.withLock { $0.consent })
      let other = try provider.answer(
        client.consentURL(
          identity, PKCE(verifier: wrong, state: try #require(consent.pkce).state), redirect: consent.redirect,
          scopes: [Provider.gmail]))
      #expect(try Provider.comeBack(other).status == 200)
      try await eventually("refused") { account.status.lastConsent != nil }
      #expect(account.status.lastConsent == GoogleFault(.consentRefused, "invalid_grant"))
      #expect(account.status.state == .unlinked && view.userCode == nil)
      #expect(PrivateFile.identity(bench.tokenPath) == nil)
    }

    @Test func `a person who refuses ends the consent`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let account = bench.account(provider.endpointsJSON)
      let view = try account.consentInBrowser(publicURL: nil)
      let location = try provider.answer(view.url, agrees: false)
      #expect(location.contains("error=access_denied"))
      _ = try Provider.comeBack(location)
      try await eventually("denied") { account.status.lastConsent?.reason == .consentDenied }
      #expect(account.status.consent == nil)
    }

    @Test func `strangers, wrong paths, wrong states and silent connections do not end the wait`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let account = bench.account(provider.endpointsJSON)
      let view = try account.consentInBrowser(publicURL: nil)
      let location = try provider.answer(view.url)
      let authority = String(location.dropFirst("http://".count).prefix { $0 != "/" })
      var silent: [HTTPClient] = []
      for _ in 0..<4 { silent.append(try HTTPClient(authority)) }
      let garbage = try HTTPClient(authority)
      try garbage.send("\u{16}\u{3}\u{1}\r\n\r\n")
      for (target, status) in [
        ("/", 404), ("/callback", 400), ("/callback?code=x&state=wrong", 400), ("/callback/?code=x", 404),
        ("/favicon.ico", 404), ("/callback?error=access_denied&state=wrong", 400),
      ] {
        #expect(try HTTPClient(authority).request("GET", target).status == status, "\(target)")
      }
      #expect(try HTTPClient(authority).request("POST", "/callback").status == 405)
      let target = String(location.dropFirst("http://".count + authority.count))
      let foreign = try HTTPClient(authority)
      try foreign.send("GET \(target) HTTP/1.1\r\nHost: evil.example\r\n\r\n")
      #expect(try foreign.response().status == 421)
      #expect(account.status.consent != nil)
      let answer = try Provider.comeBack(location)
      #expect(answer.status == 200 && answer.text.contains("close this window"))
      #expect(
        !answer.text.contains("code") && answer["content-security-policy"]?.contains("default-src 'none'") == true)
      try await eventually("linked") { account.status.state == .linked }
      // The port is closed once the answer is there.
      #expect(throws: HTTPClientError.self) { try HTTPClient(authority).request("GET", "/") }
    }

    @Test func `a consent that nobody finishes ends at its deadline, and a new one takes the place of the old`()
      async throws
    {
      let listener = try #require(LoopbackListener())
      let end = await #expect(throws: LoopbackListener.End.self) {
        try await listener.wait(state: Secret("state"), until: Clock.monotonic() + 50_000_000)
      }
      #expect(end == .deadline)
      let bench = try AccountBench()
      let account = bench.account([:])
      let first = try account.consentInBrowser(publicURL: nil)
      let second = try account.consentInBrowser(publicURL: nil)
      #expect(account.status.consent == second && first != second)
      account.cancelConsent()
      #expect(account.status.lastConsent?.reason == .consentCancelled && account.status.consent == nil)
      // On the page of a host with a public address nothing is open: the wait alone ends it.
      _ = try account.consentInBrowser(publicURL: "https://nexo.example")
      try await eventually("expired") { account.status.lastConsent?.reason == .consentExpired }
    }

    @Test
    func `without a port for the answer a browser consent is refused with its reason, and by device code it works`()
      async throws
    {
      let provider = try await Provider.shared
      let bench = try AccountBench(client: "device-client")
      var context = bench.account(provider.endpointsJSON).context
      context.listen = { nil }
      let account = GoogleAccount(bench.settings(), context)
      let fault = #expect(throws: GoogleFault.self) { try account.consentInBrowser(publicURL: nil) }
      #expect(fault?.reason == .consentListener && account.status.consent == nil)
      _ = try account.consentInBrowser(publicURL: "https://nexo.example")
      #expect(try await account.consentByDevice().userCode != nil)
      account.close()
    }

    @Test func `an answer that came to the host's page links the account whose state it carries, and no other`()
      async throws
    {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let account = bench.account(provider.endpointsJSON, sleepsReally: true)
      let view = try account.consentInBrowser(publicURL: "https://nexo.example")
      let location = try provider.answer(view.url)
      #expect(location.hasPrefix("https://nexo.example/google/callback?"))
      let query = String(location.split(separator: "?")[1])
      #expect(await account.finish(query: query.replacing("state=", with: "state=A")) == nil)
      let result = try #require(await account.finish(query: query))
      if case .failure(let fault) = result { Issue.record("\(fault)") }
      #expect(account.status.state == .linked)
      #expect(await account.finish(query: query) == nil)
    }
  }

  @Suite("Consent by device code")
  struct DeviceConsentTests {
    private func begin() async throws -> (Provider, AccountBench, GoogleAccount, ConsentView) {
      let provider = try await Provider.shared
      let bench = try AccountBench(client: "device-client")
      let account = bench.account(provider.endpointsJSON, sleepsReally: true)
      let view = try await account.consentByDevice()
      return (provider, bench, account, view)
    }

    @Test func `a pending code is polled at the provider's interval until the person agrees`() async throws {
      let (provider, bench, account, view) = try await begin()
      let code = try #require(view.userCode)
      #expect(view.url == "http://127.0.0.1/o/device/" && code.count >= 6)
      let before = try provider.count("/o/token/")
      try await eventually("polled once") { try provider.count("/o/token/") > before }
      #expect(account.status.consent == view && account.status.state == .unlinked)
      try provider.answer(userCode: code)
      try await eventually("linked") { account.status.state == .linked }
      #expect(account.status.hasRefresh)
      #expect(bench.slept.withLock { $0 }.allSatisfy { $0 == .seconds(1) })
    }

    @Test func `a person who refuses the code ends the consent`() async throws {
      let (provider, _, account, view) = try await begin()
      try provider.answer(userCode: try #require(view.userCode), agrees: false)
      try await eventually("denied") { account.status.lastConsent?.reason == .consentDenied }
      #expect(account.status.state == .unlinked && account.status.consent == nil)
    }

    @Test func `an expired code ends the consent, whether the provider says so or the clock`() async throws {
      let (provider, _, account, _) = try await begin()
      try provider.control("expire-devices")
      try await eventually("expired") { account.status.lastConsent?.reason == .consentExpired }
      let (_, bench, other, view) = try await begin()
      bench.ahead.withLock { $0 = view.endsAt - view.startedAt + 1_000 }
      try await eventually("expired") { other.status.lastConsent?.reason == .consentExpired }
    }

    @Test func `slow_down makes every later interval five seconds longer`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench(client: "slow-client")
      let account = bench.account([
        "device": "http://\(provider.address)/authlib/device", "token": "http://\(provider.address)/authlib/token",
      ])
      _ = try await account.consentByDevice()
      try await eventually("linked") { account.status.state == .linked }
      #expect(bench.slept.withLock { $0 } == [1, 6, 11, 11].map { Duration.seconds($0) })
    }

    @Test func `a connection that fails while polling doubles the interval and loses nothing`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench(client: "device-client")
      let account = bench.account(provider.endpointsJSON)
      try provider.fail("/o/token/", status: 503, times: 2)
      let view = try await account.consentByDevice()
      try provider.answer(userCode: try #require(view.userCode))
      try await eventually("linked") { account.status.state == .linked }
      #expect(Array(bench.slept.withLock { $0 }.prefix(3)) == [1, 2, 4].map { Duration.seconds($0) })
    }

    @Test func `a client that the provider does not know is refused with the provider's own word`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench(client: "nobody")
      let fault = await #expect(throws: GoogleFault.self) {
        _ = try await bench.account(provider.endpointsJSON).consentByDevice()
      }
      // The toolkit's word for a client that it does not know.
      #expect(fault == GoogleFault(.providerRefused, "invalid_request"))
    }
  }
}
