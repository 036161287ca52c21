// The messages API of Anthropic.
// Made by ProviderTable for `kind: anthropic`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON

/// A client of the messages API.
///
/// - SeeAlso: docs.anthropic.com/en/api/messages, docs.anthropic.com/en/api/messages-streaming
struct AnthropicProvider: ModelProvider {
  /// The version of the interface that this file speaks.
  private static let version = "2023-06-01"
  /// The interface wants a bound; this one fits any chat.
  private static let defaultMaxTokens = 4_096

  let settings: ProviderSettings
  var name: String { settings.name }

  func stream(
    _ request: ModelRequest, onEvent: @escaping @Sendable (ModelEvent) -> Void
  ) async throws(ModelError) {
    var headers = [(name: "anthropic-version", value: AnthropicProvider.version)]
    if let key = settings.key { headers.append(("x-api-key", key.reveal())) }
    // The vendor's SDKs take the address without `/v1`; with it works as well.
    let base = settings.baseURL.hasSuffix("/v1") ? settings.baseURL : "\(settings.baseURL)/v1"
    let exchange = StreamExchange(settings: settings, url: "\(base)/messages", headers: headers)
    try await exchange.run(body(request), decoder: AnthropicDecoder(), onEvent: onEvent)
  }

  func body(_ request: ModelRequest) -> JSON {
    var body: JSONObject = [
      "model": .string(request.model), "max_tokens": JSON(settings.maxTokens ?? AnthropicProvider.defaultMaxTokens),
      "stream": true,
    ]
    if !request.system.isEmpty { body["system"] = .string(request.system) }
    body["messages"] = .array(AnthropicProvider.messages(request.messages))
    if !request.tools.isEmpty {
      body["tools"] = .array(
        request.tools.map { tool in
          ["name": .string(tool.name), "description": .string(tool.description), "input_schema": tool.schema]
        })
    }
    return .object(body)
  }

  /// The conversation with neighbours of one role merged: the interface wants all results of a round in one message.
  private static func messages(_ messages: [ModelMessage]) -> [JSON] {
    var merged: [(role: String, blocks: [JSON])] = []
    for message in messages {
      let (role, blocks) = blocks(message)
      if merged.last?.role == role {
        merged[merged.count - 1].blocks += blocks
      } else {
        merged.append((role, blocks))
      }
    }
    return merged.filter { !$0.blocks.isEmpty }.map { ["role": .string($0.role), "content": .array($0.blocks)] }
  }

  private static func blocks(_ message: ModelMessage) -> (role: String, blocks: [JSON]) {
    switch message {
    case .user(let text): return ("user", [["type": "text", "text": .string(text)]])
    case .assistant(let text, let calls):
      let words: [JSON] = text.isEmpty ? [] : [["type": "text", "text": .string(text)]]
      let uses: [JSON] = calls.map { call in
        let input = (try? JSON.parse(call.arguments)).flatMap { $0.object.map(JSON.object) } ?? [:]
        return ["type": "tool_use", "id": .string(call.id), "name": .string(call.name), "input": input]
      }
      return ("assistant", words + uses)
    case .toolResult(let callID, _, let content, let isError):
      var block: JSONObject = [
        "type": "tool_result", "tool_use_id": .string(callID), "content": .string(content),
      ]
      if isError { block["is_error"] = true }
      return ("user", [.object(block)])
    }
  }
}
