// One request to a model server: posts JSON, feeds the answer's bytes to a decoder as they arrive, and names what went wrong.
// Used by the OpenAI and Anthropic providers, whose decoders know the formats. No retries here.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTPClient
internal import HostJSON
internal import Synchronization

/// Understands one provider's stream.
protocol StreamDecoder {
  /// Whether the end of the answer has been seen.
  var isComplete: Bool { get }
  /// Takes one event of the stream.
  mutating func take(_ event: ServerSentEvents.Event, _ emit: (ModelEvent) -> Void) throws(ModelError)
  /// Takes a whole answer, from a server that does not stream.
  mutating func takeWhole(_ json: JSON, _ emit: (ModelEvent) -> Void) throws(ModelError)
}

/// The exchange with a server.
struct StreamExchange: Sendable {
  let settings: ProviderSettings
  let url: String
  let headers: [(name: String, value: String)]

  /// Posts `body` and decodes what comes.
  func run(
    _ body: JSON, decoder: some StreamDecoder & Sendable, onEvent: @escaping @Sendable (ModelEvent) -> Void
  ) async throws(ModelError) {
    let pump = DecodingPump(decoder, onEvent)
    let request = ClientRequest(
      "POST", url, headers: [("Content-Type", "application/json"), ("Accept", "text/event-stream")] + headers,
      body: body.bytes, timeout: settings.timeout, stallTimeout: settings.stallTimeout)
    let response: ClientResponse
    do throws(ClientError) {
      response = try await HTTPClient.send(request) { pump.feed($0) }
    } catch {
      throw StreamExchange.error(error)
    }
    guard (200..<300).contains(response.status) else { throw StreamExchange.error(response) }
    try pump.finish()
    onEvent(.end)
  }

  private static func error(_ error: ClientError) -> ModelError {
    switch error {
    case .unreachable, .tls: .unreachable("\(error)")
    case .timedOut: .timedOut
    case .broken: .truncated
    case .tooLarge, .invalid: .badAnswer("\(error)")
    case .cancelled: .cancelled
    }
  }

  private static func error(_ response: ClientResponse) -> ModelError {
    let retryAfter = response.headers.last { $0.name == "retry-after" }.flatMap { RetryAfter.read($0.value) }
    switch response.status {
    case 429: return .rateLimited(retryAfter: retryAfter)
    case 500...599: return .server(status: response.status, retryAfter: retryAfter)
    case 401, 403: return .keyRefused(status: response.status)
    default: return .refused(status: response.status, kind: kind(response.body))
    }
  }

  /// The provider's word for the error: a short code only, since its text may repeat the message.
  private static func kind(_ body: [UInt8]) -> String {
    guard let error = (try? JSON.parse(body, limit: 65_536))?["error"] else { return "" }
    let word = error["code"]?.string ?? error["type"]?.string ?? ""
    return word.utf8.count <= 64 && word.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) } ? word : ""
  }
}

/// Hands the bytes of one answer to its decoder. Fed on the transfer's thread, finished by the task that waits for it.
private final class DecodingPump<Decoder: StreamDecoder & Sendable>: Sendable {
  private struct State {
    var decoder: Decoder
    var lines = ServerSentEvents()
    /// Bytes of an answer that is no stream: its first byte, but for a byte order mark, is a brace.
    var whole: [UInt8]?
    var isFirst = true
    var error: ModelError?

    /// Decodes the events that the parser finds; after an error no more.
    mutating func take(
      _ events: inout [ModelEvent], _ parse: (inout ServerSentEvents, (ServerSentEvents.Event) -> Void) -> Void
    ) {
      var found: [ServerSentEvents.Event] = []
      parse(&lines) { found.append($0) }
      for event in found where error == nil {
        do throws(ModelError) { try decoder.take(event) { events.append($0) } } catch { self.error = error }
      }
    }
  }
  private let state: Mutex<State>
  private let onEvent: @Sendable (ModelEvent) -> Void

  init(_ decoder: Decoder, _ onEvent: @escaping @Sendable (ModelEvent) -> Void) {
    state = Mutex(State(decoder: decoder))
    self.onEvent = onEvent
  }

  func feed(_ bytes: [UInt8]) {
    let events = state.withLock { state -> [ModelEvent] in
      var events: [ModelEvent] = []
      if state.isFirst, let first = bytes.first(where: { $0 > 0x20 && ![0xEF, 0xBB, 0xBF].contains($0) }) {
        state.isFirst = false
        if first == UInt8(ascii: "{") { state.whole = [] }
      }
      if state.whole != nil {
        state.whole?.append(contentsOf: bytes)
        return []
      }
      state.take(&events) { lines, body in lines.feed(bytes, body) }
      return events
    }
    for event in events { onEvent(event) }
  }

  func finish() throws(ModelError) {
    let (events, error) = state.withLock { state -> ([ModelEvent], ModelError?) in
      var events: [ModelEvent] = []
      if let whole = state.whole {
        let text = whole.drop { $0 != UInt8(ascii: "{") }
        guard let json = try? JSON.parse(Array(text)) else { return ([], .badAnswer("the answer is not JSON")) }
        do throws(ModelError) { try state.decoder.takeWhole(json) { events.append($0) } } catch { state.error = error }
      } else if state.lines.isOverflowing {
        state.error = state.error ?? .badAnswer("a line of the stream is too long")
      } else if state.error == nil, !state.decoder.isComplete {
        state.take(&events) { lines, body in lines.end(body) }
        // Half an event is a stream that was cut, whatever its half says.
        if case .badAnswer = state.error { state.error = .truncated }
      }
      if state.error == nil, !state.decoder.isComplete { state.error = .truncated }
      return (events, state.error)
    }
    for event in events { onEvent(event) }
    if let error { throw error }
  }
}
