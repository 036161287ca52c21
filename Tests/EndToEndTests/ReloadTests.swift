// Reloads from outside: the answer's shape, all or nothing, one after the other, by request and by signal.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Reload", .timeLimit(.minutes(3)))
struct ReloadTests {
  @Test func `an accepted reload answers as the page says, and the scrape follows`() async throws {
    let site = try CredentialTests.site()
    let host = try await RunningHost(site)
    try site.folder.write(
      "config/plugins/google-auth.yaml", "google_auth:\n  accounts: [{id: ana@example.com, agent_id: echo}]\n")
    try site.folder.write("config/plugins/whatsapp.yaml", "whatsapp: [{instance: a}, {instance: b}]\n")
    try site.folder.write("config/plugins/telegram.yaml", "telegram: [{instance: a}, {instance: b}, {instance: c}]\n")
    let answer = try HTTPClient(host.admin).request("POST", "/admin/credentials/reload")
    #expect(answer.status == 200)
    let object = try #require(try JSON.parse(answer.body).object)
    let keys = ["accounts", "accounts_wa", "accounts_tg", "accounts_google", "warnings", "version"]
    #expect(Set(object.map(\.name)) == Set(keys))
    let places = keys.map { key in answer.text.ranges(of: "\"\(key)\":").first?.lowerBound ?? answer.text.endIndex }
    #expect(places == places.sorted())
    #expect(object["accounts"]?["carrier"]?.integer == 2 && object["accounts"]?["google"]?.integer == 1)
    // Each short key counts its own channel, and only that.
    #expect(object["accounts_wa"]?.integer == 2 && object["accounts_tg"]?.integer == 3)
    #expect(object["accounts_google"]?.integer == 1)
    #expect(object["accounts"]?["whatsapp"]?.integer == 2 && object["accounts"]?["telegram"]?.integer == 3)
    #expect(object["warnings"]?.array == [] && object["version"]?.integer == 2)
    #expect(try host.value(#"credentials_accounts_total{channel="google"}"#) == 1)
    #expect(try host.scrape().contains(#"credentials_breaker_state{channel="google",instance="\#(Self.ana)"} 0"#))
    #expect(try !host.ask("GET", "/admin/credentials").body.text().contains("ana@"))
    #expect(await host.process.stop() == .exited(0))
  }

  /// The fingerprint of ana@example.com.
  private static let ana = "8e43ca37701228e7"

  @Test func `a refused reload lists every error and changes nothing at all, gauges included`() async throws {
    let site = try CredentialTests.site(
      agents: "- {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}")
    let host = try await RunningHost(site)
    func credentials() throws -> [Substring] {
      try host.scrape().split(separator: "\n").filter {
        $0.hasPrefix("credentials_") || $0.hasPrefix("channel_") || $0.hasPrefix("circuit_breaker_state")
      }
    }
    let (scrape, shown) = (try credentials(), try host.ask("GET", "/admin/credentials").body)
    let agents = try host.ask("GET", "/admin/agents").body
    let lax = try site.folder.write("lax", "s", mode: 0o644)
    try site.folder.write(
      "config/plugins/mail-auth.yaml", "mail_auth:\n  accounts: [{id: x, agent_id: nobody, client_id_path: \(lax)}]\n")
    try site.write(
      agents: """
        - {id: bob, model: {provider: echo}, credentials: {carrier: ghost}}
        - {id: cleo, model: {provider: nothing}}
        """)
    let refused = try host.ask("POST", "/admin/credentials/reload")
    #expect(refused.status == 400)
    #expect(refused.body["ok"] == false && refused.body["version"]?.integer == 1)
    let errors = (refused.body["errors"]?.array ?? []).compactMap(\.string)
    for code in [
      "credentials.missing_instance", "credentials.unknown_agent", "credentials.insecure_permissions",
      "agents.unknown_provider",
    ] { #expect(errors.contains { $0.hasSuffix("[\(code)]") }, "\(code) in \(errors)") }
    #expect(try credentials() == scrape)
    #expect(try host.ask("GET", "/admin/credentials").body == shown)
    #expect(try host.ask("GET", "/admin/agents").body == agents)
    let command = try await host.agent("reload")
    #expect(command.end == .exited(78) && command.errors.contains("credentials.missing_instance"))
    // The agent of before still answers, from its account.
    try host.bring("work", "still")
    #expect(await host.eventually { try host.sent == ["work echo: still"] })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a hundred reloads at once are made one after the other, each its own version`() async throws {
    let site = try CredentialTests.site()
    let host = try await RunningHost(site)
    let address = host.admin
    let versions = try await withThrowingTaskGroup(of: Int64?.self) { group in
      for _ in 1...100 {
        group.addTask {
          try await Thread.run("reload") {
            let answer = try? HTTPClient(address).request("POST", "/admin/credentials/reload")
            return answer.flatMap { try? JSON.parse($0.body)["version"]?.integer } ?? nil
          }
        }
      }
      var versions: [Int64] = []
      for try await version in group { if let version { versions.append(version) } }
      return versions
    }
    #expect(versions.sorted() == Array(2...101))
    try host.bring("personal", "after all")
    #expect(await host.eventually { try host.sent == ["personal echo: after all"] })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test
  func `a send that is under way when a reload takes its agent and binding away is finished, counted and reported`()
    async throws
  {
    let site = try CredentialTests.site(
      agents: "- {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}")
    let host = try await RunningHost(site)
    try host.post("/carrier/script/work/99/1", "")
    try host.bring("work", "under way")
    #expect(await host.eventually { try host.get("/carrier/held").text == "yes" })
    try site.write(
      agents: "- {id: bob, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: personal}]}")
    #expect(try host.ask("POST", "/admin/credentials/reload").body["version"]?.integer == 2)
    #expect(try host.value(#"credentials_bindings_total{agent="ana",channel="carrier"}"#) == nil)
    #expect(try host.post("/carrier/release", "") == "done")
    #expect(try host.sent == ["work echo: under way"])
    #expect(try host.usage("ana", "outbound", "work") == 1)
    #expect(await host.process.stop() == .exited(0))
    #expect(try await site.verify().end == .exited(0))
    #expect(host.process.child.errors.contains("account breaker moved") == false)
  }

  @Test func `reloads beyond what the host lets wait are refused at once, while one hangs on its files`() async throws {
    let host = try await RunningHost(try CredentialTests.site())
    // A file that does not end, as on a network disk that is gone.
    #expect(mkfifo(host.process.site.folder.file("config/plugins/slow.yaml"), 0o600) == 0)
    let address = host.admin
    let waiting = try await Thread.run("reloads") {
      (0...1_024).compactMap { _ -> Box? in
        let request = "POST /admin/credentials/reload HTTP/1.1\r\nHost: \(address)\r\n\r\n"
        guard let client = try? HTTPClient(address), (try? client.send(request)) != nil else { return nil }
        return Box(client)
      }
    }
    #expect(waiting.count == 1_025)
    // Whoever comes before the queue is full waits in it.
    let refused = await host.eventually {
      let answer = try HTTPClient(address, seconds: 1).request("POST", "/admin/credentials/reload")
      return answer.status == 503 && answer.text.contains("credentials.reload_busy")
    }
    #expect(refused)
    // The host is well besides.
    #expect(try host.get("/health").status == 200 && host.ask("GET", "/admin/credentials").body["version"] == 1)
    withExtendedLifetime(waiting) {}
    host.process.child.signal(SIGKILL)
    #expect(await host.process.child.ended() == .signalled(SIGKILL))
  }

  /// Connections that are held and not used: the guard of this `@unchecked Sendable`.
  private struct Box: @unchecked Sendable {
    let client: HTTPClient
    init(_ client: HTTPClient) { self.client = client }
  }

  @Test func `a secret that was rotated behind a placeholder reaches the plugin by a reload`() async throws {
    let site = try Site("rotated")
    try site.dropPages()
    try site.folder.write("secrets/word", "one\n", mode: 0o600)
    try site.folder.write("config/plugins/pages.yaml", "word: \"${file:\(site.folder.file("secrets/word"))}\"\n")
    let host = try await RunningHost(site)
    let told = #"nexo_plugin_calls_total{plugin="pages",call="reconfigure",result="ok"}"#
    func times() throws -> Double { try host.value(told) ?? 0 }
    let before = try times()
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    #expect(try times() == before)
    try site.folder.write("secrets/word", "two\n", mode: 0o600)
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    #expect(try times() == before + 1)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `SIGHUP takes agents and accounts up, and refuses them whole`() async throws {
    let site = try CredentialTests.site()
    let host = try await RunningHost(site)
    try site.write(
      agents: "- {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}")
    host.process.child.signal(SIGHUP)
    #expect(await host.eventually { try host.ask("GET", "/admin/agents/ana").status == 200 })
    #expect(try host.ask("GET", "/admin/credentials").body["version"]?.integer == 2)
    try site.write(agents: "- {id: bob, model: {provider: echo}, credentials: {carrier: ghost}}")
    host.process.child.signal(SIGHUP)
    #expect(await host.process.child.wait(until: { $0.errors.contains("credentials.missing_instance") }))
    #expect(try host.ask("GET", "/admin/agents/ana").status == 200)
    #expect(try host.ask("GET", "/admin/agents/bob").status == 404)
    #expect(try host.ask("GET", "/admin/credentials").body["version"]?.integer == 2)
    #expect(try await host.agent("reload").end == .exited(78))
    #expect(await host.process.stop() == .exited(0))
  }
}
