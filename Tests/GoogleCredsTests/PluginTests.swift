// The plugin as a whole against the test host: registrations, accounts and states, verbs, pages.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginAPI
import PluginKit
import PluginTestHost
import TestSupport
import Testing

@testable import GoogleCreds

/// How long a test waits for an event, in milliseconds; only ever reached by a failing test.
private let patience: UInt32 = 20_000

/// One running plugin. Driven by one thread; the test host behind it has its own lock, which is the guard here.
final class GoogleHarness: @unchecked Sendable {
  let test: OpaquePointer

  static func run(_ config: JSON, _ body: (GoogleHarness) throws -> Void) throws {
    let harness = GoogleHarness()
    try #require(
      nexo_test_create(harness.test, config.description) == 0, "\(String(cString: nexo_test_error(harness.test)))")
    try #require(nexo_test_start(harness.test) == 0, "\(String(cString: nexo_test_error(harness.test)))")
    try body(harness)
    #expect(nexo_test_stop(harness.test, patience), "idle() did not come")
    var last: UnsafePointer<CChar>?
    #expect(nexo_test_faults(harness.test, &last) == 0, "\(last.map { String(cString: $0) } ?? "")")
  }

  private init() {
    // The table that NEXO_SWIFT_PLUGIN writes. Never freed, as the test host's own.
    let table = UnsafeMutablePointer<nexo_plugin_1>.allocate(capacity: 1)
    table.initialize(to: nexo_plugin_1())
    table.pointee.size = UInt32(MemoryLayout<nexo_plugin_1>.size)
    table.pointee.create = { googleCredsPlugin(PluginCall(host: $0, config: $1, inst: $2, err: $3)) }
    table.pointee.start = { nexo_kit_start($0, $1) }
    table.pointee.reconfigure = { nexo_kit_reconfigure($0, $1, $2) }
    table.pointee.quiesce = { nexo_kit_quiesce($0, $1) }
    table.pointee.destroy = { nexo_kit_destroy($0) }
    test = nexo_test_new(UnsafePointer(table))
  }

  func account(_ label: String) -> String? { nexo_test_account(test, "google", label).map { String(cString: $0) } }
  func send(_ header: String, _ value: String?) { nexo_test_request_header(test, header, value) }

  func fetch(
    _ method: String, _ target: String, _ body: String? = nil
  ) throws -> (status: UInt32, body: String, header: (String) -> String?) {
    let x = nexo_test_request(test, method, target, body)
    try #require(x != 0, "no route for \(method) \(target)")
    try #require(nexo_test_wait_end(test, x, patience))
    return (
      nexo_test_status(test, x), String(cString: nexo_test_body(test, x)),
      { [test] in nexo_test_header(test, x, $0).map { String(cString: $0) } }
    )
  }

  func command(_ verb: String, _ arguments: JSON) -> (status: nexo_status, result: String) {
    var result: UnsafePointer<CChar>?
    let status = nexo_test_command(test, "google", verb, arguments.description, patience, &result)
    return (status, result.map { String(cString: $0) } ?? "")
  }

  func tool(_ name: String, _ arguments: JSON = [:]) -> (status: nexo_status, result: String) {
    var result: UnsafePointer<CChar>?
    let status = nexo_test_tool(test, name, arguments.description, patience, &result)
    return (status, result.map { String(cString: $0) } ?? "")
  }
}

extension ProviderTests {
  @Suite("Plugin")
  struct LinkedPluginTests {
    @Test func `a linked account's token is fetched by its reference, and unlink takes it away at the provider`()
      async throws
    {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let entry: JSON = [
        "id": "ana@gmail.com", "agent_id": "tester", "client_id_path": .string(bench.folder.file("client_id")),
        "client_secret_path": .string(bench.folder.file("client_secret")), "token_path": .string(bench.tokenPath),
        "scopes": ["gmail.readonly"],
      ]
      let config: JSON = ["google_auth": ["endpoints": provider.endpointsJSON, "accounts": [entry]]]
      try GoogleHarness.run(config) { plugin in
        func fetch(_ reference: String) -> (status: nexo_status, bytes: String) {
          var result: UnsafePointer<CChar>?
          let status = nexo_test_fetch(plugin.test, reference, patience, &result)
          return (status, result.map { String(cString: $0) } ?? "")
        }
        func reaches(_ state: String) -> Bool {
          let deadline = Clock.monotonic() + UInt64(patience) * 1_000_000
          while plugin.account("ana@gmail.com")?.hasPrefix(state) != true {
            if Clock.monotonic() > deadline { return false }
            usleep(10_000)
          }
          return true
        }
        let missing = PluginError.Code.notFound.status
        #expect(fetch("google:ana@gmail.com").status == missing)
        let link = try JSON.parse(plugin.command("link", ["account": "ana@gmail.com"]).result)
        _ = try Provider.comeBack(try provider.answer(try #require(link["url"]?.string)))
        #expect(reaches("1 linked"), "\(plugin.account("ana@gmail.com") ?? "")")
        let file = try JSON.parse(try AtomicFile.read(bench.tokenPath))
        let got = fetch("google:ana@gmail.com")
        #expect(got.status == 0 && got.bytes == file["access_token"]?.string)
        for wrong in ["google:kate@gmail.com", "google:", "ana@gmail.com", "other:ana@gmail.com", ""] {
          #expect(fetch(wrong).status == missing, "\(wrong)")
        }
        #expect(plugin.command("unlink", ["account": "nobody"]).status == missing)
        let unlinked = plugin.command("unlink", ["account": "ana@gmail.com"])
        #expect(unlinked.status == 0 && unlinked.result == #"{"told_provider":true}"#)
        #expect(reaches("3 unlinked google.account.revoked"))
        #expect(PrivateFile.identity(bench.tokenPath) == nil)
        #expect(fetch("google:ana@gmail.com").status == missing)
        // The provider has forgotten the tokens as well.
        let call = try HTTPClient(provider.address).request(
          "GET", "/api/www.googleapis.com/x", headers: ["Authorization: Bearer \(got.bytes)"])
        #expect(call.status == 401)
      }
    }
  }
}

@Suite("Plugin", .timeLimit(.minutes(2)))
struct PluginTests {
  private static let ana = "26e2d102014008d9"
  private static let kate = "aef88eccce0a70de"

  private func config(_ bench: AccountBench, _ accounts: [JSON] = [], _ more: [String: JSON] = [:]) -> JSON {
    ["google_auth": .object(["accounts": .array(accounts)].merging(more) { $1 })]
  }

  private func entry(_ bench: AccountBench, _ id: String, _ agent: String) -> JSON {
    [
      "id": .string(id), "agent_id": .string(agent), "client_id_path": .string(bench.folder.file("client_id")),
      "client_secret_path": .string(bench.folder.file("client_secret")),
      "token_path": .string(bench.folder.file("\(agent).json")), "scopes": ["gmail.readonly"],
    ]
  }

  @Test func `without a configuration it stands still, and each tool says that there is no account`() throws {
    try GoogleHarness.run([:]) { plugin in
      for name in ["google_auth_start", "google_auth_revoke"] {
        let answer = plugin.tool(name)
        #expect(answer.status == PluginError.Code.notFound.status && answer.result.contains("google.account.unknown"))
      }
      let call = plugin.tool("google_call", ["method": "GET", "url": "https://www.googleapis.com/"])
      #expect(call.status == PluginError.Code.notFound.status)
      #expect(plugin.tool("google_auth_status").result.contains("\"authenticated\":false"))
      let page = try plugin.fetch("GET", "/google/accounts").body
      #expect(page.contains("No Google account is configured yet"))
      #expect(plugin.command("link", [:]).result == #"{"path":"/google/accounts"}"#)
      #expect(plugin.command("link", ["device": true]).status == PluginError.Code.notFound.status)
      #expect(plugin.command("other", [:]).status == PluginError.Code.unsupported.status)
      nexo_test_scrape(plugin.test)
      #expect(nexo_test_value(plugin.test, "circuit_breaker_state", "google") == 0)
      #expect(nexo_test_value(plugin.test, "google_creds_accounts", "linked") == 0)
    }
  }

  @Test func `accounts are declared with their states, and both refresh series are there from the start`() throws {
    let bench = try AccountBench()
    let bad: JSON = ["id": "bad@gmail.com", "agent_id": "bad", "extra": 1]
    let accounts = [entry(bench, "ana@gmail.com", "tester"), entry(bench, "kate@gmail.com", "kate"), bad]
    try GoogleHarness.run(config(bench, accounts)) { plugin in
      #expect(plugin.account("ana@gmail.com") == "3 unlinked google.account.unlinked")
      #expect(plugin.account("bad@gmail.com") == "3 failed google.config.missing_key")
      for outcome in ["ok", "err"] {
        let value = nexo_test_value(plugin.test, "credentials_google_token_refresh_total", "\(Self.ana),\(outcome)")
        #expect(value == 0)
      }
      nexo_test_scrape(plugin.test)
      #expect(nexo_test_value(plugin.test, "google_creds_accounts", "unlinked") == 2)
      #expect(nexo_test_value(plugin.test, "google_creds_accounts", "failed") == 1)
      // One record for each account that changed, and one for them all.
      #expect(nexo_test_logged(plugin.test, NEXO_INFO.int32, nil) == 5)
      // The agent of the test host is "tester": ana's account is its own.
      #expect(plugin.tool("google_auth_status").result.contains("google.account.unlinked"))
      var last: UnsafePointer<CChar>?
      #expect(nexo_test_logged(plugin.test, NEXO_WARN.int32, &last) == 2)
    }
  }

  @Test func `a new configuration takes hold at once, and leaves alone what did not change`() throws {
    let bench = try AccountBench()
    let ana = entry(bench, "ana@gmail.com", "tester")
    try GoogleHarness.run(config(bench, [ana])) { plugin in
      let link = plugin.command("link", [:])
      #expect(link.result.contains("\"url\":\"https://accounts.google.com/"))
      let more = config(bench, [ana, entry(bench, "kate@gmail.com", "kate")])
      #expect(nexo_test_reconfigure(plugin.test, more.description) == 0)
      #expect(plugin.account("kate@gmail.com") == "3 unlinked google.account.unlinked")
      let page = try plugin.fetch("GET", "/google/accounts").body
      #expect(page.contains(Self.ana) && page.contains(Self.kate) && page.contains("Open the consent page"))
      #expect(plugin.command("link", ["account": "nobody"]).result.contains("google.account.unknown"))
      let ambiguous = plugin.command("link", ["device": true])
      #expect(ambiguous.result.contains(Self.kate) && !ambiguous.result.contains("gmail.com"))
      #expect(plugin.command("link", ["account": .string(Self.kate)]).result.contains("\"url\""))
      #expect(plugin.command("link", [:]).result == #"{"path":"/google/accounts"}"#)
      #expect(nexo_test_reconfigure(plugin.test, config(bench, []).description) == 0)
      #expect(plugin.account("ana@gmail.com") == "gone" && plugin.account("kate@gmail.com") == "gone")
      var result: UnsafePointer<CChar>?
      #expect(
        nexo_test_fetch(plugin.test, "google:ana@gmail.com", patience, &result) == PluginError.Code.notFound.status)
    }
  }

  @Test func `the page is whole without scripts, safe to frame nowhere, and names nobody`() throws {
    let bench = try AccountBench()
    let accounts = [entry(bench, "ana@gmail.com", "<b>tester</b>"), entry(bench, "ana@gmail.com", "x")]
    try GoogleHarness.run(config(bench, accounts)) { plugin in
      plugin.send("host", "127.0.0.1:8080")
      let page = try plugin.fetch("GET", "/google/accounts")
      #expect(page.status == 200 && page.header("cache-control") == "no-store")
      let policy = try #require(page.header("content-security-policy"))
      #expect(
        policy.contains("default-src 'none'") && !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'")
      )
      #expect(page.header("x-frame-options") == "DENY")
      #expect(!page.body.contains("gmail.com") && !page.body.contains("<b>") && page.body.contains("&lt;b&gt;tester"))
      #expect(!page.body.contains("style=") && !page.body.contains("onclick"))
      #expect(page.body.contains("google.config.duplicate_id"))
      for action in ["consent", "device"] {
        #expect(page.body.contains("<form method=\"post\" action=\"/google/accounts/\(Self.ana)/\(action)\">"))
      }
      // From elsewhere, without a public address, a browser consent cannot end well.
      plugin.send("host", "nexo.example:8080")
      let remote = try plugin.fetch("GET", "/google/accounts").body
      #expect(!remote.contains("/consent\"") && remote.contains("/device\""))
      plugin.send("accept-language", "fr, es-CO;q=0.9, en;q=0.5")
      let spanish = try plugin.fetch("GET", "/google/accounts").body
      #expect(spanish.contains("<html lang=\"es\">") && spanish.contains("Nadie ha dado permiso"))
      for asset in ["accounts.css", "accounts.js", "finish.js"] {
        #expect(try plugin.fetch("GET", "/google/\(asset)").status == 200)
      }
    }
  }

  @Test func `a form goes back to the page, everybody else gets JSON, and only reasons of ours reach the page`() throws
  {
    let bench = try AccountBench()
    try GoogleHarness.run(config(bench, [entry(bench, "ana@gmail.com", "tester")])) { plugin in
      let base = "/google/accounts/\(Self.ana)"
      let json = try plugin.fetch("POST", base + "/consent")
      #expect(json.status == 200 && json.body.contains("\"kind\":\"browser\"") && !json.body.contains("gmail.com"))
      plugin.send("content-type", "application/x-www-form-urlencoded")
      plugin.send("accept", "text/html")
      let back = try plugin.fetch("POST", base + "/cancel")
      #expect(back.status == 303 && back.header("location") == "/google/accounts#a-\(Self.ana)")
      let stale = try plugin.fetch("POST", "/google/accounts/finish", "state=x&code=y")
      #expect(stale.header("location") == "/google/accounts?refused=google.consent.stale")
      try bench.folder.write("client_id", "", mode: 0o600)
      let refused = try plugin.fetch("POST", base + "/consent")
      let place = try #require(refused.header("location"))
      #expect(place.hasPrefix("/google/accounts?refused=google.client.unreadable&account=\(Self.ana)"))
      plugin.send("host", "localhost")
      let page = try plugin.fetch("GET", String(place.prefix { $0 != "#" })).body
      #expect(page.contains("role=\"alert\"") && page.contains("google.client.unreadable"))
      #expect(try plugin.fetch("GET", "/google/accounts?refused=%3Cscript%3E").body.contains("role=\"alert\"") == false)
      #expect(try plugin.fetch("POST", "/google/accounts/0000000000000000/revoke").status == 303)
      let status = try JSON.parse(try plugin.fetch("GET", "/google/accounts/status").body)
      #expect(status["accounts"]?[0]?["account"] == .string(Self.ana))
      #expect(status["accounts"]?[0]?["last_consent"] == "google.consent.cancelled")
    }
  }

  @Test func `the way back hands on nothing but an answer, escaped`() throws {
    try GoogleHarness.run([:]) { plugin in
      let page = try plugin.fetch("GET", "/google/callback?code=4%2F0A%22%3E%3Cb&state=s%26t")
      #expect(
        page.status == 200 && page.body.contains("value=\"4/0A&quot;&gt;&lt;b\"") && page.body.contains("s&amp;t"))
      #expect(page.body.contains("action=\"/google/accounts/finish\""))
      for query in ["", "?code=x", "?state=x", "?state=a%20b&code=x", "?state=x&error=%3Cb%3E", "?state=x&code=a%0Ab"] {
        #expect(try plugin.fetch("GET", "/google/callback\(query)").status == 400, "\(query)")
      }
      #expect(try plugin.fetch("GET", "/google/callback?state=x&error=access_denied").status == 200)
    }
  }
}

extension Int {
  fileprivate var int32: Int32 { Int32(truncatingIfNeeded: self) }
}
