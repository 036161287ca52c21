// What servers make of the two interfaces: odd framing, pieces in odd places, fields that are null or left out, errors in the
// midst. Whatever has one meaning is understood; what has none is asked for again.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import Testing

@testable import HostAgents

/// One oddity: what the server sends, and what the answer is.
struct Oddity: Sendable, CustomTestStringConvertible {
  let name: String
  let chunks: [String]
  var text = ""
  var calls: [ModelToolCall] = []
  var testDescription: String { name }

  /// Events without any framing but the usual.
  static func events(_ name: String, _ events: [String], text: String = "", calls: [ModelToolCall] = []) -> Oddity {
    Oddity(name: name, chunks: events.map { "data: \($0)\n\n" }, text: text, calls: calls)
  }
}

@Suite("What model servers send", .timeLimit(.minutes(2)))
struct ModelWireTests {
  let bench = ModelClientTests()

  static func delta(_ fields: String, _ rest: String = "") -> String {
    #"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{\#(fields)}\#(rest)}]}"#
  }
  static let stop = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
  static let toolStop = #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#
  static func piece(_ fields: String) -> String { delta(#""tool_calls":[{\#(fields)}]"#) }
  static let hi = delta(#""content":"Hi""#)

  static let framing: [Oddity] = [
    Oddity(name: "CRLF", chunks: ["data: \(hi)\r\n\r\ndata: \(stop)\r\n\r\ndata: [DONE]\r\n\r\n"], text: "Hi"),
    Oddity(name: "CR", chunks: ["data: \(hi)\r\rdata: \(stop)\r\r"], text: "Hi"),
    Oddity(
      name: "comments", chunks: [": OPENROUTER PROCESSING\n\n:\n\ndata: \(hi)\n\n: x\ndata: \(stop)\n\n"], text: "Hi"),
    Oddity(name: "no space", chunks: ["data:\(hi)\n\ndata:\(stop)\n\ndata:[DONE]\n\n"], text: "Hi"),
    Oddity(
      name: "names, ids and retry", chunks: ["event: message\nid: 1\nretry: 5\ndata: \(hi)\n\ndata: \(stop)\n\n"],
      text: "Hi"),
    Oddity(name: "byte order mark", chunks: ["\u{FEFF}data: \(hi)\n\ndata: \(stop)\n\n"], text: "Hi"),
    Oddity(
      name: "an event over several lines",
      chunks: [
        "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\ndata: \"Hi\"},\"finish_reason\"\ndata::\"stop\"}]}\n\n"
      ], text: "Hi"),
    Oddity(name: "byte by byte", chunks: "data: \(hi)\r\n\r\ndata: \(stop)\r\n\r\n".map(String.init), text: "Hi"),
    Oddity(name: "no empty line at the end", chunks: ["data: \(hi)\n\ndata: \(stop)\n"], text: "Hi"),
    Oddity(name: "no line end at the end", chunks: ["data: \(hi)\n\ndata: [DONE]"], text: "Hi"),
    Oddity(name: "events without data", chunks: ["data:\n\ndata: \(hi)\n\ndata: \n\ndata: \(stop)\n\n"], text: "Hi"),
    Oddity(name: "leading empty lines", chunks: ["\r\n\n\ndata: \(hi)\n\ndata: \(stop)\n\n"], text: "Hi"),
    .events("no mark", [hi, stop], text: "Hi"),
    .events("no finish reason", [hi, "[DONE]"], text: "Hi"),
    .events("more after the end", [hi, stop, "[DONE]", "[DONE]"], text: "Hi"),
  ]

  static let fields: [Oddity] = [
    .events(
      "content and everything else null",
      [
        #"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":null,"refusal":null},"finish_reason":null,"logprobs":null}],"usage":null,"error":null}"#,
        hi, stop,
      ], text: "Hi"),
    .events("delta null", [#"{"choices":[{"index":0,"delta":null}]}"#, hi, stop], text: "Hi"),
    .events("finish reason with the text", [delta(#""content":"Hi""#, #","finish_reason":"length""#)], text: "Hi"),
    .events(
      "usage after all choices",
      [hi, stop, #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2.0,"total_tokens":3}}"#, "[DONE]"],
      text: "Hi"),
    .events("a filter's chunk before", [#"{"choices":[],"prompt_filter_results":[]}"#, hi, stop], text: "Hi"),
    .events(
      "thinking beside", [delta(#""reasoning_content":"hm","reasoning":"hm","content":"""#), hi, stop], text: "Hi"),
    .events("a refusal", [delta(#""refusal":"I will not.""#), stop], text: "I will not."),
    .events(
      "parts", [delta(#""content":[{"type":"text","text":"H"},{"type":"thinking","thinking":[]},"i"]"#), stop],
      text: "Hi"),
    .events("a pair of halves", [delta(#""content":"a\ud83d\ude00b""#), stop], text: "a😀b"),
    .events(
      "a pair cut in two", [delta(#""content":"a\ud83d""#), delta(#""content":"\ude00b\\ud83d""#), stop],
      text: #"a😀b\ud83d"#),
    .events("half a pair", [delta(#""content":"a\udc00""#), delta(#""content":"b""#), stop], text: "a\u{FFFD}b"),
    .events("nothing at all", [stop], text: ""),
  ]

  static let get = ModelToolCall(id: "c1", name: "get", arguments: #"{"a":1}"#)
  static let put = ModelToolCall(id: "c2", name: "put", arguments: #"{"b":2}"#)
  static let calls: [Oddity] = [
    .events(
      "arguments letter by letter, id and name each time",
      Array(#"{"a":1}"#).map { letter in
        piece(
          #""index":0,"id":"c1","type":"function","function":{"name":"get","arguments":"\#(letter == "\"" ? "\\\"" : String(letter))"}"#
        )
      } + [toolStop], calls: [get]),
    .events(
      "two calls in turns",
      [
        piece(#""index":1,"id":"c2","function":{"name":"put","arguments":"{\"b\""}"#),
        piece(#""index":0,"id":"c1","function":{"name":"get","arguments":null}"#),
        piece(#""index":0,"function":{"arguments":"{\"a\""}"#), piece(#""index":1,"function":{"arguments":":2}"}"#),
        piece(#""index":0,"id":null,"function":{"name":null,"arguments":":1}"}"#), toolStop,
      ], calls: [put, get]),
    .events(
      "two calls in one delta",
      [
        delta(
          #""tool_calls":[{"index":0,"id":"c1","function":{"name":"get","arguments":"{\"a\":1}"}},{"index":1,"id":"c2","function":{"name":"put","arguments":"{\"b\":2}"}}]"#
        ), toolStop,
      ], calls: [get, put]),
    .events(
      "all under one index",
      [
        piece(#""index":0,"id":"c1","function":{"name":"get","arguments":"{\"a\":1}"}"#),
        piece(#""index":0,"id":"c2","function":{"name":"put","arguments":"{\"b\":"}"#),
        piece(#""index":0,"function":{"arguments":"2}"}"#), toolStop,
      ], calls: [get, put]),
    .events(
      "no index, whole",
      [
        piece(#""id":"c1","function":{"name":"get","arguments":"{\"a\":1}"}"#),
        piece(#""id":"c2","function":{"name":"put","arguments":"{\"b\":2}"}"#), stop,
      ], calls: [get, put]),
    .events(
      "no index, in pieces",
      [
        piece(#""id":"c1","function":{"name":"get","arguments":""}"#), piece(#""function":{"arguments":"{\"a\":"}"#),
        piece(#""id":"c1","function":{"arguments":"1}"}"#), piece(#""id":"c2","function":{"name":"put"}"#),
        piece(#""function":{"arguments":"{\"b\":2}"}"#), "[DONE]",
      ], calls: [get, put]),
    .events(
      "no id", [piece(#""index":0,"function":{"name":"get","arguments":"{}"}"#), toolStop],
      calls: [ModelToolCall(id: "call_0", name: "get", arguments: "{}")]),
    .events(
      "arguments as an object",
      [piece(#""index":0,"id":"c1","function":{"name":"get","arguments":{"a":1}}"#), toolStop],
      calls: [get]),
    .events(
      "a text and a call",
      [hi, piece(#""index":0,"id":"c1","function":{"name":"get","arguments":"{\"a\":1}"}"#), toolStop], text: "Hi",
      calls: [get]),
    Oddity(
      name: "a whole answer, content null",
      chunks: [
        "\n",
        #"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"put","arguments":"{\"b\":2}"}}]},"finish_reason":"tool_calls"}]}"#,
      ], calls: [get, put]),
  ]

  @Test(arguments: framing + fields + calls)
  func `a chat completion is understood however it is written`(oddity: Oddity) async throws {
    let server = try ScriptedServer([ScriptedAnswer(chunks: oddity.chunks)])
    defer { server.stop() }
    let reply = try await bench.client(server.url).complete(bench.hello, agent: "a", patience: .zero)
    #expect(reply.text == oddity.text && reply.calls == oddity.calls)
    #expect(server.requests.count == 1)
  }

  static func block(_ index: Int, _ block: String, _ deltas: [String] = []) -> [String] {
    [#"{"type":"content_block_start","index":\#(index),"content_block":{\#(block)}}"#]
      + deltas.map { #"{"type":"content_block_delta","index":\#(index),"delta":{\#($0)}}"# }
      + [#"{"type":"content_block_stop","index":\#(index)}"#]
  }
  static let begin =
    #"{"type":"message_start","message":{"id":"m","role":"assistant","content":[],"usage":{"input_tokens":1}}}"#
  static func end(_ reason: String) -> String {
    #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"usage":{"output_tokens":2}}"#
  }
  static let last = #"{"type":"message_stop"}"#
  static let hello = block(
    0, #""type":"text","text":"""#, [#""type":"text_delta","text":"H""#, #""type":"text_delta","text":"i""#])
  static func use(_ id: String, _ name: String, _ input: String = "{}") -> String {
    #""type":"tool_use","id":"\#(id)","name":"\#(name)","input":\#(input)"#
  }
  static func json(_ part: String) -> String { #""type":"input_json_delta","partial_json":"\#(part)""# }

  static let anthropic: [Oddity] = [
    .events("plain", [begin] + hello + [end("end_turn"), last], text: "Hi"),
    Oddity(
      name: "CRLF, comments, pings, no space",
      chunks: ([begin, #"{"type":"ping"}"#] + hello + [end("max_tokens"), last]).map {
        ": x\r\nevent:x\r\ndata:\($0)\r\n\r\n"
      },
      text: "Hi"),
    .events(
      "what is not known yet", [begin, #"{"type":"brand_new","index":9}"#] + hello + [end("end_turn"), last], text: "Hi"
    ),
    .events(
      "a text in the block's start", [begin] + block(0, #""type":"text","text":"Hi""#) + [end("end_turn"), last],
      text: "Hi"),
    .events(
      "thinking before",
      [begin]
        + block(
          0, #""type":"thinking","thinking":"""#,
          [#""type":"thinking_delta","thinking":"hm""#, #""type":"signature_delta","signature":"x""#])
        + block(1, #""type":"text","text":"""#, [#""type":"text_delta","text":"Hi""#]) + [end("end_turn"), last],
      text: "Hi"),
    .events("no last event", [begin] + hello + [end("end_turn")], text: "Hi"),
    .events(
      "arguments in pieces",
      [begin] + block(0, use("c1", "get"), [json(""), json(#"{\"a"#), json(#"\":1}"#)]) + [end("tool_use"), last],
      calls: [get]),
    .events(
      "arguments in the block's start", [begin] + block(0, use("c1", "get", #"{"a":1}"#)) + [end("tool_use"), last],
      calls: [get]),
    .events(
      "no arguments", [begin] + block(0, use("c1", "now"), [json("")]) + [end("tool_use"), last],
      calls: [ModelToolCall(id: "c1", name: "now", arguments: "{}")]),
    .events(
      "a text and two calls whose pieces come in turns",
      [begin] + hello + [
        #"{"type":"content_block_start","index":1,"content_block":{\#(use("c1", "get"))}}"#,
        #"{"type":"content_block_start","index":2,"content_block":{\#(use("c2", "put"))}}"#,
        #"{"type":"content_block_delta","index":2,"delta":{\#(json(#"{\"b\":"#))}}"#,
        #"{"type":"content_block_delta","index":1,"delta":{\#(json(#"{\"a\":1}"#))}}"#,
        #"{"type":"content_block_delta","index":2,"delta":{\#(json("2}"))}}"#,
        #"{"type":"content_block_stop","index":1}"#, #"{"type":"content_block_stop","index":2}"#, end("tool_use"), last,
      ], text: "Hi", calls: [get, put]),
    Oddity(
      name: "the type in the event's name only",
      chunks: [
        "event: message_start\ndata: {}\n\n",
        "event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"text\":\"Hi\"}}\n\nevent: message_stop\ndata: {}\n\n",
      ], text: "Hi"),
    Oddity(
      name: "a whole answer",
      chunks: [
        #"{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi"},{\#(use("c1", "get", #"{"a":1}"#))}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#
      ], text: "Hi", calls: [get]),
  ]

  @Test(arguments: anthropic)
  func `a message is understood however it is written`(oddity: Oddity) async throws {
    let server = try ScriptedServer([ScriptedAnswer(chunks: oddity.chunks)])
    defer { server.stop() }
    let reply = try await bench.client(server.url, .anthropic).complete(bench.hello, agent: "a", patience: .zero)
    #expect(reply.text == oddity.text && reply.calls == oddity.calls)
    #expect(server.requests.count == 1)
  }

  /// What the error is, and how often it is asked for.
  struct Trouble: Sendable, CustomTestStringConvertible {
    let kind: ProviderKind
    let chunks: [String]
    let error: ModelError
    let attempts: Int
    var testDescription: String { "\(kind): \(error)" }

    static func openai(_ error: String, _ expected: ModelError, _ attempts: Int) -> Trouble {
      Trouble(
        kind: .openai, chunks: ["data: \(hi)\n\ndata: {\"error\":{\(error)}}\n\n"], error: expected, attempts: attempts)
    }
    static func anthropic(_ type: String, _ expected: ModelError, _ attempts: Int) -> Trouble {
      let event = #"{"type":"error","error":{"type":"\#(type)","message":"secret words"}}"#
      return Trouble(
        kind: .anthropic, chunks: ["data: \(begin)\n\nevent: error\ndata: \(event)\n\n"], error: expected,
        attempts: attempts)
    }
    static func cut(_ kind: ProviderKind, _ events: [String], _ tail: String = "") -> Trouble {
      Trouble(kind: kind, chunks: events.map { "data: \($0)\n\n" } + [tail], error: .truncated, attempts: 3)
    }
  }

  static let reported = ModelError.badAnswer("the server reported an error in its answer")
  /// Its block never stops.
  static let halfACall: [String] =
    [begin] + Array(block(0, use("c1", "get"), [json(#"{\"a"#)]).prefix(2)) + [end("tool_use")]

  static let troubles: [Trouble] = [
    Trouble.openai(#""message":"secret words","code":429"#, .rateLimited(retryAfter: nil), 5),
    .openai(
      #""message":"secret words","type":"rate_limit_error","code":"rate_limit_exceeded""#,
      .rateLimited(retryAfter: nil), 5),
    .openai(#""message":"secret words","code":"503""#, .server(status: 503, retryAfter: nil), 3),
    .openai(#""message":"secret words","type":"server_error""#, .server(status: 500, retryAfter: nil), 3),
    .openai(#""message":"secret words","code":401"#, .keyRefused(status: 401), 1),
    .openai(#""message":"secret words""#, reported, 3),
    Trouble(kind: .openai, chunks: ["data: {\"error\":\"secret words\"}\n\n"], error: reported, attempts: 3),
    Trouble(
      kind: .openai, chunks: ["data: [1]\n\n"], error: .badAnswer("an event of the stream is not JSON"), attempts: 3),
    Trouble(kind: .openai, chunks: ["[{\"error\":{}}]"], error: .truncated, attempts: 3),
    Trouble(
      kind: .openai, chunks: ["data: \(piece(#""index":-1,"id":"x""#))\n\n"],
      error: .badAnswer("the answer has too many tool calls"), attempts: 3),
    Trouble(
      kind: .openai, chunks: ["data: \(piece(#""index":9223372036854775807,"id":"x""#))\n\n"],
      error: .badAnswer("the answer has too many tool calls"), attempts: 3),
    .cut(.openai, []), .cut(.openai, [hi]), .cut(.openai, [hi], "data: {\"choices\":[{\"delta\":{\"cont"),
    .cut(.openai, [hi, piece(#""index":0,"id":"c1","function":{"name":"get","arguments":"{\"a\""}"#)]),
    .anthropic("overloaded_error", .server(status: 529, retryAfter: nil), 3),
    .anthropic("api_error", .server(status: 500, retryAfter: nil), 3),
    .anthropic("timeout_error", .server(status: 504, retryAfter: nil), 3),
    .anthropic("rate_limit_error", .rateLimited(retryAfter: nil), 5),
    .anthropic("authentication_error", .keyRefused(status: 200), 1),
    .anthropic("invalid_request_error", .refused(status: 200, kind: "invalid_request_error"), 1),
    .anthropic("not_found_error", .refused(status: 200, kind: "not_found_error"), 1),
    .anthropic("brand_new_error", reported, 3),
    .cut(.anthropic, [begin]), .cut(.anthropic, [begin] + hello),
    .cut(.anthropic, halfACall),
  ]

  @Test(arguments: troubles)
  func `an error or an end in the midst is what it says, tried as often as that allows`(trouble: Trouble) async throws {
    let server = try ScriptedServer([ScriptedAnswer(chunks: trouble.chunks)])
    defer { server.stop() }
    let error = await bench.error(try bench.client(server.url, trouble.kind))
    #expect(error == trouble.error)
    #expect(server.requests.count == trouble.attempts)
    #expect(!"\(error.map { "\($0)" } ?? "")".contains("secret words"))
  }

  @Test func `arguments that are no object go back as an empty one, all others as the model wrote them`() throws {
    let calls = [#"{"a": 1}"#, "", "{\"a\":", "[1]"].enumerated().map {
      ModelToolCall(id: "c\($0.offset)", name: "get", arguments: $0.element)
    }
    let request = ModelRequest(model: "m", messages: [.user("x"), .assistant("", calls: calls)])
    let settings = ProviderSettings(name: "p", kind: .openai, baseURL: "http://127.0.0.1:1")
    let sent = OpenAIProvider(settings: settings).body(request)["messages"]?[1]?["tool_calls"]?.array
    #expect(sent?.map { $0["function"]?["arguments"]?.string } == [#"{"a": 1}"#, "{}", "{}", "{}"])
  }
}
