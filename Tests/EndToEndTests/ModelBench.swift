// A host whose chat is answered by a model server that does what it is told (Tests/Support/models/scripted.py).
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

/// The two of them, and how the server was asked.
struct ModelBench {
  let site: Site
  let server: ChildProcess
  let address: String
  let host: RunningHost

  /// - Parameters:
  ///   - kind: what the server is spoken to in: `openai`, `anthropic`.
  ///   - more: added to llm.yaml's provider.
  init(_ kind: String = "openai", more: String = "") async throws {
    site = try Site()
    try site.dropChat()
    server = try ChildProcess(
      ["/usr/bin/python3", "\(FixturePlugins.packageRoot)/Tests/Support/models/scripted.py"],
      environment: ["PATH": "/usr/bin:/bin"])
    _ = await server.wait { $0.output.contains("\n") }
    address = String(server.output.dropFirst("listening ".count).prefix { $0 != "\n" })
    try site.folder.write(
      "config/llm.yaml",
      """
      providers:
        scripted: {kind: \(kind), base_url: "http://\(address)/v1"\(more)}
      retry: {initial_backoff_ms: 20, max_backoff_ms: 200}
      """)
    try site.folder.write(
      "config/agents.yaml",
      """
      agents:
        - id: main
          model: {provider: scripted, model: m}
          inbound_bindings: [{plugin: webchat}]
      """)
    host = try await RunningHost(site)
  }

  /// How often the server was asked for these words.
  func requests(_ words: String) throws -> Int64 {
    try JSON.parse(HTTPClient.get(address, "/").body)[words]?.integer ?? 0
  }

  /// Says it in a chat of its own and waits for the answer.
  func isAnswered(_ words: String) async throws -> Bool {
    let visitor = try ChatVisitor(host.http)
    #expect(try visitor.say(words) == 202)
    return await host.eventually(seconds: 60) { try visitor.answers() == ["said: \(words)"] }
  }

  func outcome(_ outcome: String) throws -> Double {
    try host.value(#"llm_requests_total{agent="main",provider="scripted",model="m",outcome="\#(outcome)"}"#) ?? 0
  }

  var breaker: Double? {
    get throws { try host.value(#"circuit_breaker_state{breaker="llm.scripted"}"#) }
  }

  func end() async {
    #expect(await host.process.stop() == .exited(0))
    await endServer()
  }

  func endServer() async {
    server.signal(SIGTERM)
    _ = await server.ended()
  }
}
