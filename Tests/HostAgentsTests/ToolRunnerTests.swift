// Tool calls through the gates, seen from a conversation: outcomes, labels, cache, limits, order.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostMetrics
import HostReasons
import HostResilience
import Synchronization
import Testing

@testable import HostAgents

/// A tool made of a closure.
struct FakeTool: AgentTool {
  var definition: ToolDefinition
  var body: @Sendable (JSON, ToolCaller) async -> ToolResult

  init(
    _ name: String, schema: String = "{}", timeout: Duration = .seconds(30), parallel: Bool = false,
    shared: Bool = false, _ body: @escaping @Sendable (JSON, ToolCaller) async -> ToolResult
  ) {
    definition = ToolDefinition(
      name: name, description: "A fake.", inputSchema: schema, owner: "test", timeout: timeout,
      isParallelSafe: parallel, isShared: shared)
    self.body = body
  }

  func invoke(_ arguments: JSON, caller: ToolCaller) async -> ToolResult { await body(arguments, caller) }
}

/// A number that rises.
final class Tally: Sendable {
  private let value = Atomic<Int>(0)
  var now: Int { value.load(ordering: .relaxed) }
  func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

@Suite("Tool runner", .timeLimit(.minutes(2)))
struct ToolRunnerTests {
  func policies(_ change: (inout ToolPolicy) -> Void) -> ToolPolicies {
    var policies = ToolPolicies()
    change(&policies.base)
    return policies
  }

  func calls(_ site: AgentSite, _ outcome: ToolOutcome, _ tool: String) -> UInt64 {
    site.registry.counter(Families.toolCalls).with("echo", outcome, tool).value
  }

  @Test func `each outcome of the closed set is produced, and an invented name is other`() async throws {
    let agent = AgentDefinition.echo {
      $0.allowedTools = ["good", "bad", "slow", "strict", "limited", "hooked"]
      $0.toolRateLimits = ["limited": RateLimit(perSecond: 0, burst: 1)]
    }
    struct Hook: ToolHook {
      func refusal(tool: String, arguments: JSON, caller: ToolCaller) async -> String? {
        tool == "hooked" ? "not today" : nil
      }
    }
    let fine: @Sendable (JSON, ToolCaller) async -> ToolResult = { _, _ in .success("fine") }
    let tools: [any AgentTool] = [
      FakeTool("good", fine), FakeTool("limited", fine), FakeTool("hooked", fine), FakeTool("forbidden", fine),
      FakeTool("strict", schema: #"{"required":["a"],"properties":{"a":{"type":"integer"}}}"#, fine),
      FakeTool("bad") { _, _ in .failure(.toolFailed, "broken") },
      FakeTool("slow", timeout: .milliseconds(50)) { _, _ in
        try? await Task.sleep(for: .seconds(30))
        return .success("late")
      },
    ]
    try await AgentSite(AgentConfiguration(agents: [agent]), tools: tools, hooks: [Hook()]).run { site in
      let expected: [(String, String, ToolOutcome, String)] = [
        ("/tool good", "fine", .ok, "good"), ("/tool bad", "tool.failed", .error, "bad"),
        ("/tool slow", "tool.timeout", .error, "slow"), ("/tool strict {}", "a: is required", .error, "strict"),
        ("/tool strict {\"a\":", "must be a JSON object", .error, "strict"),
        ("/tool forbidden", "tool.not_allowed", .blocked, "forbidden"),
        ("/tool hooked", "not today", .blocked, "hooked"), ("/tool limited", "fine", .ok, "limited"),
        ("/tool limited", "tool.rate_limited", .blocked, "limited"),
        ("/tool invented", "tool.unknown", .unknown, "other"),
      ]
      for (text, answer, outcome, tool) in expected {
        let before = calls(site, outcome, tool)
        #expect(await site.ask(text).contains(answer), "\(text)")
        #expect(calls(site, outcome, tool) == before + 1, "\(text)")
      }
      // A handler ran for good, limited, bad and slow only.
      let timed = site.lines("nexo_tool_latency_ms_count")
      #expect(timed.count == 4)
    }
  }

  @Test func `ten thousand invented names add one series`() async throws {
    let site = try AgentSite(AgentConfiguration(agents: [.echo()]))
    let caller = ToolCaller(agent: "echo")
    for batch in 0..<100 {
      let calls = (0..<100).map { ModelToolCall(id: "\($0)", name: "made_up_\(batch)_\($0)", arguments: "{}") }
      _ = await site.runtime.runner.run(
        calls, agent: .echo(), policy: ToolPolicy(), hasOwnPolicy: false, caller: caller,
        tools: site.runtime.runner.catalogue.snapshot())
    }
    #expect(
      site.lines("nexo_tool_calls_total") == [
        "nexo_tool_calls_total{agent=\"echo\",outcome=\"unknown\",tool=\"other\"} 10000"
      ])
  }

  @Test func `a kept result serves the same sender and arguments, however written, and nobody else`() async throws {
    let count = Tally()
    let tool = FakeTool("get") { _, caller in .success(.string("\(caller.sender) \(count.next())")) }
    let configuration = AgentConfiguration(agents: [.echo()], tools: policies { $0.cachedTools = ["get"] })
    try await AgentSite(configuration, tools: [tool]).run { site in
      #expect(await site.ask(#"/tool get {"a":1,"b":{"x":1,"y":2}}"#) == "ana 1")
      #expect(await site.ask(#"/tool get {"b":{"y":2,"x":1},"a":1}"#) == "ana 1")
      #expect(await site.ask(#"/tool get {"a":2}"#) == "ana 2")
      #expect(await site.ask(#"/tool get {"a":2}"#, from: "bob") == "bob 3")
      #expect(
        site.lines("nexo_tool_cache_events_total") == [
          "nexo_tool_cache_events_total{agent=\"echo\",event=\"hit\",tool=\"get\"} 1",
          "nexo_tool_cache_events_total{agent=\"echo\",event=\"miss\",tool=\"get\"} 3",
          "nexo_tool_cache_events_total{agent=\"echo\",event=\"put\",tool=\"get\"} 3",
        ])
      #expect(calls(site, .ok, "get") == 4)
      #expect(site.runtime.toolCache.stats.entries == 3)
      #expect(site.runtime.toolCache.invalidate(agent: "echo", tool: "get") == 3)
    }
  }

  @Test func `a shared tool's result serves every sender, and the least recently used goes first`() async throws {
    let count = Tally()
    let tool = FakeTool("get", shared: true) { _, _ in
      .success(JSON(count.next()))
    }
    let configuration = AgentConfiguration(
      agents: [.echo()],
      tools: policies {
        $0.cachedTools = ["*"]
        $0.maxEntries = 2
      })
    try await AgentSite(configuration, tools: [tool]).run { site in
      #expect(await site.ask(#"/tool get {"k":1}"#) == "1")
      #expect(await site.ask(#"/tool get {"k":2}"#) == "2")
      #expect(await site.ask(#"/tool get {"k":1}"#, from: "bob") == "1")
      #expect(await site.ask(#"/tool get {"k":3}"#) == "3")
      #expect(await site.ask(#"/tool get {"k":1}"#) == "1")
      #expect(await site.ask(#"/tool get {"k":2}"#) == "4")
      #expect(
        site.lines("nexo_tool_cache_events_total{agent=\"echo\",event=\"evict\"") == [
          "nexo_tool_cache_events_total{agent=\"echo\",event=\"evict\",tool=\"get\"} 2"
        ])
    }
  }

  @Test func `results too old, too large or failed are not kept`() async throws {
    let count = Tally()
    let large = FakeTool("large") { _, _ in .success(.string(String(repeating: "x", count: 100) + "\(count.next())")) }
    let bad = FakeTool("bad") { _, _ in .failure(.toolFailed, "no \(count.next())") }
    let configuration = AgentConfiguration(
      agents: [.echo()],
      tools: policies {
        $0.cachedTools = ["*"]
        $0.maxValueBytes = 50
      })
    try await AgentSite(configuration, tools: [large, bad]).run { site in
      for tool in ["large", "bad"] {
        let first = await site.ask("/tool \(tool)")
        #expect(await site.ask("/tool \(tool)") != first)
      }
      #expect(site.runtime.toolCache.stats.entries == 0)
    }
  }

  @Test func `safe calls of a round run side by side up to the policy's number, others one by one`() async throws {
    let running = Mutex((now: 0, most: 0))
    let body: @Sendable (JSON, ToolCaller) async -> ToolResult = { _, _ in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      try? await Task.sleep(for: .milliseconds(150))
      running.withLock { $0.now -= 1 }
      return .success("done")
    }
    let tools: [any AgentTool] = [FakeTool("safe", parallel: true, body), FakeTool("careful", body)]
    let configuration = AgentConfiguration(agents: [.echo()], tools: policies { $0.maxInFlight = 3 })
    try await AgentSite(configuration, tools: tools).run { site in
      let six = [String](repeating: "/tool safe", count: 6).joined(separator: "\n")
      #expect(await site.ask(six) == [String](repeating: "done", count: 6).joined(separator: "\n"))
      #expect(running.withLock { $0.most } == 3)
      running.withLock { $0.most = 0 }
      _ = await site.ask("/tool careful\n/tool careful")
      #expect(running.withLock { $0.most } == 1)
    }
  }

  @Test func `a model that never stops calling tools is stopped after ten rounds`() async throws {
    let count = Tally()
    let tool = FakeTool("again") { _, _ in
      .success(JSON(count.next()))
    }
    try await AgentSite(AgentConfiguration(agents: [.echo()]), tools: [tool]).run { site in
      #expect(await site.ask("/loop again") == "10")
      #expect(count.now == 10)
    }
  }

  @Test func `the policy explains each decision by its rule`() async throws {
    let agent = AgentDefinition.echo {
      $0.allowedTools = ["get_*"]
      $0.toolRateLimits = ["_default": RateLimit(perSecond: 2, burst: 3)]
    }
    let tool = FakeTool("get_weather", timeout: .seconds(5)) { _, _ in .success("sun") }
    let broken = FakeTool("broken", schema: "[]") { _, _ in .success("") }
    let configuration = AgentConfiguration(agents: [agent], tools: policies { $0.cachedTools = ["get_weather"] })
    let site = try AgentSite(configuration, tools: [tool, broken])
    let decision = try #require(site.runtime.toolPolicyJSON(agent: "echo", tool: "get_weather"))
    #expect(decision["allowed"] == true)
    #expect(decision["rule"] == "allowed_tools: get_*")
    #expect(decision["parallel_safe"] == false)
    #expect(decision["cacheable"] == true && decision["cache_ttl_secs"] == 60)
    #expect(decision["rate_limit"]?["rps"]?.double == 2)
    #expect(decision["timeout_ms"] == 5_000 && decision["timeout_rule"] == "declared by the tool")
    let other = site.runtime.toolPolicyJSON(agent: "echo", tool: "time_now")
    #expect(other?["allowed"] == false && other?["reason"] == .string(Reason.toolNotAllowed.code))
    #expect(site.runtime.toolPolicyJSON(agent: "echo", tool: "nope")?["reason"] == .string(Reason.toolUnknown.code))
    #expect(site.runtime.toolPolicyJSON(agent: "nobody", tool: "x") == nil)
    #expect(site.runtime.toolPolicyJSON["unusable"]?[0]?["tool"] == "broken")
  }

  @Test func `arguments that differ only in order have one canonical form`() throws {
    // The texts whose SHA-256 begins with 13c79d4b0b5375d4, 44136fa355b3678a, a69fbbcf7209c6f6.
    let vectors = [
      (#"{"nested":{"y":2,"x":1},"b":2,"a":1}"#, #"{"a":1,"b":2,"nested":{"x":1,"y":2}}"#), ("{}", "{}"),
      (#"{"q":"x"}"#, #"{"q":"x"}"#),
    ]
    for (text, canonical) in vectors { #expect(ToolCacheKey.canonical(try JSON.parse(text)) == canonical) }
  }
}
