// Chat completions: OpenAI's interface, which most model servers speak, local ones too.
// Made by ProviderTable for `kind: openai`. The stream is decoded in OpenAIDecoder.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON

/// A client of a chat-completions server.
///
/// - SeeAlso: platform.openai.com/docs/api-reference/chat/create
struct OpenAIProvider: ModelProvider {
  let settings: ProviderSettings
  var name: String { settings.name }

  func stream(
    _ request: ModelRequest, onEvent: @escaping @Sendable (ModelEvent) -> Void
  ) async throws(ModelError) {
    let headers = settings.key.map { [(name: "Authorization", value: "Bearer \($0.reveal())")] } ?? []
    let exchange = StreamExchange(
      settings: settings, url: "\(settings.baseURL)/chat/completions", headers: headers)
    try await exchange.run(body(request), decoder: OpenAIDecoder(), onEvent: onEvent)
  }

  func body(_ request: ModelRequest) -> JSON {
    var messages: [JSON] = []
    if !request.system.isEmpty { messages.append(["role": "system", "content": .string(request.system)]) }
    messages += request.messages.map(OpenAIProvider.message)
    var body: JSONObject = [
      "model": .string(request.model), "messages": .array(messages), "stream": true,
    ]
    if let maxTokens = settings.maxTokens { body["max_tokens"] = JSON(maxTokens) }
    if !request.tools.isEmpty {
      body["tools"] = .array(
        request.tools.map { tool in
          [
            "type": "function",
            "function": [
              "name": .string(tool.name), "description": .string(tool.description), "parameters": tool.schema,
            ],
          ]
        })
    }
    return .object(body)
  }

  private static func message(_ message: ModelMessage) -> JSON {
    switch message {
    case .user(let text): return ["role": "user", "content": .string(text)]
    case .assistant(let text, let calls):
      var object: JSONObject = ["role": "assistant", "content": .string(text)]
      if !calls.isEmpty {
        object["tool_calls"] = .array(
          calls.map { call in
            [
              "id": .string(call.id), "type": "function",
              "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
            ]
          })
      }
      return .object(object)
    case .toolResult(let callID, _, let content, _):
      return ["role": "tool", "tool_call_id": .string(callID), "content": .string(content)]
    }
  }
}

/// Decodes the chunks of a chat completion.
struct OpenAIDecoder: StreamDecoder, Sendable {
  /// Calls of one answer; more are the work of a model gone wild.
  static let callLimit = 128
  private var calls: [ModelToolCall] = []
  private var isFinished = false
  /// Seen by the finish reason, even when the mark `[DONE]` got lost.
  var isComplete: Bool { isFinished }

  mutating func take(_ event: ServerSentEvents.Event, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    if event.data == "[DONE]" {
      // Some servers leave the finish reason out; the mark itself says that nothing is missing.
      finish(emit)
      return
    }
    guard let json = try? JSON.parse(event.data), json.object != nil else {
      throw .badAnswer("an event of the stream is not JSON")
    }
    try checkError(json)
    takeUsage(json, emit)
    guard let choice = json["choices"]?[0] else { return }
    if let text = choice["delta"]?["content"]?.string, !text.isEmpty { emit(.text(text)) }
    for call in choice["delta"]?["tool_calls"]?.array ?? [] { try takeDelta(call) }
    if choice["finish_reason"]?.string != nil { finish(emit) }
  }

  mutating func takeWhole(_ json: JSON, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    try checkError(json)
    guard let message = json["choices"]?[0]?["message"] else { throw .badAnswer("the answer has no message") }
    takeUsage(json, emit)
    if let text = message["content"]?.string, !text.isEmpty { emit(.text(text)) }
    for (index, call) in (message["tool_calls"]?.array ?? []).enumerated() {
      guard case .object(var object) = call else { continue }
      object["index"] = JSON(index)
      try takeDelta(.object(object))
    }
    finish(emit)
  }

  private mutating func finish(_ emit: (ModelEvent) -> Void) {
    guard !isFinished else { return }
    isFinished = true
    for (index, var call) in calls.enumerated() where !call.name.isEmpty {
      if call.id.isEmpty { call.id = "call_\(index)" }
      emit(.toolCall(call))
    }
  }

  private mutating func takeDelta(_ delta: JSON) throws(ModelError) {
    // A server that sends whole calls without an index sends each once.
    let index = delta["index"]?.integer.flatMap { Int(exactly: $0) } ?? calls.count
    guard (0..<OpenAIDecoder.callLimit).contains(index) else { throw .badAnswer("the answer has too many tool calls") }
    while calls.count <= index { calls.append(ModelToolCall(id: "", name: "", arguments: "")) }
    if let id = delta["id"]?.string, !id.isEmpty { calls[index].id = id }
    if let name = delta["function"]?["name"]?.string, calls[index].name.isEmpty { calls[index].name = name }
    switch delta["function"]?["arguments"] {
    case .string(let part)?: calls[index].arguments += part
    case .object(let object)?: calls[index].arguments = JSON.object(object).description
    default: break
    }
  }

  private func checkError(_ json: JSON) throws(ModelError) {
    if let error = json["error"], !error.isNull { throw .badAnswer("the server reported an error in its answer") }
  }

  private func takeUsage(_ json: JSON, _ emit: (ModelEvent) -> Void) {
    guard let usage = json["usage"], let input = usage["prompt_tokens"]?.integer,
      let output = usage["completion_tokens"]?.integer
    else { return }
    emit(.usage(input: Int(clamping: input), output: Int(clamping: output)))
  }
}
