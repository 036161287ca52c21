// The host's own life: start, refusals to start, reload, stop; descriptors and exit codes.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Life of the host", .timeLimit(.minutes(3)))
struct LifeTests {
  @Test func `it prints its listeners, then that it is ready, and stops with 0`() async throws {
    let host = try await RunningHost(try Site())
    let lines = host.process.child.output.split(separator: "\n")
    #expect(
      lines.prefix(3).map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
        "listening role=metrics", "listening role=http", "listening role=admin",
      ])
    #expect(lines.count > 3 && lines[3].hasPrefix("ready agents="))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a second host on one state folder is told who holds it and exits 75`() async throws {
    let site = try Site()
    let first = try await RunningHost(site)
    let second = try HostProcess(site)
    #expect(await second.child.ended() == .exited(75))
    #expect(second.child.errors.contains("process \(first.process.child.pid)"))
    #expect(await first.process.stop() == .exited(0))
  }

  @Test func `a listener that cannot bind stops the start with 69 and names address and flag`() async throws {
    let first = try await RunningHost(try Site())
    let site = try Site()
    let second = try ChildProcess(
      [HostProcess.agent, "run", "--state-dir", site.state, "--config", site.config, "--http-listen", first.http],
      environment: ["PATH": "/usr/bin", "NEXO_METRICS_LISTEN": "127.0.0.1:0", "NEXO_ADMIN_LISTEN": "127.0.0.1:0"])
    #expect(await second.ended() == .exited(69))
    #expect(second.errors.contains(first.http) && second.errors.contains("--http-listen"))
    #expect(await first.process.stop() == .exited(0))
  }

  @Test func `a wrong configuration stops the start with 78 and names file and line`() async throws {
    let site = try Site()
    try site.folder.write("config/nexo.yaml", "shutdown:\n  drain_ms: soon\n")
    let host = try HostProcess(site)
    #expect(await host.child.ended() == .exited(78))
    #expect(host.child.errors.contains("nexo.yaml:2:13"))
  }

  @Test func `SIGHUP takes up a disabled list, and a wrong one changes nothing`() async throws {
    let site = try Site()
    try site.dropPages()
    let host = try await RunningHost(site)
    try site.folder.write("config/extensions.yaml", "extensions:\n  disabled: [pages]\n")
    host.process.child.signal(SIGHUP)
    #expect(await host.eventually { try host.verdicts() == ["pages": "disabled extension.disabled"] })
    #expect(try host.get("/pages/hello").status == 404)
    try site.folder.write("config/extensions.yaml", "extensions:\n  max_depth: deep\n")
    host.process.child.signal(SIGHUP)
    #expect(await host.process.child.wait(until: { $0.errors.contains("extensions.yaml:2:14") }))
    #expect(try host.verdicts() == ["pages": "disabled extension.disabled"])
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `requests in flight are answered while it stops, and readiness is gone at once`() async throws {
    let site = try Site()
    try site.dropPages(more: ["LATER_MS=7000"])
    let host = try await RunningHost(site, ["--shutdown-delay", "6000"])
    let slow = try HTTPClient(host.http)
    try slow.send("GET /pages/later HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(await host.eventually { try Self.isInside(host) })
    host.process.child.signal(SIGTERM)
    #expect(await host.eventually { try host.get("/ready?verbose").text.contains("host.draining") })
    #expect(try slow.response().status == 200)
    #expect(await host.process.child.ended() == .exited(0))
  }

  /// Whether the plugin has been handed a request.
  private static func isInside(_ host: RunningHost) throws -> Bool {
    try host.value(#"nexo_plugin_calls_total{plugin="pages",call="on_request",result="ok"}"#) ?? 0 > 0
  }

  @Test func `a second signal ends it at once`() async throws {
    let site = try Site()
    try site.dropPages(more: ["LATER_MS=60000"])
    let host = try await RunningHost(site)
    let slow = try HTTPClient(host.http)
    try slow.send("GET /pages/later HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(await host.eventually { try Self.isInside(host) })
    host.process.child.signal(SIGTERM)
    #expect(await host.process.child.wait(until: { $0.errors.contains("shutting down") }))
    host.process.child.signal(SIGINT)
    #expect(await host.process.child.ended() == .exited(128 + SIGINT))
    slow.close()
  }

  @Test func `the admin console refuses a forged Host and a foreign Origin without effect`() async throws {
    let site = try Site()
    try site.dropPages()
    let host = try await RunningHost(site)
    let forged = try HTTPClient(host.admin)
    try forged.send("GET /admin/extensions HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    #expect(try forged.response().status == 403)
    let foreign = try HTTPClient(host.admin)
    let answer = try foreign.request(
      "POST", "/admin/extensions/pages/disable", headers: ["Origin: http://evil.example"])
    #expect(answer.status == 403 && answer.text.contains("access.origin"))
    #expect(try host.verdicts() == ["pages": "ok"])
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `both command names and every exit code of the table are there`() async throws {
    let nexo = Path.join(HostProcess.binaries, "nexo")
    for program in [HostProcess.agent, nexo] {
      #expect(try await ChildProcess.run([program, "version"]).end == .exited(0))
      #expect(try await ChildProcess.run([program, "versoin"]).end == .exited(2))
    }
    #expect(try await ChildProcess.run([nexo, "explain", "no.such"]).end == .exited(4))
    let codes = try await ChildProcess.run([nexo, "help", "exit-codes"]).output
    for code in [0, 1, 2, 3, 4, 5, 69, 75, 78] { #expect(codes.contains("\n\(code) ")) }
    let status = try await ChildProcess.run([nexo, "ext", "sweep", "--endpoint", "http://127.0.0.1:1"])
    #expect(status.end == .exited(69))
  }
}

@Suite("Readiness", .timeLimit(.minutes(2)))
struct ReadinessTests {
  @Test func `with no configuration one agent is attached, the host is ready, and status shows it`() async throws {
    let host = try await RunningHost(try Site())
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    #expect(try host.get("/ready").text == "{\"status\":\"ready\",\"agents_running\":1}\n")
    let agents = try host.ask("GET", "/admin/agents").body
    #expect(agents[0]?["state"]?.string == "attached" && agents[0]?["model"]?["provider"]?.string == "echo")
    let status = try await host.agent("status")
    #expect(status.end == .exited(0) && status.output.contains("echo  attached"))
    #expect(try await host.agent("status", "--agent-id", "nobody").end == .exited(4))
    #expect(try host.ask("GET", "/admin/tool-policy?agent=echo&tool=time_now").body["allowed"]?.bool == true)
    #expect(try host.value(#"circuit_breaker_state{breaker="nats"}"#) == 0)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a wrong agents file stops the start with 78 and names the line`() async throws {
    let site = try Site()
    try site.folder.write("config/agents.yaml", "agents:\n  - id: a\n    model: {provider: nowhere}\n")
    let host = try HostProcess(site)
    #expect(await host.child.ended() == .exited(78))
    #expect(host.child.errors.contains("agents.yaml:2") && host.child.errors.contains("agents.unknown_provider"))
  }
}
