// A host with the GoogleCreds plugin, the OAuth provider of Tests/Support/oauth, and the person who consents: what the tests of
// Google accounts share.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

/// Folders and provider for hosts with a Google account.
struct GoogleSite: Sendable {
  let site: Site
  let provider: Provider
  /// Fingerprint of the account.
  let fingerprint: String

  static let page = "/google/accounts"

  /// A site with the account "ana@gmail.com" of one agent.
  init(agent: String = "echo") async throws {
    try await self.init(
      fingerprint: "26e2d102014008d9",
      accounts: """
          accounts:
            - id: ana@gmail.com
              agent_id: \(agent)
              client_id_path: secrets/client_id
              client_secret_path: secrets/client_secret
              token_path: tokens/ana.json
              scopes: [gmail.readonly]

        """)
    site.canaries.watch("address of an account", "ana@gmail.com")
  }

  /// - Parameter accounts: the lines of google-auth.yaml below its end points.
  init(fingerprint: String, accounts: String) async throws {
    provider = try await Provider()
    site = try Site("google")
    self.fingerprint = fingerprint
    let place = site.folder.file("extensions/google-creds")
    try AtomicFile.makeFolder(place, mode: 0o755)
    try Tree.copy(
      "\(FixturePlugins.packageRoot)/extensions/google-creds/plugin.toml", to: Path.join(place, "plugin.toml"))
    try Tree.copy(Path.join(HostProcess.binaries, "libGoogleCreds.so"), to: Path.join(place, "libGoogleCreds.so"))
    try site.folder.write("config/secrets/client_id", "code-client\n", mode: 0o600)
    try site.folder.write("config/secrets/client_secret", "\(Provider.secret)\n", mode: 0o600)
    let endpoints = provider.endpoints.map { "    \($0.key): \($0.value)\n" }.sorted().joined()
    try site.folder.write(
      "config/plugins/google-auth.yaml", "google_auth:\n  endpoints:\n\(endpoints)\(accounts)", mode: 0o600)
  }

  /// Everything that is nobody else's business becomes a canary: what went over the wire to the provider.
  func watchSecrets() throws {
    for pair in try JSON.parse(provider.control("secrets"))["secrets"]?.array ?? [] {
      site.canaries.watch(pair[0]?.string ?? "", pair[1]?.string ?? "", pair[0]?.string == "state" ? .owner : .stores)
    }
  }

  /// Requests so far to the provider's token end point.
  func tokenRequests() throws -> Int64 { try JSON.parse(provider.control("counts"))["/o/token/"]?.integer ?? 0 }
  /// Requests that the APIs have seen.
  func calls() throws -> Int { try JSON.parse(provider.control("seen"))["requests"]?.array?.count ?? 0 }

  /// The account as its page has it.
  func status(_ host: RunningHost) throws -> JSON? {
    try JSON.parse(try host.get("\(GoogleSite.page)/status").body)["accounts"]?[0]
  }

  func refreshes(_ host: RunningHost, _ outcome: String) throws -> Double? {
    try host.value("credentials_google_token_refresh_total{account_fp=\"\(fingerprint)\",outcome=\"\(outcome)\"}")
  }

  /// The owner consents in a browser.
  func link(_ host: RunningHost) async throws {
    let begun = try HTTPClient(host.http).request("POST", "\(GoogleSite.page)/\(fingerprint)/consent")
    let consent = try #require(try JSON.parse(begun.body)["consent"], "\(begun.text)")
    #expect(try Provider.comeBack(try provider.answer(try #require(consent["url"]?.string))).status == 200)
    #expect(await host.eventually { try status(host)?["state"]?.string == "linked" })
    try watchSecrets()
  }

  /// Makes the access token end in five seconds, as its time would; the file as it was.
  @discardableResult
  func ageTokens(_ path: String = "config/tokens/ana.json") throws -> String {
    let path = site.folder.file(path)
    let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
    let soon = Clock.wall() / 1_000_000_000 + 5
    let aged = text.replacing(/"expires_at":\d+/, with: "\"expires_at\":\(soon)")
    try AtomicFile.write(Array(aged.utf8), to: path)
    return text
  }
}
