// Reloads, the directory and delegation.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostReasons
import Testing

@testable import HostAgents

@Suite("Agents that come, change and go", .timeLimit(.minutes(2)))
struct ReloadTests {
  @Test func `the directory shows exactly the documented fields, live`() async throws {
    try await AgentSite().run { site in
      #expect(site.runtime.agentJSON("nobody") == nil)
      _ = await site.ask("x")
      let agent = try #require(site.runtime.agentJSON("echo"))
      #expect(
        agent.object?.names == [
          "id", "description", "model", "state", "reason", "inbound_bindings", "sessions_active", "sessions_total",
          "messages_processed", "queue_depth", "last_message_at", "started_at", "allowed_tools", "allowed_delegates",
        ])
      #expect(agent["state"] == "attached")
      #expect(agent["reason"] == .null)
      #expect(agent["inbound_bindings"] == [["plugin": "*", "instance": nil]])
      #expect(agent["sessions_active"] == 1)
      #expect(agent["sessions_total"] == 1)
      #expect(agent["messages_processed"] == 1)
      #expect(agent["queue_depth"] == 0)
      #expect(site.runtime.attachedCount == 1)
    }
  }

  @Test func `a reload adds, changes and removes agents, and a removed one finishes its turn`() async throws {
    let first = AgentDefinition.echo("first")
    try await AgentSite(AgentConfiguration(agents: [first])).run { site in
      await site.say("/wait 1500", from: "slow")
      while site.runtime.books.all.first?.record.turns == 0 { await Task.yield() }
      site.runtime.apply(AgentConfiguration(agents: [.echo("second")]))
      let states = site.runtime.agentsJSON.array?.compactMap { $0["state"]?.string }
      #expect(states == ["attached", "draining"])
      await site.say("to the new one", from: "bob")
      let sent = await site.channels.wait(for: 2)
      #expect(Set(sent.map(\.agent)) == ["second", "first"])
      while site.runtime.agentsJSON.array?.count != 1 { await Task.yield() }
    }
  }

  @Test func `messages that wait over a reload go to the agent that is bound then`() async throws {
    try await AgentSite(AgentConfiguration(agents: [.echo("first")])).run { site in
      await site.say("/wait 1000")
      while site.runtime.books.all.first?.record.turns == 0 { await Task.yield() }
      await site.say("waits")
      site.runtime.apply(AgentConfiguration(agents: [.echo("second")]))
      #expect(await site.channels.wait(for: 2).map(\.agent) == ["first", "second"])
    }
  }

  @Test func `an agent without bindings is shown so and answers delegations`() async throws {
    let main = AgentDefinition.echo("main")
    let helper = AgentDefinition.echo("helper") { $0.bindings = [] }
    try await AgentSite(AgentConfiguration(agents: [main, helper])).run { site in
      #expect(site.runtime.agentJSON("helper")?["reason"] == .string(Reason.agentsNoBindings.code))
      let answer = await site.ask(#"/tool delegate {"agent":"helper","message":"find it"}"#)
      #expect(answer == "echo: find it")
    }
  }

  @Test(arguments: [
    (#"/tool delegate {"agent":"nobody","message":"x"}"#, "there is no agent of this id"),
    (#"/tool delegate {"agent":"main","message":"x"}"#, "this agent may not delegate to that one"),
    (#"/tool delegate {"agent":"closed","message":"x"}"#, "this agent may not delegate to that one"),
  ])
  func `a delegation that is not allowed is refused`(text: String, why: String) async throws {
    let main = AgentDefinition.echo("main") { $0.allowedDelegates = ["help*"] }
    let others = ["helper", "closed"].map { AgentDefinition.echo($0) { $0.bindings = [] } }
    try await AgentSite(AgentConfiguration(agents: [main] + others)).run { site in
      let answer = await site.ask(text)
      #expect(answer.contains(why))
      #expect(answer.contains(Reason.agentsDelegationRefused.code))
    }
  }

  @Test func `delegation in a circle is refused and the first agent still answers`() async throws {
    let pair = [AgentDefinition.echo("main"), AgentDefinition.echo("helper") { $0.bindings = [] }]
    try await AgentSite(AgentConfiguration(agents: pair)).run { site in
      let inner = #"/tool delegate {\"agent\":\"main\",\"message\":\"back\"}"#
      let answer = await site.ask(#"/tool delegate {"agent":"helper","message":"\#(inner)"}"#)
      #expect(answer.contains("that agent is asking already"))
    }
  }
}
