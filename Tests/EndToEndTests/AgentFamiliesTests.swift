// Every value of every closed label of the families of agents, models and tools, moved in the real host by what people
// write; and nothing outside those sets, whatever a model invents.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import HostMetrics
import TestSupport
import Testing

@Suite("Families of agents, models and tools", .timeLimit(.minutes(3)))
struct AgentFamiliesTests {
  /// One agent for the chat, with every limit that can be run into; another for the courier.
  static let agents = """
    agents:
      - id: main
        model: {provider: echo, model: echo}
        inbound_bindings: [{plugin: webchat}]
        allowed_tools: [time_now]
        tool_rate_limits: {time_now: {rps: 0.001, burst: 4}}
      - id: strict
        model: {provider: echo, model: echo}
        inbound_bindings: [{plugin: courier}]
        sender_rate_limit: {rps: 0.001, burst: 3}
        config: {queue_cap: 1}
    """
  static let policy = """
    cache: {ttl_secs: 600, tools: [time_now], max_entries: 1}
    """

  @Test func `each outcome of requests, tool calls and the cache is counted as what it is`() async throws {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/agents.yaml", Self.agents)
    try site.folder.write("config/tool_policy.yaml", Self.policy)
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    var expected = 0
    func ask(_ text: String) async throws {
      #expect(try visitor.say(text) == 202)
      expected += 1
      let wanted = expected
      #expect(await host.eventually { try visitor.answers().count == wanted }, "\(text)")
    }
    let call = #"/tool time_now {"utc_offset_minutes":0}"#
    try await ask(call)  // miss, put
    try await ask(call)  // hit
    try await ask(#"/tool time_now {"utc_offset_minutes":60}"#)  // evicts the other
    try await ask(#"/tool time_now {"utc_offset_minutes":"x"}"#)  // error: bad arguments
    try await ask(#"/tool delegate {"agent":"strict","text":"x"}"#)  // blocked: not in allowed_tools
    try await ask("/tool no_such_tool {}")  // unknown
    func tool(_ outcome: String, _ name: String) throws -> Double? {
      try host.value(#"nexo_tool_calls_total{agent="main",outcome="\#(outcome)",tool="\#(name)"}"#)
    }
    #expect(try tool("ok", "time_now") == 3)
    #expect(try tool("error", "time_now") == 1)
    #expect(try tool("blocked", "delegate") == 1)
    #expect(try tool("unknown", "other") == 1)
    for (event, count) in [("hit", 1.0), ("miss", 2), ("put", 2), ("evict", 1)] {
      let series = #"nexo_tool_cache_events_total{agent="main",event="\#(event)",tool="time_now"}"#
      #expect(try host.value(series) == count, "\(event)")
    }
    // Refusals and hits have no latency.
    #expect(try host.value(#"nexo_tool_latency_ms_count{agent="main",tool="time_now"}"#) == 2)
    // A refused request ends as a dead letter at once and leaves the provider's breaker alone.
    #expect(try visitor.say("/fail 400") == 202)
    let requests = #"llm_requests_total{agent="main",provider="echo",model="echo",outcome="error"}"#
    #expect(await host.eventually { try host.value(requests) == 1 })
    #expect(try host.value(#"circuit_breaker_state{breaker="llm.echo"}"#) == 0)
    #expect(await host.eventually { try host.ask("GET", "/admin/dlq").body.array?.count == 1 })
    let text = try host.scrape()
    #expect(text.contains(#"llm_requests_total{agent="main",provider="echo",model="echo",outcome="ok"} 12"#))
    #expect(text.contains(#"llm_latency_ms_count{agent="main",provider="echo",model="echo"} 13"#))
    #expect(try host.value(#"messages_processed_total{agent="main"}"#) == 7)
    expectClosed(text)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a provider that fails five times in a row has its breaker open`() async throws {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    for _ in 0..<2 { #expect(try ChatVisitor(host.http).say("/fail 500") == 202) }
    #expect(await host.eventually(seconds: 60) { try host.value(#"circuit_breaker_state{breaker="llm.echo"}"#) == 1 })
    #expect(try host.ask("GET", "/admin/agents/echo").body["reason"]?.string == "llm.breaker_open")
    #expect(try HTTPClient.get(host.admin, "/admin/").text.contains("open</span>"))
    #expect(try host.value(#"circuit_breaker_state{breaker="nats"}"#) == 0)
    expectClosed(try host.scrape())
    host.process.child.signal(SIGKILL)
    #expect(await host.process.child.ended() == .signalled(SIGKILL))
  }

  @Test func `a sender over his limit, a full queue, a text of nothing and an account without agent are told apart`()
    async throws
  {
    func refused(_ macros: [String], _ agent: String, _ reason: String, change: (String) -> String = { $0 })
      async throws
    {
      let site = try Site()
      try site.dropCourier(macros)
      try site.folder.write("config/agents.yaml", change(Self.agents))
      let host = try await RunningHost(site)
      let series = #"nexo_messages_refused_total{agent="\#(agent)",reason="\#(reason)"}"#
      #expect(await host.eventually { try host.value(series) ?? 0 >= 2 }, "\(reason)")
      if reason == "rate_limited" {
        // The burst went through, and only that.
        #expect(await host.eventually { try host.value(#"messages_processed_total{agent="strict"}"#) == 3 })
      }
      expectClosed(try host.scrape())
      host.process.child.signal(SIGKILL)
      #expect(await host.process.child.ended() == .signalled(SIGKILL))
    }
    try await refused(["CHATS=1"], "strict", "rate_limited")
    try await refused(["CHATS=1", "TEXT=\" \""], "strict", "ignored")
    try await refused(["CHATS=1", "TEXT=\"/wait 100000\""], "strict", "queue_full") {
      $0.replacing("    sender_rate_limit: {rps: 0.001, burst: 3}\n", with: "")
    }
    try await refused(["CHATS=1"], "", "unbound") { $0.replacing("plugin: courier", with: "plugin: other") }
  }

  @Test func `a model that invents 10,000 tool names adds one series`() async throws {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    func series() throws -> Set<Substring> {
      Set(
        try host.scrape().split(separator: "\n").filter { $0.hasPrefix("nexo_tool_") }
          .map { $0.prefix { $0 != " " } })
    }
    let before = try series()
    // 64 calls a turn are what the built-in model makes.
    for first in stride(from: 0, to: 10_000, by: 50) {
      let text = (first..<first + 50).map { "/tool made_up_\($0)" }.joined(separator: "\n")
      #expect(await host.eventually { try visitor.say(text, id: "\(first)") == 202 })
    }
    let counter = #"nexo_tool_calls_total{agent="echo",outcome="unknown",tool="other"}"#
    #expect(await host.eventually(seconds: 60) { try host.value(counter) == 10_000 })
    let added = try series().subtracting(before)
    #expect(added == [Substring(counter)])
    #expect(await host.process.stop() == .exited(0))
  }

  /// No sample of a family with a closed label has a value outside its set.
  private func expectClosed(_ text: String) {
    for family in Families.all {
      for label in family.labels {
        guard let set = label.closedSet else { continue }
        for line in text.split(separator: "\n") where line.hasPrefix(family.name + "{") {
          guard let start = line.ranges(of: "\(label.name)=\"").first?.upperBound else { continue }
          let value = String(line[start...].prefix { $0 != "\"" })
          #expect(set.contains(value), "\(line)")
        }
      }
    }
  }
}
