// Understands a chat completion, streamed or whole, as the many servers with OpenAI's interface write it.
// Fed by StreamExchange. Where the interface leaves room, everything that can have one meaning only is taken.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// Decodes the chunks of a chat completion.
///
/// - SeeAlso: platform.openai.com/docs/api-reference/chat-streaming
struct OpenAIDecoder: StreamDecoder, Sendable {
  /// Calls of one answer; more are the work of a model gone wild.
  static let callLimit = 128
  private var calls: [ModelToolCall] = []
  /// Where in `calls` the call of an index is put together now.
  private var places: [Int: Int] = [:]
  private var isFinished = false
  /// Seen by the finish reason, even when the mark `[DONE]` got lost.
  var isComplete: Bool { isFinished }

  mutating func take(_ event: ServerSentEvents.Event, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    if event.data.utf8.drop(while: { $0 <= 0x20 }).starts(with: "[DONE]".utf8) {
      // Some servers leave the finish reason out; the mark itself says that nothing is missing.
      finish(emit)
      return
    }
    // An event without data of its own, as some servers send to keep the connection.
    if event.data.utf8.allSatisfy({ $0 <= 0x20 }) { return }
    guard let json = SurrogateHalves.parse(event.data), json.object != nil else {
      throw .badAnswer("an event of the stream is not JSON")
    }
    try checkError(json)
    takeUsage(json, emit)
    guard let choice = json["choices"]?[0] else { return }
    if let delta = choice["delta"] { try take(delta, emit) }
    if choice["finish_reason"]?.string != nil { finish(emit) }
  }

  mutating func takeWhole(_ json: JSON, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    try checkError(json)
    guard let message = json["choices"]?[0]?["message"], message.object != nil else {
      throw .badAnswer("the answer has no message")
    }
    takeUsage(json, emit)
    try take(message, emit)
    finish(emit)
  }

  private mutating func take(_ message: JSON, _ emit: (ModelEvent) -> Void) throws(ModelError) {
    let text = OpenAIDecoder.text(message["content"])
    if !text.isEmpty { emit(.text(text)) }
    // What a model says instead of an answer.
    if let refusal = message["refusal"]?.string, !refusal.isEmpty { emit(.text(refusal)) }
    for call in message["tool_calls"]?.array ?? [] { try takeDelta(call) }
  }

  /// A text, or a list of parts of which those of text count.
  private static func text(_ content: JSON?) -> String {
    if let parts = content?.array {
      return parts.map { $0.string ?? ($0["type"]?.string == "text" ? $0["text"]?.string : nil) ?? "" }.joined()
    }
    return content?.string ?? ""
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
    let place = try place(of: delta)
    if let id = delta["id"]?.string, !id.isEmpty { calls[place].id = id }
    // Some servers repeat the name in every piece.
    if let name = delta["function"]?["name"]?.string, calls[place].name.isEmpty { calls[place].name = name }
    switch delta["function"]?["arguments"] {
    case .string(let part)?: calls[place].arguments += part
    case .object(let object)?: calls[place].arguments = JSON.object(object).description
    default: break
    }
  }

  /// Which call a piece belongs to. Pieces of one have one index. There are servers that give whole calls without an index,
  /// or all calls the same: there another id begins another call.
  private mutating func place(of delta: JSON) throws(ModelError) -> Int {
    let id = delta["id"]?.string ?? ""
    let index = delta["index"]?.integer.flatMap { Int(exactly: $0) }
    if let index, !(0..<OpenAIDecoder.callLimit).contains(index) { throw .badAnswer(OpenAIDecoder.tooMany) }
    let known: Int? =
      if let index { places[index] } else if id.isEmpty {
        // A name without an id begins a call too.
        delta["function"]?["name"]?.string?.isEmpty ?? true ? calls.indices.last : nil
      } else { calls.firstIndex { $0.id == id } }
    if let known, id.isEmpty || calls[known].id.isEmpty || calls[known].id == id { return known }
    guard calls.count < OpenAIDecoder.callLimit else { throw .badAnswer(OpenAIDecoder.tooMany) }
    calls.append(ModelToolCall(id: "", name: "", arguments: ""))
    if let index { places[index] = calls.count - 1 }
    return calls.count - 1
  }

  private static let tooMany = "the answer has too many tool calls"

  /// An error instead of an answer, or in the midst of one: what its code or type says of trying again.
  private func checkError(_ json: JSON) throws(ModelError) {
    guard let error = json["error"], !error.isNull else { return }
    let code = error["code"]?.integer ?? error["status"]?.integer ?? error["code"]?.string.flatMap { Int64($0) }
    let word = error["code"]?.string ?? error["type"]?.string ?? ""
    switch code {
    case 429?: throw .rateLimited(retryAfter: nil)
    case .some(500...599): throw .server(status: Int(clamping: code ?? 500), retryAfter: nil)
    case 401?, 403?: throw .keyRefused(status: Int(clamping: code ?? 401))
    default: break
    }
    if word.hasPrefix("rate_limit") { throw .rateLimited(retryAfter: nil) }
    if word == "server_error" { throw .server(status: 500, retryAfter: nil) }
    throw .badAnswer("the server reported an error in its answer")
  }

  private func takeUsage(_ json: JSON, _ emit: (ModelEvent) -> Void) {
    guard let usage = json["usage"], let input = usage["prompt_tokens"]?.integer,
      let output = usage["completion_tokens"]?.integer
    else { return }
    emit(.usage(input: Int(clamping: input), output: Int(clamping: output)))
  }
}
