// Providers against a scripted server: formats, retries, breaker, and what a hostile stream cannot do.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostJSON
import HostMetrics
import HostReasons
import HostResilience
import Synchronization
import Testing

@testable import HostAgents

@Suite("Model client", .timeLimit(.minutes(2)))
struct ModelClientTests {
  let registry = MetricsRegistry()
  let hello = ModelRequest(model: "m1", messages: [.user("hello")])

  func client(
    _ url: String, _ kind: ProviderKind = .openai, _ change: (inout ProviderSettings) -> Void = { _ in }
  ) throws -> ModelClient {
    var settings = ProviderSettings(name: "p", kind: kind, baseURL: url, key: Secret("sk-secret"))
    settings.backoff = Backoff(first: .milliseconds(2), longest: .milliseconds(10))
    change(&settings)
    let table = ProviderTable(["p": settings], metrics: AgentMetrics(registry), before: nil)
    return try #require(table["p"])
  }

  func requests(_ outcome: LLMOutcome) -> UInt64 {
    registry.counter(Families.llmRequests).with("a", "p", "m1", outcome).value
  }

  func error(_ client: ModelClient, patience: Duration = .seconds(1)) async -> ModelError? {
    do throws(ModelError) {
      _ = try await client.complete(hello, agent: "a", patience: patience)
      return nil
    } catch { return error }
  }

  @Test func `a streamed answer is put together and the request holds model, key and messages`() async throws {
    let server = try ScriptedServer([.says("Hi there")])
    defer { server.stop() }
    let reply = try await client(server.url).complete(hello, agent: "a", patience: .zero)
    #expect(reply.text == "Hi there")
    let request = try #require(server.requests.first)
    #expect(request.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\n"))
    #expect(request.contains("Authorization: Bearer sk-secret\r\n"))
    #expect(request.hasSuffix(#"{"model":"m1","messages":[{"role":"user","content":"hello"}],"stream":true}"#))
    #expect(requests(.ok) == 1)
  }

  @Test func `tool calls in pieces are put together`() async throws {
    let server = try ScriptedServer([
      .stream([
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"get","arguments":""}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"put","arguments":"{}"}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
        #"{"choices":[{"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#,
      ])
    ])
    defer { server.stop() }
    let reply = try await client(server.url).complete(hello, agent: "a", patience: .zero)
    #expect(
      reply.calls == [
        ModelToolCall(id: "c1", name: "get", arguments: #"{"a":1}"#),
        ModelToolCall(id: "c2", name: "put", arguments: "{}"),
      ])
    #expect(reply.usage?.input == 7)
  }

  @Test func `a server that does not stream is understood too`() async throws {
    let body = """
      {"choices":[{"message":{"role":"assistant","content":"whole","tool_calls":[{"id":"c","type":"function",\
      "function":{"name":"get","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}
      """
    let server = try ScriptedServer([.status(200, body: body)])
    defer { server.stop() }
    let reply = try await client(server.url).complete(hello, agent: "a", patience: .zero)
    #expect(reply.text == "whole")
    #expect(reply.calls.map(\.name) == ["get"])
  }

  @Test func `Anthropic's stream is understood and its request has its form`() async throws {
    let events = [
      ("message_start", #"{"type":"message_start","message":{"usage":{"input_tokens":9}}}"#),
      ("ping", #"{"type":"ping"}"#),
      ("content_block_start", #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#),
      (
        "content_block_delta",
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Let me look"}}"#
      ),
      ("content_block_stop", #"{"type":"content_block_stop","index":0}"#),
      (
        "content_block_start",
        #"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"get","input":{}}}"#
      ),
      (
        "content_block_delta",
        #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}"#
      ),
      (
        "content_block_delta",
        #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#
      ),
      ("content_block_stop", #"{"type":"content_block_stop","index":1}"#),
      ("message_delta", #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}"#),
      ("message_stop", #"{"type":"message_stop"}"#),
    ]
    let server = try ScriptedServer([
      ScriptedAnswer(chunks: events.map { "event: \($0.0)\ndata: \($0.1)\n\n" })
    ])
    defer { server.stop() }
    let request = ModelRequest(
      model: "m1", system: "Be kind.",
      messages: [
        .user("hello"), .assistant("", calls: [ModelToolCall(id: "t0", name: "get", arguments: #"{"a":0}"#)]),
        .toolResult(callID: "t0", name: "get", content: "none", isError: true), .user("go on"),
      ], tools: [ModelTool(name: "get", description: "Gets.", schema: ["type": "object"])])
    let reply = try await client(server.url, .anthropic).complete(request, agent: "a", patience: .zero)
    #expect(reply.text == "Let me look")
    #expect(reply.calls == [ModelToolCall(id: "t1", name: "get", arguments: #"{"a":1}"#)])
    #expect(reply.usage?.input == 9 && reply.usage?.output == 4)
    let sent = try #require(server.requests.first)
    #expect(sent.hasPrefix("POST /v1/messages HTTP/1.1\r\n"))
    #expect(sent.contains("x-api-key: sk-secret\r\n") && sent.contains("anthropic-version: 2023-06-01\r\n"))
    #expect(
      sent.hasSuffix(
        #"""
        "system":"Be kind.","messages":[{"role":"user","content":[{"type":"text","text":"hello"}]},{"role":"assistant","content":[{"type":"tool_use","id":"t0","name":"get","input":{"a":0}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t0","content":"none","is_error":true},{"type":"text","text":"go on"}]}],"tools":[{"name":"get","description":"Gets.","input_schema":{"type":"object"}}]}
        """#))
  }

  @Test func `429 is tried five times, 5xx three times, other 4xx once`() async throws {
    for (status, attempts) in [(429, 5), (500, 3), (503, 3), (400, 1), (401, 1), (404, 1)] {
      let server = try ScriptedServer([.status(status, ["Retry-After: 0"])])
      defer { server.stop() }
      let client = try client(server.url)
      let error = try #require(await error(client))
      #expect(server.requests.count == attempts, "\(status)")
      #expect(error.isTransient == (status == 429 || status >= 500))
      // Five failures in a row open it; a bad request or key is none.
      #expect(client.breaker.state == (attempts == 5 ? .open : .closed))
      #expect(!"\(error)".contains("sk-secret"))
    }
  }

  @Test func `a limit that passes is waited for as long as the server says`() async throws {
    let server = try ScriptedServer([.status(429, ["Retry-After: 1"]), .says("ok")])
    defer { server.stop() }
    let began = ContinuousClock.now
    let reply = try await client(server.url).complete(hello, agent: "a", patience: .zero)
    #expect(reply.text == "ok")
    #expect(ContinuousClock.now - began >= .seconds(1))
    #expect(requests(.error) == 1 && requests(.ok) == 1)
    #expect(registry.histogram(Families.llmLatency).with("a", "p", "m1").count == 2)
  }

  @Test func `a limit of an hour is left to the ledger`() async throws {
    let server = try ScriptedServer([.status(429, ["Retry-After: 3600"])])
    defer { server.stop() }
    #expect(try await error(client(server.url)) == .rateLimited(retryAfter: .seconds(3_600)))
    #expect(server.requests.count == 1)
  }

  @Test(arguments: [
    ScriptedAnswer.stream([#"{"choices":[{"delta":{"content":"half"}}]}"#]),
    ScriptedAnswer(chunks: ["data: {\"choi"], isCut: true),
    ScriptedAnswer.stream(["this is no JSON"]),
    ScriptedAnswer.stream([#"{"error":{"message":"boom"}}"#]),
    ScriptedAnswer.status(200, body: "<html>a proxy's page</html>"),
    ScriptedAnswer.status(200, body: "{\"choices\":"), ScriptedAnswer.status(200, body: ""),
    ScriptedAnswer.status(500),
  ])
  func `an answer that is cut or is rubbish is asked for again, and none of it reaches the next`(
    bad: ScriptedAnswer
  ) async throws {
    let server = try ScriptedServer([bad, .says("good")])
    defer { server.stop() }
    let reply = try await client(server.url).complete(hello, agent: "a", patience: .zero)
    #expect(reply.text == "good")
    #expect(requests(.error) == 1 && requests(.ok) == 1)
  }

  @Test func `a body that stands still ends at the stall timeout`() async throws {
    let slow = ScriptedAnswer(chunks: ["data: {}\n\n", "data: {}\n\n"], pause: 8_000)
    let server = try ScriptedServer([slow, .says("good")])
    defer { server.stop() }
    let client = try client(server.url) { $0.stallTimeout = .seconds(1) }
    #expect(try await client.complete(hello, agent: "a", patience: .zero).text == "good")
  }

  @Test func `no connection is tried three times and opens the breaker at the fifth failure`() async throws {
    let server = try ScriptedServer([.says("x")])
    server.stop()
    let client = try client("http://127.0.0.1:1")
    guard case .unreachable = await error(client) else {
      Issue.record("not unreachable")
      return
    }
    #expect(requests(.error) == 3)
    #expect(client.breaker.state == .closed)
    // The fourth and fifth failure open it; the sixth attempt is refused without touching the wire.
    guard case .breakerOpen = await error(client) else {
      Issue.record("not refused")
      return
    }
    #expect(client.breaker.state == .open)
    #expect(requests(.error) == 5)
  }

  @Test(
    arguments: [
      ("0", Duration.zero), ("2", .seconds(2)), ("1.5", .milliseconds(1_500)), ("999999999", .seconds(86_400)),
      ("Wed, 21 Oct 2015 07:28:30 GMT", .seconds(30)), ("Wed, 21 Oct 2015 07:27:00 GMT", .zero), ("", nil),
      ("-1", nil), ("soon", nil), ("nan", nil), ("Wed, 99 Oct 2015 07:28:30 GMT", nil),
    ] as [(String, Duration?)])
  func `Retry-After is read as seconds or as a date`(text: String, wait: Duration?) {
    // 2015-10-21T07:28:00Z
    #expect(RetryAfter.read(text, now: 1_445_412_480_000_000_000) == wait)
  }

  @Test func `a stream is the same however its bytes are cut`() {
    let text = "event: a\r\ndata: one\r\ndata: two\r\n\r\n: note\ndata:three\n\nid: 4\n\ndata: cut"
    let bytes = Array(text.utf8)
    let whole = [
      ServerSentEvents.Event(name: "a", data: "one\ntwo"), ServerSentEvents.Event(name: "", data: "three"),
    ]
    for cut in 0...bytes.count {
      var parser = ServerSentEvents()
      var events: [ServerSentEvents.Event] = []
      parser.feed(bytes[..<cut]) { events.append($0) }
      parser.feed(bytes[cut...]) { events.append($0) }
      #expect(events == whole)
    }
  }

  @Test func `cancelling ends a request that hangs`() async throws {
    let server = try ScriptedServer([ScriptedAnswer(chunks: ["data: {}\n\n"], pause: 20_000)])
    defer { server.stop() }
    let client = try client(server.url)
    let result = await withTaskGroup(of: ModelError?.self) { group in
      group.addTask { await error(client) }
      try? await Task.sleep(for: .milliseconds(300))
      group.cancelAll()
      return await group.next() ?? nil
    }
    #expect(result == .cancelled)
  }
}
