// An agent with a model calls Google's APIs with its account, through the real host: what people write becomes a tool call of
// the scripted model server, the call passes the gate of every send, and the plugin brings token and request together.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Calls of Google's APIs", .timeLimit(.minutes(5)))
struct GoogleCallTests {
  /// A linked account of the agent "main", whose model is the scripted server.
  private struct Bench {
    let google: GoogleSite
    let model: ChildProcess
    let host: RunningHost

    init() async throws {
      google = try await GoogleSite(agent: "main")
      try google.site.dropChat()
      model = try ChildProcess(
        ["/usr/bin/python3", "\(FixturePlugins.packageRoot)/Tests/Support/models/scripted.py"],
        environment: ["PATH": "/usr/bin:/bin"])
      _ = await model.wait { $0.output.contains("\n") }
      let address = model.output.dropFirst("listening ".count).prefix { $0 != "\n" }
      try google.site.folder.write(
        "config/llm.yaml", "providers:\n  scripted: {kind: openai, base_url: \"http://\(address)/v1\"}\n")
      try google.site.write(
        agents: "- {id: main, model: {provider: scripted, model: m}, inbound_bindings: [{plugin: webchat}]}")
      host = try await RunningHost(google.site)
      try await google.link(host)
    }

    /// Says it so that the model calls, and gives the agent's answer.
    func call(_ url: String, method: String = "GET", _ visitor: ChatVisitor? = nil) async throws -> String {
      let visitor = try visitor ?? ChatVisitor(host.http)
      let before = try visitor.answers().count
      let arguments: JSON = ["method": .string(method), "url": .string(url)]
      #expect(try visitor.say("call google_call \(arguments.text())") == 202)
      #expect(await host.eventually(seconds: 60) { try visitor.answers().count > before })
      return try visitor.answers().last ?? ""
    }

    func usage(_ direction: String) throws -> Double? {
      try host.value(
        #"channel_account_usage_total{agent="main",channel="google",direction="\#(direction)",instance="\#(google.fingerprint)"}"#
      )
    }

    func end() async throws {
      try google.watchSecrets()
      #expect(await host.process.stop() == .exited(0))
      model.signal(SIGTERM)
      _ = await model.ended()
    }
  }

  @Test func `the model's call reaches the API with the agent's token, and is counted as a send of its account`()
    async throws
  {
    let bench = try await Bench()
    let answer = try await bench.call("https://gmail.googleapis.com/v1/x?a=b", method: "POST")
    #expect(answer.contains(#""host":"gmail.googleapis.com""#) && answer.contains(#""query":"a=b""#), "\(answer)")
    #expect(try bench.usage("outbound") == 1)
    #expect(try bench.host.value(#"credentials_bindings_total{agent="main",channel="google"}"#) == 1)
    #expect(
      try bench.host.value(#"nexo_tool_calls_total{agent="main",outcome="ok",tool="google_call"}"#) == 1)
    // An API that repeats the token shows it to nobody: not to the model, not to the chat.
    #expect(try await bench.call("https://www.googleapis.com/token").contains("Bearer [redacted]"))
    try await bench.end()
  }

  @Test func `hostile addresses that people talk the model into send the token to none`() async throws {
    let bench = try await Bench()
    let before = try bench.google.calls()
    let visitor = try ChatVisitor(bench.host.http)
    // What a chat takes; the longest one is the plugin's own test's.
    let addresses = hostileAddresses.filter { $0.utf8.count < 4_000 }
    #expect(addresses.count >= 40)
    for address in addresses {
      let answer = try await bench.call(address, visitor)
      #expect(answer.contains("google.call.url_refused"), "\(address.debugDescription): \(answer)")
    }
    #expect(try bench.google.calls() == before)
    // A redirect is told and not followed.
    let answer = try await bench.call("https://www.googleapis.com/redirect?to=http://127.0.0.1:1/", visitor)
    #expect(answer.contains("google.call.redirect"))
    try await bench.end()
  }

  @Test func `fifty conversations that call at expiry make exactly one refresh`() async throws {
    let bench = try await Bench()
    try bench.google.ageTokens()
    let asked = try bench.google.tokenRequests()
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<50 {
        group.addTask { try await bench.call("https://www.googleapis.com/x?n=\(number)") }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers.count == 50 && answers.allSatisfy { $0.contains(#""ok":true"#) })
    #expect(try bench.google.tokenRequests() == asked + 1)
    #expect(try bench.google.refreshes(bench.host, "ok") == 1 && bench.google.refreshes(bench.host, "err") == 0)
    #expect(try bench.usage("outbound") == 50)
    try await bench.end()
  }

  @Test func `an API in trouble opens the account's breaker, and an account of somebody else is not lent`() async throws
  {
    let bench = try await Bench()
    let visitor = try ChatVisitor(bench.host.http)
    let breaker = #"credentials_breaker_state{channel="google",instance="\#(bench.google.fingerprint)"}"#
    // What the API refuses says nothing about the account.
    for _ in 1...6 {
      #expect(try await bench.call("https://www.googleapis.com/status/404", visitor).contains("google.call.refused"))
    }
    #expect(try bench.host.value(breaker) == 0)
    for _ in 1...5 {
      #expect(try await bench.call("https://www.googleapis.com/status/429", visitor).contains("rate_limited"))
    }
    #expect(try bench.host.value(breaker) == 2)
    let seen = try bench.google.calls()
    #expect(try await bench.call("https://www.googleapis.com/x", visitor).contains("credentials.breaker_open"))
    #expect(try bench.google.calls() == seen)
    // The account becomes another agent's: this one is bound to nothing, and nothing is called.
    let path = "config/plugins/google-auth.yaml"
    let text = String(decoding: try AtomicFile.read(bench.google.site.folder.file(path)), as: UTF8.self)
    try bench.google.site.folder.write(path, text.replacing("agent_id: main", with: "agent_id: other"), mode: 0o600)
    try bench.google.site.write(
      agents: """
        - {id: main, model: {provider: scripted, model: m}, inbound_bindings: [{plugin: webchat}]}
        - {id: other, model: {provider: echo}}
        """)
    #expect(try bench.host.ask("POST", "/admin/credentials/reload").status == 200)
    // A chat of its own: the web chat, which knows no reconfiguration, was replaced by the reload.
    #expect(try await bench.call("https://www.googleapis.com/x").contains("credentials.unbound"))
    #expect(try bench.host.value(#"credentials_resolve_errors_total{channel="google",reason="unbound"}"#) == 1)
    #expect(try bench.google.calls() == seen)
    try await bench.end()
  }
}
