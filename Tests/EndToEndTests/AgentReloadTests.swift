// SIGHUP and agents.yaml: what is new answers at once, what is wrong changes nothing, and no message is lost in between.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Reload of agents", .timeLimit(.minutes(1)))
struct AgentReloadTests {
  private static func agent(_ id: String, _ more: String = "") -> String {
    """
    agents:
      - id: \(id)
        model: {provider: echo, model: echo}
        inbound_bindings: [{plugin: webchat}]
    \(more)
    """
  }

  @Test func `SIGHUP puts a new agents file in force, lets a turn of the old one end, and refuses a wrong one`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/agents.yaml", Self.agent("first"))
    let host = try await RunningHost(site)
    let (early, late) = (try ChatVisitor(host.http), try ChatVisitor(host.http))
    #expect(try early.say("/wait 2500") == 202)
    #expect(await host.eventually { try host.value(#"messages_processed_total{agent="first"}"#) == 1 })

    try site.folder.write("config/agents.yaml", Self.agent("second"))
    host.process.child.signal(SIGHUP)
    #expect(await host.eventually { try host.ask("GET", "/admin/agents/second").body["state"]?.string == "attached" })
    #expect(try late.say("new") == 202)
    #expect(await host.eventually { try late.answers() == ["echo: new"] })
    #expect(try host.value(#"messages_processed_total{agent="second"}"#) == 1)
    #expect(await host.eventually { try early.answers() == ["echo: /wait 2500"] })
    // The old one has finished its turn and is forgotten.
    #expect(await host.eventually { try host.ask("GET", "/admin/agents/first").status == 404 })
    #expect(try host.get("/ready").status == 200)

    try site.folder.write("config/agents.yaml", Self.agent("third", "    sytem_prompt: x\n"))
    host.process.child.signal(SIGHUP)
    #expect(await host.process.child.wait(until: { $0.errors.contains("agents.yaml:5") }))
    #expect(host.process.child.errors.contains("system_prompt"))
    #expect(try late.say("still there") == 202)
    #expect(await host.eventually { try late.answers().last == "echo: still there" })
    #expect(try host.value(#"messages_processed_total{agent="second"}"#) == 2)
    #expect(try host.ask("GET", "/admin/agents/third").status == 404)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `SIGHUP makes no new instance of a plugin whose configuration is the same, and one when it changed`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/agents.yaml", Self.agent("first"))
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    #expect(try visitor.say("first words") == 202)
    #expect(await host.eventually { try visitor.answers() == ["echo: first words"] })
    func made() throws -> Double? {
      try host.value(#"nexo_plugin_calls_total{plugin="web-chat",call="create",result="ok"}"#)
    }
    /// Returns when so many reloads have come to their end, which is a sweep.
    func reloaded(_ times: Int) async -> Bool {
      await host.process.child.wait { child in
        child.errors.split(separator: "\n").filter { $0.contains("sweep done") && $0.contains("cause=request") }.count
          == times
      }
    }
    host.process.child.signal(SIGHUP)
    #expect(await reloaded(1))
    #expect(try visitor.answers() == ["echo: first words"])
    #expect(try made() == 1)
    try site.folder.write("config/plugins/web-chat.yaml", "new: true\n")
    host.process.child.signal(SIGHUP)
    #expect(await reloaded(2))
    #expect(await host.eventually { try made() == 2 })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a chat page that lost its stream is told what it missed, and nobody from elsewhere is let in`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    func open(after: String?) throws -> HTTPClient {
      let stream = try HTTPClient(host.http)
      let last = after.map { "Last-Event-ID: \($0)\r\n" } ?? ""
      try stream.send("GET /chat/events HTTP/1.1\r\nHost: \(host.http)\r\nCookie: \(visitor.cookie)\r\n\(last)\r\n")
      #expect(try stream.head().status == 200)
      return stream
    }
    /// Reads until an event holds the text; its id.
    func read(_ stream: HTTPClient, until text: String) throws -> String? {
      while let chunk = try stream.chunk() {
        let event = String(decoding: chunk, as: UTF8.self)
        guard event.contains(text) else { continue }
        return event.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
      }
      return nil
    }
    let first = try open(after: nil)
    #expect(try visitor.say("one") == 202)
    let seen = try #require(try read(first, until: "echo: one"))
    first.reset()
    #expect(try visitor.say("two") == 202)
    #expect(await host.eventually { try visitor.answers().count == 2 })
    let again = try open(after: seen)
    #expect(try read(again, until: "echo: two") != nil)
    again.close()
    // Through a proxy loopback means nothing, and there is no session.
    let proxied = try HTTPClient.get(host.http, "/chat", headers: ["X-Forwarded-For: 203.0.113.7"])
    #expect(proxied.status == 401 && proxied.text.contains("access.owner"))
    #expect(await host.process.stop() == .exited(0))
  }
}
