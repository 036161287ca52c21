// Tools of plugins that act with an account by themselves: the host decides from which, before each call, as it does for
// replies (docs/adr/0013).
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Tools that send", .timeLimit(.minutes(3)))
struct ToolAccountTests {
  /// The channel whose own tool sends without the host, and agents.
  private static func host(agents: String) async throws -> RunningHost {
    let site = try Site("tools")
    try site.dropChat()
    try site.drop(
      "accounts", try Site.library("accounts", ["TOOL"]),
      capabilities: "channels = [\"carrier\"]\nroutes = [\"/carrier/*\"]\ntools = [\"carrier_send\"]",
      more: "[tool_accounts]\ncarrier_send = \"carrier\"\n")
    try site.write(agents: agents)
    return try await RunningHost(site)
  }

  /// Two agents with an account each.
  private static func host(_ more: String = "") async throws -> RunningHost {
    try await host(
      agents: """
        - id: ana
          model: {provider: echo}
          inbound_bindings: [{plugin: webchat}]
          credentials: {carrier: work}
        \(more)
        """)
  }

  private static func ask(_ host: RunningHost, _ arguments: String) async throws -> String {
    let visitor = try ChatVisitor(host.http)
    #expect(try visitor.say("/tool carrier_send \(arguments)") == 202)
    #expect(await host.eventually { try visitor.answers().count == 1 })
    return try visitor.answers().first ?? ""
  }

  @Test func `a tool sends from the account that its agent is bound to, whatever the model asks for`() async throws {
    let host = try await Self.host()
    #expect(try host.verdicts()["accounts"] == "ok")
    _ = try await Self.ask(host, #"{"to":"x","text":"one"}"#)
    #expect(try host.sent == ["work one"])
    #expect(try host.usage("ana", "outbound", "work") == 1)
    // The model cannot name another account: the schema has none, and what it says would be replaced.
    let answer = try await Self.ask(host, #"{"to":"x","text":"two","account":"personal"}"#)
    #expect(answer.contains("tool.bad_arguments") && !answer.contains("work"), "\(answer)")
    #expect(try host.sent == ["work one"])
    #expect(try host.usage("ana", "outbound", "personal") == nil)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a recipient that is not on the agent's list, and an account that is throttled, refuse the call`()
    async throws
  {
    let host = try await Self.host("  outbound_allowlist: {carrier: [friend]}")
    #expect(try await Self.ask(host, #"{"to":"stranger","text":"x"}"#).contains("agents.recipient_refused"))
    let blocked = #"nexo_tool_calls_total{agent="ana",outcome="blocked",tool="carrier_send"}"#
    #expect(try host.value(blocked) == 1 && host.usage("ana", "outbound", "work") == nil)
    _ = try await Self.ask(host, #"{"to":"friend","text":"one"}"#)
    // Throttled five times in a row: the account's breaker opens, its sibling's does not.
    try host.post("/carrier/script/work/-11/5", "")
    for _ in 1...5 { #expect(try await !Self.ask(host, #"{"to":"friend","text":"x"}"#).contains("breaker")) }
    #expect(try host.value(#"credentials_breaker_state{channel="carrier",instance="work"}"#) == 2)
    #expect(try host.value(#"credentials_breaker_state{channel="carrier",instance="personal"}"#) == 0)
    #expect(try await Self.ask(host, #"{"to":"friend","text":"x"}"#).contains("credentials.breaker_open"))
    #expect(try host.sent == ["work one"])
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an agent without an account calls nothing`() async throws {
    let host = try await Self.host(
      agents: "- {id: bob, model: {provider: echo}, inbound_bindings: [{plugin: webchat}]}")
    #expect(try await Self.ask(host, #"{"to":"x","text":"one"}"#).contains("credentials.unbound"))
    #expect(try host.value(#"credentials_resolve_errors_total{channel="carrier",reason="unbound"}"#) == 1)
    #expect(try host.sent == [])
    #expect(await host.process.stop() == .exited(0))
  }
}
