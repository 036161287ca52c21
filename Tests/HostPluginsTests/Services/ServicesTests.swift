// The services beside HTTP, each through a C plugin: channels, tools, credentials, operations, time, state, configuration,
// life, metrics before a scrape.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import Synchronization
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Plugin services", .timeLimit(.minutes(2)), .serialized)
struct ServicesTests {
  static func manifest(_ id: String = "services", kind: String = "carrier") throws -> Manifest {
    try TestLibrary.manifest(id, "channels = [\"\(kind)\"]\ntools = [\"run\"]\nproviders = [\"vault\"]")
  }

  /// A site with the fixture running.
  func site(_ macros: [String] = [], config: String = "{}") async throws -> (PluginSite, Instance) {
    let site = try PluginSite(environment: ["NEXO_TEST_VARIABLE": "seen"])
    return (site, try await site.run("services.c", macros, Self.manifest(), config: config))
  }

  func run(_ site: PluginSite, _ what: String, timeout: Duration = .seconds(20)) async throws -> OperationResult {
    let tool = try #require(site.host.tools.entry("run"))
    let call = ToolCall(
      arguments: "{\"do\":\"\(what)\"}", agent: "agent", session: "session", channel: "carrier", account: "personal",
      sender: "sender")
    return await tool.invoke(call, timeout: timeout)
  }

  @Test func `what a plugin registers is there only while it runs`() async throws {
    let site = try PluginSite()
    let instance = try await site.load("services.c", [], Self.manifest()).get()
    #expect(site.host.tools.entries.isEmpty)
    #expect(site.host.channels.entries.isEmpty)
    site.host.publish(instance)
    let tool = try #require(site.host.tools.entry("run"))
    #expect(tool.description == "Runs.")
    #expect(tool.isReadOnly && !tool.isShared)
    #expect(tool.maxInFlight == 2 && tool.timeout == .seconds(30))
    let channel = try #require(site.host.channels.entry("carrier"))
    #expect(channel.page == "/carrier/link")
    #expect(channel.accounts.map(\.label) == ["personal"])
    #expect(channel.accounts.first?.health == .up)
    #expect(site.host.credentials.entry("vault") != nil)
    #expect(await site.host.retire(instance, grace: .seconds(5)) == .ended)
    #expect(
      site.host.tools.entries.isEmpty && site.host.channels.entries.isEmpty && site.host.credentials.entries.isEmpty)
    let after = await tool.invoke(ToolCall(arguments: "{}", agent: "a"))
    #expect(after.status == -2)
  }

  @Test func `a tool call carries its caller, and its result comes back`() async throws {
    let (site, _) = try await site()
    #expect(try await run(site, "who").text == "\"agent session carrier personal sender\"")
    #expect(try await run(site, "error").status == -7)
    #expect(try await run(site, "late").text == "\"-1\"")
  }

  @Test func `a tool call ends at its deadline or with its task, and the plugin is asked to cancel`() async throws {
    let (site, _) = try await site()
    #expect(try await run(site, "never", timeout: .milliseconds(50)).status == -8)
    let task = Task { try await run(site, "never") }
    task.cancel()
    #expect(try await task.value.status == -8)
    let isAsked = try await eventually {
      site.host.running.first?.operations.count == 0
    }
    #expect(isAsked)
    #expect(try await poll(site, "cancelled=2"))
  }

  @Test func `a tool has no more calls under way than it wants`() async throws {
    let (site, _) = try await site()
    let tasks = (0..<2).map { _ in Task { try await run(site, "never", timeout: .seconds(2)) } }
    _ = try await eventually { site.host.running.first?.operations.count == 2 }
    #expect(try await run(site, "who").status == -5)
    for task in tasks { #expect(try await task.value.status == -8) }
    #expect(try await run(site, "who").status == 0)
  }

  @Test func `a message is delivered when the plugin says so, with its report`() async throws {
    let (site, _) = try await site()
    let channel = try #require(site.host.channels.entry("carrier"))
    func send(_ text: String, _ timeout: Duration = .seconds(20)) async -> OperationResult {
      await channel.send(ChannelMessage(account: "personal", id: "1", chat: "c", text: text), timeout: timeout)
    }
    #expect(await send("hello").text == "{\"receipt\":\"r1\"}")
    #expect(await send("refuse").status == -13)
    let limited = await send("limited")
    #expect(limited.status == -11)
    #expect(limited.text == "slow down")
    #expect(await send("never", .milliseconds(30)).status == -8)
    let normal = await channel.command("sender.normalize", "{\"sender\":\"x\"}", timeout: .seconds(5))
    #expect(normal.text == "{\"got\":{\"sender\":\"x\"}}")
    #expect(await channel.command("dance", "{}", timeout: .seconds(5)).status == -4)
  }

  @Test func `messages come in when somebody takes them, and are acked when they are durable`() async throws {
    let (site, _) = try await site()
    // OK or AGAIN; an account that is not declared, an empty id, a small struct, NULL, no channel.
    #expect(try await run(site, "inbound").text == "\"-3 -1 -1 -1 -1 -1\"")
    let taken = Mutex<[(ChannelMessage, @Sendable () -> Void)]>([])
    site.host.setInboundSink { _, message, acked in
      taken.withLock { $0.append((message, acked)) }
      return .taken
    }
    #expect(try await run(site, "inbound").text == "\"0 -1 -1 -1 -1 -1\"")
    let (message, ack) = try #require(taken.withLock { $0.first })
    #expect(message.text == "hi" && message.account == "personal" && message.extra == "{}")
    #expect(try await run(site, "counts").text.contains("acked=0"))
    ack()
    let isAcked = try await poll(site, "acked=1")
    #expect(isAcked)
    // It was told to wait before there was a sink.
    #expect(try await poll(site, "resumed=1"))
  }

  @Test func `a channel's message goes as deep down the stack after many messages as after one`() async throws {
    let (site, _) = try await site()
    let channel = try #require(site.host.channels.entry("carrier"))
    let place = Mutex(0)
    site.host.setInboundSink { _, _, _ in
      var here: UInt8 = 0
      let found = withUnsafePointer(to: &here) { Int(bitPattern: $0) }
      place.withLock { $0 = found }
      return .taken
    }
    var depths: [Int] = []
    for _ in 0..<2 {
      // As many looks as messages: each once made the next call some 100 bytes deeper.
      for _ in 0..<10_000 { _ = site.host.inboundSink }
      let sink = try #require(site.host.inboundSink)
      var here: UInt8 = 0
      let outer = withUnsafePointer(to: &here) { Int(bitPattern: $0) }
      _ = sink(channel, ChannelMessage(account: "personal", id: "1", chat: "c")) {}
      depths.append(outer - place.withLock { $0 })
    }
    // The second look at them came ten thousand layers later. Sanitizers make frames bigger, and all of them alike.
    #expect(abs(depths[1] - depths[0]) < 16_384)
  }

  @Test func `what a plugin hands in while it starts is refused, and it hears when it may go on`() async throws {
    let site = try PluginSite()
    site.host.setInboundSink { _, _, _ in .taken }
    _ = try await site.run("services.c", ["EAGER"], Self.manifest())
    #expect(try await poll(site, "resumed=1"))
  }

  @Test(arguments: [InboundAnswer.again, .full])
  func `room that comes while a message is being refused is not lost`(answer: InboundAnswer) async throws {
    let (site, _) = try await site()
    site.host.setInboundSink { channel, _, _ in
      channel.resumeInbound()
      return answer
    }
    _ = try await run(site, "inbound")
    #expect(try await poll(site, "resumed=1"))
  }

  func poll(_ site: PluginSite, _ text: String) async throws -> Bool {
    for _ in 0..<200 {
      if try await run(site, "counts").text.contains(text) { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test func `accounts come and go with their state`() async throws {
    let (site, _) = try await site()
    let changes = Mutex(0)
    site.host.channels.observe { changes.withLock { $0 += 1 } }
    #expect(try await run(site, "account").text == "\"0 -1 0 -1 -14 -14\"")
    let account = try #require(site.host.channels.entry("carrier")?.accounts.last)
    #expect(account.label == "work" && account.identity == "+1" && account.allowAgents == ["a"])
    #expect(account.health == .down && account.state == "waiting_qr" && account.reason == "link.waiting")
    #expect(changes.withLock { $0 } == 2)
  }

  @Test func `a secret is fetched from its source, and asked for through the resolver`() async throws {
    let (site, _) = try await site()
    let source = try #require(site.host.credentials.entry("vault"))
    #expect(await source.fetch("vault:abcd", timeout: .seconds(5)).text == "the secret")
    #expect(await source.fetch("vault:x", timeout: .seconds(5)).status == -14)
    #expect(try await run(site, "secret").status == -7)
    site.host.setCredentialResolver { plugin, reference in
      OperationResult(status: 0, bytes: Array("\(plugin) \(reference)".utf8))
    }
    #expect(try await run(site, "secret").text == "\"0 services vault:x\"")
  }

  @Test func `state is kept for the next generation, under legal keys, within its limits`() async throws {
    let (site, first) = try await site()
    #expect(try await run(site, "state").text == "\"-14 -1 -1 -1 0 0 value\"")
    let second = try await site.run("services.c", [], Self.manifest(), replacing: first)
    _ = await site.host.retire(first, grace: .seconds(5))
    #expect(try await run(site, "state").text == "\"0 -1 -1 -1 0 0 value\"")
    #expect(try await run(site, "statelimit").text == "\"-5 -5\"")
    #expect(second.phase == .running)
  }

  @Test func `configuration, granted variables and folders are there, others are denied`() async throws {
    let (site, instance) = try await site(config: "{\"city\":\"Kiel\"}")
    #expect(try await run(site, "config").text == "[{\"city\":\"Kiel\"},\"0 seen -7 -1 0 0\"]")
    #expect(await site.host.reconfigure(instance, Array("{\"a\":1}".utf8)) == nil)
    #expect(try await run(site, "config").text.hasPrefix("[{\"a\":1},"))
    let refused = await site.host.reconfigure(instance, Array("{}".utf8))
    #expect(refused == .createFailed(plugin: "services", status: -1, text: "empty"))
    #expect(try await run(site, "config").text.hasPrefix("[{\"a\":1},"), "a refused configuration changed something")
  }

  @Test func `timers fire until they are cancelled, and cancel waits for one that runs`() async throws {
    let (site, instance) = try await site()
    #expect(try await run(site, "timers").text == "\"1 -2\"")
    #expect(try await poll(site, "ticks=3"))
    #expect(try await run(site, "slowtimer").text == "\"0 1\"")
    #expect(try await run(site, "timerlimit").text == "1024")
    #expect(await site.host.retire(instance, grace: .seconds(5)) == .ended)
    #expect(site.host.alarms.count == 0)
  }

  @Test func `a plugin that gives up is told to whoever listens`() async throws {
    let (site, instance) = try await site()
    let told = Mutex<LoadRefusal?>(nil)
    instance.whenGivenUp { why in told.withLock { $0 = why } }
    _ = try await run(site, "fatal")
    #expect(told.withLock { $0 } == .gaveUp(plugin: "services", text: "no more"))
  }

  @Test func `a plugin sets its gauges before a scrape, and one that blocks does not delay it`() async throws {
    let (site, _) = try await site()
    await withCheckedContinuation { continuation in site.host.collect { continuation.resume() } }
    #expect(site.exposition.contains("services_scraped 1"))
    #expect(site.exposition.contains(#"nexo_plugin_scrape_success{plugin="services"} 1"#))
    let (slow, _) = try await self.site(["SLOW_SCRAPE"])
    let begin = Clock.monotonic()
    await withCheckedContinuation { continuation in slow.host.collect { continuation.resume() } }
    #expect(Clock.monotonic() - begin < 900_000_000, "the scrape waited for the plugin")
    #expect(slow.exposition.contains(#"nexo_plugin_scrape_success{plugin="services"} 0"#))
  }

  @Test func `a name belongs to the plugin that had it first`() async throws {
    let (site, _) = try await site()
    let other = try await site.load("services.c", ["ID=\"other\""], Self.manifest("other"))
    guard case .failure(.registration(let plugin, let refusal)) = other else {
      Issue.record("\(other)")
      return
    }
    #expect(plugin == "other")
    #expect("\(refusal.reason)" == "registration.taken")
    #expect(refusal.text == "channel 'carrier': belongs to plugin 'services'")
    #expect(site.host.channels.entry("carrier")?.plugin == "services")
  }

  @Test func `what the manifest does not announce is denied`() async throws {
    let site = try PluginSite()
    let loaded = try await site.load("services.c", [], TestLibrary.manifest("services", "tools = [\"run\"]"))
    guard case .failure(.registration(_, let refusal)) = loaded else {
      Issue.record("\(loaded)")
      return
    }
    #expect("\(refusal.reason)" == "registration.denied")
    #expect(refusal.text == "channel 'carrier': not in the manifest's channels")
  }

  @Test func `a storm of records is cut to a thousand a second`() async throws {
    let limit = LogLimit()
    let admitted = (0..<3_000).count { _ in limit.admit(now: 5_000_000_000).isAdmitted }
    #expect(admitted == 1_000)
    #expect(limit.admit(now: 6_000_000_000).dropped == 2_000)
    let (site, _) = try await site()
    #expect(try await run(site, "log").status == 0)
  }
}
