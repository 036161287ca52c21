// Credentials through the built binary: two accounts of one channel, agents bound to them, and every step's metric.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Credentials", .timeLimit(.minutes(3)))
struct CredentialTests {
  @Test func `a reply goes out from the account it was written to, and both directions are counted`() async throws {
    let host = try await RunningHost(try Self.site())
    try host.bring("personal", "one")
    #expect(await host.eventually { try host.sent == ["personal echo: one"] })
    #expect(try host.usage("echo", "outbound", "personal") == 1)
    #expect(try host.usage("echo", "inbound", "personal") == 1)
    #expect(try host.value(#"credentials_accounts_total{channel="carrier"}"#) == 2)
    #expect(try host.value(#"credentials_bindings_total{agent="echo",channel="carrier"}"#) == 1)
    for account in ["personal", "work"] {
      #expect(try host.value(#"credentials_breaker_state{channel="carrier",instance="\#(account)"}"#) == 0)
    }
    for reason in ["unbound", "not_found", "not_permitted"] {
      #expect(try host.value(#"credentials_resolve_errors_total{channel="carrier",reason="\#(reason)"}"#) == 0)
    }
    #expect(try host.value("credentials_insecure_paths_total") == 0)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `each agent sends from its own account; the other's is not touched`() async throws {
    let site = try Self.site(
      agents: """
        - {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: personal}]}
        - {id: bob, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}
        """)
    let host = try await RunningHost(site)
    try host.bring("personal", "one")
    try host.bring("work", "two")
    #expect(await host.eventually { try host.sent.sorted() == ["personal echo: one", "work echo: two"] })
    #expect(try host.usage("ana", "outbound", "personal") == 1 && host.usage("bob", "outbound", "work") == 1)
    #expect(try host.usage("ana", "outbound", "work") == nil && host.usage("bob", "outbound", "personal") == nil)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a named account sends whatever account was written to, when that is said to be meant`() async throws {
    let site = try Self.site(
      agents: """
        - id: ana
          model: {provider: echo}
          inbound_bindings: [{plugin: carrier, instance: personal}]
          credentials: {carrier: work, carrier_asymmetric: true}
        """)
    let host = try await RunningHost(site)
    try host.bring("personal", "one")
    #expect(await host.eventually { try host.sent == ["work echo: one"] })
    #expect(try host.usage("ana", "inbound", "personal") == 1 && host.usage("ana", "outbound", "work") == 1)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an agent that the account does not allow is refused at the send, counted, and nothing leaves`()
    async throws
  {
    let host = try await RunningHost(try Self.site())
    try host.post("/carrier/account/work", #"{"allow_agents":["somebody"]}"#)
    try host.bring("work", "hello")
    let denied = #"channel_acl_denied_total{agent="echo",channel="carrier",instance="work"}"#
    #expect(await host.eventually { try host.value(denied) == 1 })
    #expect(try host.value(#"credentials_resolve_errors_total{channel="carrier",reason="not_permitted"}"#) == 1)
    #expect(try host.sent == [])
    #expect(try host.usage("echo", "outbound", "work") == nil)
    // The sibling is not concerned.
    try host.bring("personal", "still here")
    #expect(await host.eventually { try host.sent == ["personal echo: still here"] })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an account that is gone is not found, and the other one does not stand in for it`() async throws {
    let host = try await RunningHost(try Self.site())
    // Deliveries fail, so that the reply is still there when the account is not.
    try host.post("/carrier/script/work/-12/100", "")
    try host.bring("work", "hello")
    #expect(await host.eventually { try host.usage("echo", "outbound", "work") ?? 0 > 0 })
    try host.post("/carrier/gone/work", "")
    let missing = #"credentials_resolve_errors_total{channel="carrier",reason="not_found"}"#
    #expect(await host.eventually { try host.value(missing) == 1 })
    #expect(try host.sent == [])
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an agent that lost its binding sends nothing: unbound`() async throws {
    let site = try Self.site(
      agents: "- {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}")
    let host = try await RunningHost(site)
    try host.post("/carrier/script/work/-12/100", "")
    try host.bring("work", "hello")
    #expect(await host.eventually { try host.usage("ana", "outbound", "work") ?? 0 > 0 })
    try site.write(agents: "- {id: ana, model: {provider: echo}}")
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    let unbound = #"credentials_resolve_errors_total{channel="carrier",reason="unbound"}"#
    #expect(await host.eventually { try host.value(unbound) == 1 })
    #expect(try host.sent == [])
    #expect(try host.value(#"credentials_bindings_total{agent="ana",channel="carrier"}"#) == 0)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `five failures open one account's breaker, which half-opens and closes again; its sibling stays closed`()
    async throws
  {
    let host = try await RunningHost(try Self.site())
    let work = #"credentials_breaker_state{channel="carrier",instance="work"}"#
    let personal = #"credentials_breaker_state{channel="carrier",instance="personal"}"#
    try host.post("/carrier/script/work/-11/5", "")
    for number in 1...5 { try host.bring("work", "\(number)", chat: "chat\(number)") }
    #expect(await host.eventually { try host.value(work) == 2 })
    #expect(try host.value(personal) == 0)
    #expect(try host.value(#"circuit_breaker_state{breaker="account.carrier.work"}"#) == 1)
    // The sibling goes on as if nothing had happened; what is said to the open one waits.
    try host.bring("personal", "sibling")
    try host.bring("work", "waits", chat: "other")
    #expect(await host.eventually { try host.sent.contains("personal echo: sibling") })
    let sent = try host.sent
    if try host.value(work) == 2 { #expect(sent == ["personal echo: sibling"]) }
    // Ten seconds later one probe may pass.
    #expect(await host.eventually(seconds: 40) { try host.value(work) == 1 })
    try host.bring("work", "probe", chat: "probe")
    #expect(await host.eventually(seconds: 40) { try host.sent.contains("work echo: probe") })
    try host.bring("work", "again", chat: "again")
    #expect(await host.eventually(seconds: 60) { try host.value(work) == 0 })
    #expect(try host.value(personal) == 0)
    #expect(host.process.child.errors.contains("account breaker moved"))
    let end = await host.process.stop()
    #expect(end == .exited(0), "\(host.process.child.errors)")
  }

  @Test func `an agent with an error is failed with its reason and begins no turn; the others run`() async throws {
    let site = try Self.site(
      agents: """
        - {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: personal}]}
        - {id: bob, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: wrok}]}
        - id: cleo
          model: {provider: echo}
          inbound_bindings: [{plugin: carrier, instance: work}]
          credentials: {carrier: ghost}
        """)
    let host = try await RunningHost(site)
    let states = try host.ask("GET", "/admin/agents").body.array?.map { agent in
      [agent["id"]?.string, agent["state"]?.string, agent["reason"]?.string].map { $0 ?? "" }.joined(separator: " ")
    }
    #expect(
      states == [
        "ana attached ", "bob failed credentials.missing_instance", "cleo failed credentials.missing_instance",
      ])
    #expect(host.process.child.output.contains("ready agents=1 "))
    #expect(try host.value(#"credentials_boot_validation_errors_total{kind="missing_instance"}"#) == 2)
    try host.bring("personal", "ana")
    try host.bring("work", "cleo")
    #expect(await host.eventually { try host.sent == ["personal echo: ana"] })
    #expect(try host.value(#"messages_processed_total{agent="cleo"}"#) == nil)
    // Mended, the message that waited is answered.
    try site.write(
      agents: "- {id: cleo, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}")
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    #expect(await host.eventually(seconds: 60) { try host.sent.contains("work echo: cleo") })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a plugin gets its own secrets, another's only when the operator grants it`() async throws {
    let site = try Self.site()
    try site.drop(
      "vault", try Site.library("accounts", ["ID=\"vault\"", "KIND=\"box\"", "VAULT=\"open sesame\""]),
      capabilities: "channels = [\"box\"]\nroutes = [\"/box/*\"]\nproviders = [\"vault\"]")
    let host = try await RunningHost(site)
    #expect(try host.post("/box/secret", "vault:safe") == "0 open sesame")
    #expect(try host.post("/carrier/secret", "vault:safe").hasPrefix("-"))
    #expect(try host.value(#"credentials_resolve_errors_total{channel="vault",reason="not_permitted"}"#) == 1)
    try site.folder.write(
      "config/credentials.yaml", "grants:\n  - {plugin: accounts, references: [\"vault:*\"]}\n")
    #expect(try host.ask("POST", "/admin/credentials/reload").status == 200)
    #expect(try host.post("/carrier/secret", "vault:safe") == "0 open sesame")
    #expect(try host.post("/carrier/secret", "vault:nothing").hasPrefix("-"))
    #expect(try host.value(#"credentials_resolve_errors_total{channel="vault",reason="not_found"}"#) == 1)
    #expect(!host.process.child.errors.contains("open sesame"))
    #expect(await host.process.stop() == .exited(0))
  }
}

extension CredentialTests {
  /// A site with the channel `carrier` and its accounts `personal` and `work`.
  static func site(agents: String? = nil, _ macros: [String] = []) throws -> Site {
    let site = try Site("credentials")
    try site.drop(
      "accounts", try Site.library("accounts", macros),
      capabilities: "channels = [\"carrier\"]\nroutes = [\"/carrier/*\"]")
    if let agents { try site.write(agents: agents) }
    return site
  }
}

extension Site {
  /// Writes agents.yaml; each line of the list is one line of the file below its first.
  func write(agents: String) throws {
    let lines = agents.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    try folder.write("config/agents.yaml", "agents:\n\(lines)\n")
  }
}

extension RunningHost {
  /// What a sender writes to an account: the text with a canary behind it, from a number that is one.
  func bring(_ account: String, _ text: String, chat: String? = nil) throws {
    let canaries = process.site.canaries
    let chat = chat ?? canaries.only("sender") { $0.number("sender", .stores) }
    let words = text + " " + canaries.secret("message", .stores)
    #expect(try post("/carrier/in/\(account)/\(chat)", words) == "0")
  }

  @discardableResult
  func post(_ path: String, _ body: String) throws -> String {
    try HTTPClient(http).request("POST", path, body: Array(body.utf8)).text
  }

  /// `account text` of each message that reached its channel's service, without the canaries.
  var sent: [String] {
    get throws { try get("/carrier/sent").text.split(separator: "\n").map { Canaries.without(String($0)) } }
  }

  func usage(_ agent: String, _ direction: String, _ account: String) throws -> Double? {
    try value(
      #"channel_account_usage_total{agent="\#(agent)",channel="carrier",direction="\#(direction)",instance="\#(account)"}"#
    )
  }
}
