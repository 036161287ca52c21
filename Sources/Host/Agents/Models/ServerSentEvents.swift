// Cuts a stream of server-sent events into their data, however the bytes arrive.
// Used by the OpenAI and Anthropic providers. Ignores `id`, `retry` and comments: model servers use none.
//
// SPDX-License-Identifier: Apache-2.0

/// An event-stream parser: WHATWG HTML, section 9.2.6.
struct ServerSentEvents {
  struct Event: Equatable {
    var name = ""
    var data = ""
  }

  /// Bytes of one line; more is no model's event.
  static let lineLimit = 4 << 20

  private var line: [UInt8] = []
  private var event = Event()
  private var hasData = false
  private var lastWasReturn = false
  private var isFirstLine = true
  /// A line was longer than the limit; the rest of the stream is not looked at.
  private(set) var isOverflowing = false

  /// Takes bytes and gives each event that they complete to `body`.
  mutating func feed(_ bytes: some Sequence<UInt8>, _ body: (Event) -> Void) {
    for byte in bytes where !isOverflowing {
      let isSecondOfPair = byte == 0x0A && lastWasReturn
      lastWasReturn = byte == 0x0D
      if isSecondOfPair { continue }
      if byte == 0x0A || byte == 0x0D {
        endLine(body)
      } else {
        line.append(byte)
        isOverflowing = line.count > ServerSentEvents.lineLimit
      }
    }
  }

  /// The stream is over: takes the last event also where its empty line got lost. Whether anything is missing, its data
  /// says.
  mutating func end(_ body: (Event) -> Void) {
    if !line.isEmpty { endLine(body) }
    endLine(body)
  }

  private mutating func endLine(_ body: (Event) -> Void) {
    defer { line.removeAll(keepingCapacity: true) }
    // The byte order mark that a stream may begin with.
    if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    isFirstLine = false
    if line.isEmpty {
      if hasData { body(event) }
      event = Event()
      hasData = false
      return
    }
    let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
    var value = line[min(colon + 1, line.endIndex)...]
    if value.first == 0x20 { value = value.dropFirst() }
    switch String(decoding: line[..<colon], as: UTF8.self) {
    case "data":
      if hasData { event.data += "\n" }
      event.data += String(decoding: value, as: UTF8.self)
      hasData = true
    case "event": event.name = String(decoding: value, as: UTF8.self)
    default: break
    }
  }
}
