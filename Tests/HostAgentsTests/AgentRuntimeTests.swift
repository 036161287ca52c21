// The runtime from a message's offer to its reply, over a real ledger and the echo provider.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostJSON
import HostLinux
import HostMetrics
import HostReasons
import HostResilience
import Synchronization
import TestSupport
import Testing

@testable import HostAgents

@Suite("Agent runtime", .timeLimit(.minutes(3)))
struct AgentRuntimeTests {
  @Test func `without configuration a greeting is answered, and the three families of the first run move`() async throws
  {
    try await AgentSite().run { site in
      let answer = await site.ask("hello")
      #expect(answer.hasPrefix("echo: hello (it is 20"))
      #expect(site.lines("messages_processed_total") == ["messages_processed_total{agent=\"echo\"} 1"])
      #expect(
        site.lines("llm_requests_total") == [
          "llm_requests_total{agent=\"echo\",provider=\"echo\",model=\"echo\",outcome=\"ok\"} 2"
        ])
      #expect(
        site.lines("nexo_tool_calls_total") == [
          "nexo_tool_calls_total{agent=\"echo\",outcome=\"ok\",tool=\"time_now\"} 1"
        ])
      #expect(
        site.lines("circuit_breaker_state{breaker=\"llm.echo\"}") == ["circuit_breaker_state{breaker=\"llm.echo\"} 0"])
    }
  }

  @Test func `messages of one chat are answered in order`() async throws {
    try await AgentSite().run { site in
      for number in 0..<20 { await site.say("m\(number)") }
      #expect(await site.channels.wait(for: 20).map(\.text) == (0..<20).map { "echo: m\($0)" })
    }
  }

  @Test func `a chat whose model is slow holds up no other`() async throws {
    try await AgentSite().run { site in
      await site.say("/wait 20000", from: "slow")
      for number in 0..<30 { await site.say("m", from: "chat\(number)") }
      let sent = await site.channels.wait(for: 30)
      #expect(!sent.prefix(30).contains { $0.chat == "slow" })
    }
  }

  @Test func `a thousand conversations wait for their models at once`() async throws {
    try await AgentSite().run { site in
      let began = Clock.monotonic()
      await withDiscardingTaskGroup { group in
        for number in 0..<1_000 { group.addTask { await site.say("/wait 3000", from: "chat\(number)") } }
      }
      let sent = await site.channels.wait(for: 1_000)
      #expect(Set(sent.map(\.chat)).count == 1_000)
      // One after the other it would take 3,000 s.
      #expect(Clock.monotonic() - began < 120_000_000_000)
    }
  }

  @Test func `the same message offered twice is answered once`() async throws {
    try await AgentSite().run { site in
      guard case .accepted(let id) = await site.say("x", id: "7") else {
        Issue.record("not accepted")
        return
      }
      await site.channels.wait(for: 1)
      #expect(await site.say("x", id: "7") == .duplicate(id: id))
      #expect(site.channels.delivered.count == 1)
    }
  }

  @Test func `the conversation is remembered by its session and not by others`() async throws {
    let seen = Mutex<[Int]>([])
    let site = try AgentSite()
    try await site.run { site in
      _ = await site.ask("one")
      _ = await site.ask("two")
      _ = await site.ask("three", from: "bob")
      let session = SessionID.of(channel: "test", account: "main", chat: "ana")
      seen.withLock { $0 = [site.runtime.conversations.open(session, agent: "echo").history.count] }
    }
    #expect(seen.withLock { $0 } == [4])
  }

  @Test func `a sender over his limit is refused and counted, another is not`() async throws {
    let agent = AgentDefinition.echo { $0.senderRateLimit = RateLimit(perSecond: 0, burst: 2) }
    try await AgentSite(AgentConfiguration(agents: [agent])).run { site in
      _ = await site.ask("1")
      _ = await site.ask("2")
      #expect(await site.say("3") == .refused(.agentsRateLimited))
      _ = await site.ask("1", from: "bob")
      #expect(
        site.lines("nexo_messages_refused_total") == [
          "nexo_messages_refused_total{agent=\"echo\",reason=\"rate_limited\"} 1"
        ])
      #expect(site.lines("messages_processed_total") == ["messages_processed_total{agent=\"echo\"} 3"])
    }
  }

  @Test func `a conversation pushes back when as many messages wait as its cap allows`() async throws {
    let agent = AgentDefinition.echo { $0.queueCap = 2 }
    try await AgentSite(AgentConfiguration(agents: [agent])).run { site in
      var verdicts: [IntakeVerdict] = []
      await site.say("/wait 1500")
      while site.runtime.books.all.first?.record.turns == 0 { await Task.yield() }
      for _ in 0..<4 { verdicts.append(await site.say("x")) }
      #expect(verdicts.last == .busy(.agentsQueueFull, retryAfter: .seconds(1)))
      await site.channels.wait(for: 3)
    }
  }

  @Test func `messages for no agent, without text, or of the account itself are refused and not stored`() async throws {
    let agent = AgentDefinition.echo { $0.bindings = [InboundBinding(plugin: "test", instance: "work")] }
    try await AgentSite(AgentConfiguration(agents: [agent])).run { site in
      #expect(await site.say("x") == .refused(.agentsUnboundChannel))
      #expect(await site.say("  ", account: "work") == .refused(.agentsIgnored))
      let own = InboundMessage(
        channel: "test", account: "work", chat: "c", sender: "me", text: "x", isFromMe: true)
      #expect(await site.runtime.offer(own) == .refused(.agentsIgnored))
      let counts = try await site.ledger.counts()
      #expect(counts.allSatisfy { $0.accepted == 0 })
    }
  }

  @Test func `the most specific binding gets the message`() {
    let any = AgentDefinition.echo("any")
    let channel = AgentDefinition.echo("channel") { $0.bindings = [InboundBinding(plugin: "test")] }
    let account = AgentDefinition.echo("account") { $0.bindings = [InboundBinding(plugin: "test", instance: "work")] }
    let configuration = AgentConfiguration(agents: [any, channel, account])
    #expect(configuration.agent(channel: "test", instance: "work")?.agent.id == "account")
    #expect(configuration.agent(channel: "test", instance: "home")?.agent.id == "channel")
    #expect(configuration.agent(channel: "other", instance: "")?.agent.id == "any")
  }

  @Test func `a failed delivery is tried again and the reply arrives once`() async throws {
    let site = try AgentSite()
    site.channels.script([.failed(.transient(.agentsNoChannel, "away"))])
    try await site.run { site in
      await site.say("x")
      #expect(await site.channels.wait(for: 1).map(\.text) == ["echo: x"])
    }
  }

  @Test func `a reply that came before its channel goes out as soon as the channel is there`() async throws {
    let site = try AgentSite()
    site.channels.script([.failed(.notTried(.agentsNoChannel, "not yet", retryAfter: .seconds(3_600)))])
    try await site.run { site in
      await site.say("early")
      // The channel has been asked for once, in vain.
      while site.channels.isScripted { await Task.yield() }
      var answers = site.channels.delivered
      while answers.isEmpty {
        site.runtime.channelsChanged()
        try await Task.sleep(for: .milliseconds(20))
        answers = site.channels.delivered
      }
      #expect(answers.map(\.text) == ["echo: early"])
    }
  }

  @Test func `a refused request becomes a dead letter at once`() async throws {
    try await AgentSite().run { site in
      await site.say("/fail 400")
      await site.say("after")
      await site.channels.wait(for: 1)
      let dead = try await site.ledger.deadLetters()
      #expect(dead.count == 1)
      #expect(
        site.lines("llm_requests_total").contains(
          "llm_requests_total{agent=\"echo\",provider=\"echo\",model=\"echo\",outcome=\"error\"} 1"))
    }
  }

  @Test func `what a sender writes in quick succession becomes one turn`() async throws {
    let agent = AgentDefinition.echo { $0.debounce = .milliseconds(1_500) }
    try await AgentSite(AgentConfiguration(agents: [agent])).run { site in
      for text in ["a", "b", "c"] { await site.say(text) }
      #expect(await site.channels.wait(for: 1).map(\.text) == ["echo: a\nb\nc"])
      #expect(site.lines("messages_processed_total") == ["messages_processed_total{agent=\"echo\"} 3"])
      #expect(await site.ask("d") == "echo: d")
    }
  }

  @Test func `a reply to somebody outside the recipient list becomes a dead letter`() async throws {
    let agent = AgentDefinition.echo { $0.outboundAllowlist = ["test": ["+57 300 1234567"]] }
    try await AgentSite(AgentConfiguration(agents: [agent])).run { site in
      #expect(await site.ask("x", from: "573001234567@s.whatsapp.net") == "echo: x")
      await site.say("y", from: "573009999999@s.whatsapp.net")
      _ = await site.ask("z", from: "573001234567@s.whatsapp.net")
      while try await site.ledger.deadLetters().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      #expect(site.channels.delivered.count == 2)
    }
  }

  @Test func `a gate that does not know the sender ends the message, one that cannot say pushes it back`() async throws
  {
    struct Gate: InboundGate {
      func judge(_ message: InboundMessage, agent: String, autoChallenge: Bool?) async -> InboundVerdict {
        message.sender == "new" ? .notPaired(.agentsIgnored) : .unavailable(.brokerStarting)
      }
    }
    try await AgentSite(inbound: Gate()).run { site in
      #expect(await site.say("x", from: "new") == .refused(.agentsIgnored))
      #expect(await site.say("x", from: "ana") == .busy(.brokerStarting, retryAfter: .seconds(1)))
      #expect(
        site.lines("nexo_messages_refused_total") == [
          "nexo_messages_refused_total{agent=\"echo\",reason=\"not_paired\"} 1"
        ])
    }
  }

  @Test func `a message that waits for room counts once against its sender, however often it is offered`() async throws
  {
    var configuration = AgentConfiguration()
    configuration.agents = [
      .echo {
        $0.queueCap = 1
        $0.senderRateLimit = RateLimit(perSecond: 0, burst: 3)
      }
    ]
    try await AgentSite(configuration).run { site in
      await site.say("/wait 700")
      while site.runtime.books.all.first?.record.turns == 0 { await Task.yield() }
      await site.say("second")
      for _ in 0..<5 {
        #expect(await site.say("third", id: "3") == .busy(.agentsQueueFull, retryAfter: .seconds(1)))
      }
      await site.channels.wait(for: 2)
      let verdict = await site.say("third", id: "3")
      if case .accepted = verdict {} else { Issue.record("\(verdict)") }
      #expect(await site.say("fourth") == .refused(.agentsRateLimited))
      await site.channels.wait(for: 3)
    }
  }

  @Test func `a drain finishes running turns and sends their replies`() async throws {
    let site = try AgentSite()
    try await site.run { site in
      await site.say("/wait 800")
      while site.runtime.books.all.first?.record.turns == 0 { await Task.yield() }
    }
    #expect(site.channels.delivered.map(\.text) == ["echo: /wait 800"])
    #expect(await site.say("late") == .busy(.agentsDraining, retryAfter: .seconds(1)))
  }

  @Test func `a cancelled turn goes back to the ledger and is answered by the next start`() async throws {
    let folder = try TemporaryFolder("agents")
    let path = folder.file("ledger.sqlite")
    func run(_ body: @Sendable (AgentRuntime, FakeChannels) async -> Void) async throws {
      let (ledger, channels) = (try Ledger(path), FakeChannels())
      try await ledger.start()
      let runtime = AgentRuntime(
        AgentConfiguration(), ledger: ledger, broker: LocalBroker(), metrics: AgentMetrics(.init()),
        seams: AgentSeams(channels: channels))
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await runtime.run() }
        while runtime.books.phase == .starting { await Task.yield() }
        await body(runtime, channels)
        group.cancelAll()
      }
      let audit = try await ledger.verify()
      #expect(audit.faults == [])
      await ledger.close()
    }
    try await run { runtime, _ in
      let message = InboundMessage(channel: "t", id: "1", chat: "c", sender: "s", text: "/wait 1000")
      _ = await runtime.offer(message)
      while runtime.books.all.first?.record.turns == 0 { await Task.yield() }
    }
    try await run { _, channels in
      #expect(await channels.wait(for: 1).map(\.text) == ["echo: /wait 1000"])
    }
  }

  @Test func `a refused key makes the agent failed, and the next answer makes it attached again`() async throws {
    let server = try ScriptedServer([.status(401), .says("back")])
    defer { server.stop() }
    let settings = ProviderSettings(name: "own", kind: .openai, baseURL: server.url)
    let agent = AgentDefinition.echo { $0.model = ModelChoice(provider: "own", model: "m") }
    try await AgentSite(AgentConfiguration(agents: [agent], providers: ["own": settings])).run { site in
      await site.say("one")
      while site.runtime.attachedCount == 1 { await Task.yield() }
      #expect(site.runtime.agentJSON("echo")?["state"] == "failed")
      #expect(site.runtime.agentJSON("echo")?["reason"] == .string(Reason.llmKeyRefused.code))
      #expect(await site.ask("two") == "back")
      #expect(site.runtime.attachedCount == 1)
      let dead = try await site.ledger.deadLetters()
      #expect(dead.count == 1)
    }
  }

  @Test func `a server that is down for one turn loses no message`() async throws {
    let down = [ScriptedAnswer](repeating: .status(500), count: 3)
    let server = try ScriptedServer(down + [.says("up")])
    defer { server.stop() }
    var settings = ProviderSettings(name: "own", kind: .openai, baseURL: server.url)
    settings.backoff = Backoff(first: .milliseconds(2), longest: .milliseconds(5))
    var limits = RuntimeLimits()
    limits.retryAfter = .milliseconds(10)
    let agent = AgentDefinition.echo { $0.model = ModelChoice(provider: "own", model: "m") }
    let configuration = AgentConfiguration(agents: [agent], providers: ["own": settings])
    try await AgentSite(configuration, limits: limits).run { site in
      #expect(await site.ask("x") == "up")
      #expect(server.requests.count == 4)
      #expect(site.lines("messages_processed_total") == ["messages_processed_total{agent=\"echo\"} 1"])
    }
  }

  @Test func `an agent of a vendor without a key is failed from the start, and does not count as ready`() throws {
    let agent = AgentDefinition.echo { $0.model = ModelChoice(provider: "anthropic", model: "m") }
    let vendor = ProviderSettings(name: "anthropic", kind: .anthropic, baseURL: ProviderKind.anthropic.vendorURL)
    let site = try AgentSite(AgentConfiguration(agents: [agent], providers: ["anthropic": vendor]))
    site.runtime.books.enter(.running)
    #expect(site.runtime.agentJSON("echo")?["reason"] == .string(Reason.llmKeyMissing.code))
    #expect(site.runtime.attachedCount == 0)
  }
}
