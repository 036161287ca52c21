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
              "function": ["name": .string(call.name), "arguments": .string(OpenAIProvider.arguments(call))],
            ]
          })
      }
      return .object(object)
    case .toolResult(let callID, _, let content, _):
      return ["role": "tool", "tool_call_id": .string(callID), "content": .string(content)]
    }
  }

  /// As the model wrote them, where they are an object. Servers that read them (llama.cpp's does) fail on anything else, and
  /// the conversation with them for ever; what was wrong, the tool's result says.
  private static func arguments(_ call: ModelToolCall) -> String {
    (try? JSON.parse(call.arguments))?.object == nil ? "{}" : call.arguments
  }
}
