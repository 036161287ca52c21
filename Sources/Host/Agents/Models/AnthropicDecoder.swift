// Understands a message of Anthropic's interface, streamed or whole.
// Fed by StreamExchange.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// Decodes the events of a message.
///
/// - SeeAlso: docs.anthropic.com/en/api/messages-streaming
struct AnthropicDecoder: StreamDecoder, Sendable {
  /// A tool call that is being written.
  private struct Open {
    var call: ModelToolCall
    /// What the block's start brought; counts when no piece follows.
    let input: JSON?
  }
  /// Blocks in the order of their index: they follow each other, but nothing says that they must.
  private var open: [Int64: Open] = [:]
  private var input = 0
  private var hasStopReason = false
  private var hasEnded = false
  /// The last event says so. Where it got lost: the reason for stopping comes after the last block.
  var isComplete: Bool { hasEnded || hasStopReason && open.isEmpty }

  mutating func take(_ event: ServerSentEvents.Event, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    guard let json = SurrogateHalves.parse(event.data), json.object != nil else {
      throw .badAnswer("an event of the stream is not JSON")
    }
    let index = json["index"]?.integer ?? 0
    switch json["type"]?.string ?? event.name {
    case "message_start": input = tokens(json["message"]?["usage"]?["input_tokens"])
    case "content_block_start": start(json["content_block"], index, emit)
    case "content_block_delta":
      // Thinking and signatures are under names of their own, and are not the answer.
      if let text = json["delta"]?["text"]?.string, !text.isEmpty { emit(.text(text)) }
      if let part = json["delta"]?["partial_json"]?.string { open[index]?.call.arguments += part }
    case "content_block_stop": stop(index, emit)
    case "message_delta":
      hasStopReason = hasStopReason || json["delta"]?["stop_reason"]?.string != nil
      emit(.usage(input: input, output: tokens(json["usage"]?["output_tokens"])))
    case "message_stop":
      for index in open.keys.sorted() { stop(index, emit) }
      hasEnded = true
    case "error": throw AnthropicDecoder.error(json)
    // `ping`, and what later versions add.
    default: break
    }
  }

  private mutating func start(_ block: JSON?, _ index: Int64, _ emit: (ModelEvent) -> Void) {
    if block?["type"]?.string == "tool_use" {
      let call = ModelToolCall(id: block?["id"]?.string ?? "", name: block?["name"]?.string ?? "", arguments: "")
      open[index] = Open(call: call, input: block?["input"])
    } else if block?["type"]?.string == "text", let text = block?["text"]?.string, !text.isEmpty {
      emit(.text(text))
    }
  }

  private mutating func stop(_ index: Int64, _ emit: (ModelEvent) -> Void) {
    guard var done = open.removeValue(forKey: index) else { return }
    if done.call.arguments.isEmpty { done.call.arguments = (done.input ?? [:]).description }
    emit(.toolCall(done.call))
  }

  mutating func takeWhole(_ json: JSON, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    if json["type"]?.string == "error" { throw AnthropicDecoder.error(json) }
    guard let blocks = json["content"]?.array else { throw .badAnswer("the answer has no content") }
    for block in blocks {
      if block["type"]?.string == "text", let text = block["text"]?.string { emit(.text(text)) }
      if block["type"]?.string == "tool_use" {
        emit(
          .toolCall(
            ModelToolCall(
              id: block["id"]?.string ?? "", name: block["name"]?.string ?? "",
              arguments: (block["input"] ?? [:]).description)))
      }
    }
    emit(
      .usage(input: tokens(json["usage"]?["input_tokens"]), output: tokens(json["usage"]?["output_tokens"])))
    hasEnded = true
  }

  private func tokens(_ value: JSON?) -> Int { Int(clamping: value?.integer ?? 0) }

  /// An error after the status was sent: overload and rate limit are told this way too.
  private static func error(_ json: JSON) -> ModelError {
    let kind = json["error"]?["type"]?.string ?? ""
    return switch kind {
    case "overloaded_error": .server(status: 529, retryAfter: nil)
    case "api_error": .server(status: 500, retryAfter: nil)
    case "timeout_error": .server(status: 504, retryAfter: nil)
    case "rate_limit_error": .rateLimited(retryAfter: nil)
    case "authentication_error", "permission_error": .keyRefused(status: 200)
    case "invalid_request_error", "not_found_error", "request_too_large", "billing_error":
      .refused(status: 200, kind: kind)
    default: .badAnswer("the server reported an error in its answer")
    }
  }
}
