// The console's requests about agents: readiness with them, the tool cache, and that nothing is done for a forged request.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Agents in the console", .timeLimit(.minutes(2)))
struct AgentConsoleTests {
  @Test func `readiness goes when the last agent fails, and comes back with its next answer`() async throws {
    let bench = try await ModelBench(more: ", api_key: not-the-right-one")
    let host = bench.host
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    // The server refuses the key once: nothing that is sent can be answered until somebody mends it.
    #expect(try ChatVisitor(host.http).say("401 1") == 202)
    #expect(await host.eventually { try host.get("/ready").status == 503 })
    #expect(
      try host.get("/ready").text == #"{"status":"not_ready","broker_ready":true,"agents_running":0}"# + "\n")
    let agent = try host.ask("GET", "/admin/agents/main").body
    #expect(agent["state"]?.string == "failed" && agent["reason"]?.string == "llm.key_refused")
    #expect(try host.get("/ready?verbose").text.contains("llm.key_refused"))
    #expect(try host.value("nexo_ready") == 0)
    #expect(try host.get("/health").status == 200)
    let status = try await host.agent("status")
    #expect(status.end == .exited(0) && status.output.contains("failed (llm.key_refused)"))
    #expect(!status.output.contains("not-the-right-one") && !host.process.child.errors.contains("not-the-right-one"))
    // One attempt, a dead letter, and no failure of the server's.
    #expect(try bench.requests("401 1") == 1)
    #expect(try bench.breaker == 0)

    #expect(try await bench.isAnswered("again"))
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    #expect(try host.get("/ready").text == #"{"status":"ready","agents_running":1}"# + "\n")
    #expect(try host.ask("GET", "/admin/agents/main").body["state"]?.string == "attached")
    await bench.end()
  }

  @Test func `kept results are counted, forgotten one tool at a time or all at once, and made anew afterwards`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/tool_policy.yaml", "cache: {ttl_secs: 600, tools: [time_now]}\n")
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    func call(_ minutes: Int) async throws -> String? {
      let before = try visitor.answers().count
      #expect(try visitor.say(#"/tool time_now {"utc_offset_minutes":\#(minutes)}"#) == 202)
      #expect(await host.eventually { try visitor.answers().count == before + 1 })
      return try visitor.answers().last
    }
    func entries() throws -> Int64? { try host.ask("GET", "/admin/tool-cache/stats").body["entries"]?.integer }
    #expect(try entries() == 0)
    let first = try await call(0)
    _ = try await call(60)
    #expect(try entries() == 2)
    #expect(try await call(0) == first)
    for query in ["", "?agent=echo", "?tool=time_now"] {
      let answer = try host.ask("POST", "/admin/tool-cache/invalidate\(query)")
      #expect(answer.status == 400 && answer.body["code"]?.string == "request.incomplete", "\(query)")
    }
    for query in ["?agent=echo&tool=delegate", "?agent=nobody&tool=time_now"] {
      #expect(try host.ask("POST", "/admin/tool-cache/invalidate\(query)").body == ["removed": 0])
    }
    #expect(try host.ask("POST", "/admin/tool-cache/invalidate?agent=echo&tool=time_now").body == ["removed": 2])
    #expect(try entries() == 0)
    _ = try await call(0)
    #expect(try host.value(#"nexo_tool_cache_events_total{agent="echo",event="miss",tool="time_now"}"#) == 3)
    #expect(try host.ask("POST", "/admin/tool-cache/clear").body == ["removed": 1])
    #expect(try host.ask("POST", "/admin/tool-cache/clear").body == ["removed": 0])
    #expect(try HTTPClient.get(host.admin, "/admin/tool-cache/clear").status == 405)
    #expect(await host.process.stop() == .exited(0))
  }

  /// Everything on the admin listener that changes something, and a path that is nowhere.
  static let changes = [
    "/admin/tool-cache/clear", "/admin/tool-cache/invalidate?agent=echo&tool=time_now", "/admin/dlq/purge",
    "/admin/dlq/ID/replay", "/admin/credentials/reload", "/admin/extensions/sweep",
    "/admin/extensions/web-chat/disable",
    "/admin/extensions/web-chat/enable", "/admin/extensions/web-chat/clear", "/admin/pairing/approve",
    "/admin/pairing/revoke", "/admin/pairing/seed", "/admin/pairing/start", "/admin/link",
    "/admin/console/extensions/disable", "/admin/nowhere", "/admin/", "/nowhere",
  ]

  @Test func `a forged Host or Origin is refused on every path and changes nothing`() async throws {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/tool_policy.yaml", "cache: {ttl_secs: 600, tools: [time_now]}\n")
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    #expect(try visitor.say("/tool time_now {}") == 202)
    #expect(await host.eventually { try visitor.answers().count == 1 })
    #expect(try ChatVisitor(host.http).say("/fail 400") == 202)
    #expect(await host.eventually { try host.ask("GET", "/admin/dlq").body.array?.count == 1 })
    let id = try #require(try host.ask("GET", "/admin/dlq").body[0]?["id"]?.string)
    func state() throws -> [JSON] {
      try ["tool-cache/stats", "dlq", "extensions", "credentials", "pairing"].map { part in
        try host.ask("GET", "/admin/\(part)").body
      }
    }
    func send(_ method: String, _ path: String, _ host: String, _ headers: [String]) throws -> Int {
      let client = try HTTPClient(self.address(of: host))
      let name = host.split(separator: "|").last.map(String.init) ?? host
      let lines = (["Host: \(name)", "Content-Type: application/json", "Content-Length: 2"] + headers).joined(
        separator: "\r\n")
      try client.send("\(method) \(path) HTTP/1.1\r\n\(lines)\r\n\r\n{}")
      return try client.response(to: method).status
    }
    let (before, own) = (try state(), host.admin)
    let port = String(own.split(separator: ":").last ?? "")
    for path in Self.changes.map({ $0.replacing("ID", with: id) }) {
      for name in [
        "evil.example", "evil.example:\(port)", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0:\(port)",
      ] {
        for method in ["POST", "GET", "DELETE", "OPTIONS"] {
          #expect(try send(method, path, "\(own)|\(name)", []) == 403, "\(method) \(path) Host \(name)")
        }
      }
      for header in [
        "Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1", "Origin: file://",
        "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
      ] {
        for method in ["POST", "DELETE"] {
          #expect(try send(method, path, "\(own)|\(own)", [header]) == 403, "\(method) \(path) \(header)")
        }
      }
    }
    #expect(try state() == before)
    // From its own page or from no page, what is nowhere is not there, and the page itself can only be read.
    for headers in [[], ["Origin: http://\(own)"]] {
      for path in ["/admin/nowhere", "/admin/agents/x/y", "/admin/console/x/y/z", "/nowhere"] {
        #expect(try send("POST", path, "\(own)|\(own)", headers) == 404, "\(path)")
      }
      #expect(try send("POST", "/admin/", "\(own)|\(own)", headers) == 405)
      #expect(try send("POST", "/admin/agents", "\(own)|\(own)", headers) == 405)
    }
    #expect(try host.ask("GET", "/admin/nowhere").body["code"]?.string == "http.not_found")
    #expect(await host.process.stop() == .exited(0))
  }

  /// `ADDRESS|NAME`: where to connect to, and the name to say.
  private func address(of host: String) -> String { String(host.prefix { $0 != "|" }) }
}
