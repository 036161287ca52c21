// `agent status` as an operator and a script use it: what it prints, whom it asks, and how it ends when that fails.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Status by command", .timeLimit(.minutes(1)))
struct StatusTests {
  static let agents = """
    agents:
      - id: sales
        description: Answers customers
        model: {provider: echo, model: echo}
        inbound_bindings: [{plugin: webchat}]
      - id: idle
        model: {provider: echo, model: echo}
    """

  static func run(_ words: [String], _ environment: [String: String] = [:]) async throws -> DeadLetterTests.Run {
    try await ChildProcess.run(
      [HostProcess.agent, "status"] + words, environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 })
  }

  @Test func `it shows every agent or one, as a table or as the console's JSON, from whatever endpoint it is told`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("config/agents.yaml", Self.agents)
    let host = try await RunningHost(site)
    let visitor = try ChatVisitor(host.http)
    #expect(try visitor.say("good day") == 202)
    #expect(await host.eventually { try visitor.answers().count == 1 })
    let endpoint = "http://\(host.admin)"

    let table = try await Self.run(["--endpoint", endpoint])
    #expect(table.end == .exited(0) && table.errors.isEmpty)
    let rows = table.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.first == ["ID", "STATE", "MODEL", "BINDINGS", "SESSIONS", "MESSAGES", "DESCRIPTION"])
    #expect(
      rows.dropFirst().first == ["sales", "attached", "echo/echo", "webchat", "1/1", "1", "Answers", "customers"])
    #expect(rows.last?.prefix(3) == ["idle", "attached", "(agents.no_bindings)"])
    #expect(rows.count == 3)

    let all = try await Self.run(["--json", "--endpoint=\(endpoint)/"])
    #expect(all.end == .exited(0))
    #expect(try JSON.parse(all.output).array?.count == 2)
    let one = try await Self.run(["--agent-id", "sales", "--json"], ["NEXO_ENDPOINT": endpoint])
    #expect(try JSON.parse(one.output)["messages_processed"]?.integer == 1)
    #expect(try JSON.parse(one.output) == host.ask("GET", "/admin/agents/sales").body)
    let named = try await Self.run(["--agent-id=idle", "--endpoint", endpoint])
    #expect(named.output.split(separator: "\n").count == 2 && !named.output.contains("sales"))

    for id in ["nobody", "../dlq", "a b", "sales/x"] {
      let unknown = try await Self.run(["--agent-id", id, "--endpoint", endpoint, "--json"])
      #expect(unknown.end == .exited(4) && unknown.output.isEmpty && unknown.errors.contains(id), "\(unknown)")
    }
    #expect(try await Self.run(["--agent-it", "x"]).end == .exited(2))
    #expect(await host.process.stop() == .exited(0))
    let gone = try await Self.run(["--endpoint", endpoint])
    #expect(gone.end == .exited(69) && gone.output.isEmpty && gone.errors.contains(endpoint))
  }

  @Test(arguments: ["http://127.0.0.1:1", "http://no-such-host.invalid", "127.0.0.1:1", "ftp://127.0.0.1", "nonsense"])
  func `nobody at the endpoint is 69 and says which`(endpoint: String) async throws {
    let run = try await Self.run(["--json", "--endpoint", endpoint])
    #expect(run.end == .exited(69) && run.output.isEmpty && run.errors.contains(endpoint), "\(run)")
  }

  @Test func `an endpoint that takes the connection and says nothing is given up`() async throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    try #require(isBound)
    let run = try await Self.run(["--endpoint", "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"])
    #expect(run.end == .exited(69) && run.output.isEmpty)
  }
}
