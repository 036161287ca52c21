// Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.5 (interpreting).
//
// SPDX-License-Identifier: Apache-2.0

/// A stream of events to one browser. The host adds comments that keep a quiet connection alive.
public final class EventStream: Sendable {
  private let exchange: Exchange
  init(_ exchange: Exchange) { self.exchange = exchange }

  /// The headers of every event stream. No cache may keep it, and no proxy may hold it back.
  private static let headers = [
    ("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store"), ("x-accel-buffering", "no"),
  ]

  /// Sends one event, and waits while the client is behind.
  ///
  /// - Parameter data: any number of lines.
  /// - Parameter event: the event's type, one line; nil is "message".
  /// - Parameter id: what the browser sends as `last-event-id` when it comes back; one line.
  /// - Throws: ``PluginError`` `gone` when the client has left, `CancellationError` when the plugin stops: let it through.
  public func send(_ data: String, event: String? = nil, id: String? = nil) async throws {
    if !exchange.hasBegun { try exchange.begin(headers: Self.headers) }
    try Task.checkCancellation()
    guard try exchange.write(Self.encode(data, event: event, id: id)) else { return try await exchange.writable() }
  }

  /// Sends one event whose data is JSON.
  public func send(_ json: JSON, event: String? = nil, id: String? = nil) async throws {
    try await send(json.description, event: event, id: id)
  }

  /// The handler has returned: ends the stream, also one without any event.
  func finish() throws {
    if !exchange.hasBegun { try exchange.begin(headers: Self.headers) }
    try exchange.end()
  }

  static func encode(_ data: String, event: String?, id: String?) -> [UInt8] {
    func oneLine(_ text: String) -> String { String(text.map { $0.isNewline || $0 == "\0" ? " " : $0 }) }
    var text = ""
    if let event { text += "event: \(oneLine(event))\n" }
    if let id { text += "id: \(oneLine(id))\n" }
    for line in data.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" })
    {
      text += "data: \(line)\n"
    }
    return Array((text + "\n").utf8)
  }
}
