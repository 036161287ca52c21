// An agent's Google account in the real host, docs/google.md: from the page to the consent, the refresh, and its end,
// against the OAuth provider of Tests/Support/oauth.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Google accounts", .timeLimit(.minutes(5)))
struct GoogleAccountsTests {
  private static let fingerprint = "26e2d102014008d9"
  private static let page = "/google/accounts"

  /// A site with the plugin and one account, "ana@gmail.com" of the built-in agent.
  private func site(_ provider: Provider) throws -> Site {
    let site = try Site("google")
    let place = site.folder.file("extensions/google-creds")
    try AtomicFile.makeFolder(place, mode: 0o755)
    try Tree.copy(
      "\(FixturePlugins.packageRoot)/extensions/google-creds/plugin.toml", to: Path.join(place, "plugin.toml"))
    try Tree.copy(Path.join(HostProcess.binaries, "libGoogleCreds.so"), to: Path.join(place, "libGoogleCreds.so"))
    try site.folder.write("config/secrets/client_id", "code-client\n", mode: 0o600)
    try site.folder.write("config/secrets/client_secret", "\(Provider.secret)\n", mode: 0o600)
    let endpoints = provider.endpoints.map { "    \($0.key): \($0.value)\n" }.sorted().joined()
    try site.folder.write(
      "config/plugins/google-auth.yaml",
      """
      google_auth:
        endpoints:
      \(endpoints)
        accounts:
          - id: ana@gmail.com
            agent_id: echo
            client_id_path: secrets/client_id
            client_secret_path: secrets/client_secret
            token_path: tokens/echo.json
            scopes: [gmail.readonly]

      """)
    return site
  }

  private func status(_ host: RunningHost) throws -> JSON? {
    try JSON.parse(try host.get("\(Self.page)/status").body)["accounts"]?[0]
  }

  private func refreshes(_ host: RunningHost, _ outcome: String) throws -> Double? {
    try host.value(
      "credentials_google_token_refresh_total{account_fp=\"\(Self.fingerprint)\",outcome=\"\(outcome)\"}")
  }

  /// Makes the access token end in five seconds, as its time would.
  private func ageTokens(_ site: Site) throws -> String {
    let path = site.folder.file("config/tokens/echo.json")
    let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
    let soon = Clock.wall() / 1_000_000_000 + 5
    let aged = text.replacing(/"expires_at":\d+/, with: "\"expires_at\":\(soon)")
    try AtomicFile.write(Array(aged.utf8), to: path)
    return text
  }

  @Test func `an account is linked on the page, refreshed by itself, and asks for its owner when the provider says so`()
    async throws
  {
    let provider = try await Provider()
    let site = try site(provider)
    let host = try await RunningHost(site)
    #expect(try host.verdicts() == ["google-creds": "ok"])
    #expect(try host.get(Self.page).text.contains(Self.fingerprint))
    #expect(try status(host)?["reason"]?.string == "google.account.unlinked")
    #expect(try refreshes(host, "ok") == 0 && refreshes(host, "err") == 0)
    #expect(try host.value(#"circuit_breaker_state{breaker="google"}"#) == 0)

    let begun = try HTTPClient(host.http).request("POST", "\(Self.page)/\(Self.fingerprint)/consent")
    let consent = try #require(try JSON.parse(begun.body)["consent"], "\(begun.text)")
    #expect(
      try Provider.comeBack(try provider.answer(try #require(consent["url"]?.string))).status == 200)
    #expect(await host.eventually { try status(host)?["state"]?.string == "linked" })
    #expect(await host.eventually { try host.value(#"google_creds_accounts{state="linked"}"#) == 1 })

    let secrets = [try ageTokens(site)]
    #expect(await host.eventually { try refreshes(host, "ok") == 1 })
    try provider.control("forget")
    let last = try ageTokens(site)
    #expect(await host.eventually { try refreshes(host, "err") == 1 })
    #expect(await host.eventually { try status(host)?["state"]?.string == "reauth_required" })
    #expect(try host.get(Self.page).text.contains("google.account.reauth_required"))
    #expect(try host.value(#"google_creds_accounts{state="reauth_required"}"#) == 1)

    // Neither tokens nor the client's secret nor the address are anywhere that people or scrapers look.
    let shown = [
      host.process.child.errors, host.process.child.output, try host.scrape(), try host.get(Self.page).text,
      try host.get("\(Self.page)/status").text, try host.get("/ready?verbose").text,
    ]
    let tokens = (secrets + [last]).flatMap { text in
      text.matches(of: /"(?:access|refresh)_token":"([^"]+)"/).map { String($0.output.1) }
    }
    #expect(tokens.count == 4)
    for secret in tokens + [Provider.secret, "ana@gmail.com"] {
      #expect(!shown.contains { $0.contains(secret) })
    }
    #expect(await host.process.stop() == .exited(0))
  }
}
