// An agent's Google account in the real host, docs/google.md: from the page to the consent, the refresh, and its end,
// against the OAuth provider of Tests/Support/oauth.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Google accounts", .timeLimit(.minutes(5)))
struct GoogleAccountsTests {
  @Test func `an account is linked on the page, refreshed by itself, and asks for its owner when the provider says so`()
    async throws
  {
    let google = try await GoogleSite()
    let host = try await RunningHost(google.site)
    #expect(try host.verdicts() == ["google-creds": "ok"])
    #expect(try host.get(GoogleSite.page).text.contains(google.fingerprint))
    #expect(try google.status(host)?["reason"]?.string == "google.account.unlinked")
    #expect(try google.refreshes(host, "ok") == 0 && google.refreshes(host, "err") == 0)
    #expect(try host.value(#"circuit_breaker_state{breaker="google"}"#) == 0)
    // `agent_id` is the binding.
    #expect(try host.value(#"credentials_bindings_total{agent="echo",channel="google"}"#) == 1)

    try await google.link(host)
    #expect(await host.eventually { try host.value(#"google_creds_accounts{state="linked"}"#) == 1 })

    let secrets = [try google.ageTokens()]
    #expect(await host.eventually { try google.refreshes(host, "ok") == 1 })
    try google.provider.control("forget")
    let last = try google.ageTokens()
    #expect(await host.eventually { try google.refreshes(host, "err") == 1 })
    #expect(await host.eventually { try google.status(host)?["state"]?.string == "reauth_required" })
    #expect(try host.get(GoogleSite.page).text.contains("google.account.reauth_required"))
    #expect(try host.value(#"google_creds_accounts{state="reauth_required"}"#) == 1)

    // Neither tokens nor the client's secret nor the address are anywhere that people or scrapers look.
    let shown = [
      host.process.child.errors, host.process.child.output, try host.scrape(), try host.get(GoogleSite.page).text,
      try host.get("\(GoogleSite.page)/status").text, try host.get("/ready?verbose").text,
    ]
    let tokens = (secrets + [last]).flatMap { text in
      text.matches(of: /"(?:access|refresh)_token":"([^"]+)"/).map { String($0.output.1) }
    }
    #expect(tokens.count == 4)
    for secret in tokens + [Provider.secret, "ana@gmail.com"] {
      #expect(!shown.contains { $0.contains(secret) })
    }
    try google.watchSecrets()
    #expect(await host.process.stop() == .exited(0))

    // A restart knows that the provider has said no for good, and does not ask it again.
    let asked = try google.tokenRequests()
    let again = try await RunningHost(google.site)
    #expect(try google.status(again)?["state"]?.string == "reauth_required")
    #expect(try google.status(again)?["reason"]?.string == "google.account.reauth_required")
    #expect(try google.refreshes(again, "err") == 0 && google.tokenRequests() == asked)
    try await google.link(again)
    #expect(try google.refreshes(again, "err") == 0)
    #expect(await again.process.stop() == .exited(0))
  }

  @Test func `another plugin gets the account's token when the operator grants it, and only then`() async throws {
    let google = try await GoogleSite()
    try google.site.drop(
      "accounts", try Site.library("accounts"), capabilities: "channels = [\"carrier\"]\nroutes = [\"/carrier/*\"]")
    let host = try await RunningHost(google.site)
    try await google.link(host)
    let wish = "google:ana@gmail.com"
    #expect(try host.post("/carrier/secret", wish).hasPrefix("-"))
    #expect(try host.value(#"credentials_resolve_errors_total{channel="google",reason="not_permitted"}"#) == 1)
    try google.site.folder.write(
      "config/credentials.yaml", "grants:\n  - {plugin: accounts, references: [\"\(wish)\"]}\n")
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    let got = try host.post("/carrier/secret", wish)
    let kept = try JSON.parse(try AtomicFile.read(google.site.folder.file("config/tokens/ana.json")))
    #expect(got == "0 \(kept["access_token"]?.string ?? "none")")
    #expect(try host.post("/carrier/secret", "google:kate@gmail.com").hasPrefix("-"))
    #expect(await host.process.stop() == .exited(0))
  }

  /// A configuration whose only account stands in the agent's own entry.
  private static func inline(_ google: GoogleSite, secret: String) throws {
    try google.site.folder.write("secrets/client", secret + "\n", mode: 0o600)
    try google.site.folder.write(
      "config/agents.yaml",
      """
      agents:
        - id: main
          model: {provider: echo}
          inbound_bindings: [{plugin: webchat}]
          google_auth:
            client_id: code-client
            client_secret: "${file:\(google.site.folder.file("secrets/client"))}"
            scopes: [gmail.readonly]

      """, mode: 0o600)
  }

  @Test func `an inline block is the agent's account: linked, used, its secret read again; strict refuses it`()
    async throws
  {
    // The fingerprint of "main": inline accounts are named after their agent.
    let google = try await GoogleSite(fingerprint: "0d6e4079e36703eb", accounts: "")
    try google.site.dropChat()
    try Self.inline(google, secret: "not-yet-the-secret")
    let host = try await RunningHost(google.site)
    #expect(try host.value(#"credentials_boot_validation_errors_total{kind="legacy_inline_google_auth"}"#) == 1)
    #expect(try host.value(#"credentials_accounts_total{channel="google"}"#) == 1)
    #expect(try host.value(#"credentials_bindings_total{agent="main",channel="google"}"#) == 1)
    #expect(try host.ask("GET", "/admin/agents/main").body["state"]?.string == "attached")
    #expect(try google.status(host)?["account"]?.string == google.fingerprint)
    // The secret behind the placeholder is rotated: a reload brings it to the plugin.
    try Self.inline(google, secret: Provider.secret)
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    try await google.link(host)
    let file = "state/plugins/google-creds/tokens/\(google.fingerprint).json"
    #expect(try FileStatus.of(google.site.folder.file(file)).permissions == 0o600)
    try google.ageTokens(file)
    #expect(await host.eventually { try google.refreshes(host, "ok") == 1 })
    let visitor = try ChatVisitor(host.http)
    let call = #"/tool google_call {"method":"GET","url":"https://gmail.googleapis.com/v1/x"}"#
    #expect(try visitor.say(call) == 202)
    #expect(await host.eventually { try visitor.answers().first?.contains("gmail.googleapis.com") == true })
    // Without the block there is no account any more.
    try google.site.write(agents: "- {id: main, model: {provider: echo}, inbound_bindings: [{plugin: webchat}]}")
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    #expect(await host.eventually { try google.status(host)?["account"]?.string == nil })
    #expect(try host.value(#"credentials_bindings_total{agent="main",channel="google"}"#) == 0)
    #expect(await host.process.stop() == .exited(0))

    try Self.inline(google, secret: Provider.secret)
    let strict = try await RunningHost(google.site, ["--strict"])
    let main = try strict.ask("GET", "/admin/agents/main").body
    #expect(main["state"]?.string == "failed" && main["reason"]?.string == "credentials.legacy_inline")
    #expect(try google.status(strict)?["account"]?.string == nil)
    #expect(await strict.process.stop() == .exited(0))
  }
}
