// Header fields of a response, kept as they go on the wire and checked when they are added.
// Built by handlers (once, for fixed ones) and by the plugin bridge; written out by the connection.
//
// SPDX-License-Identifier: Apache-2.0

/// What a handler did that cannot be put on the wire. Nothing has happened; the exchange goes on.
package enum HTTPMisuse: Error, Equatable, Sendable {
  /// Not 200 to 599.
  case status(Int)
  /// Not a token.
  case fieldName
  /// Holds CR, LF, NUL or another control character.
  case fieldValue
  /// A field that the host sets itself, such as Content-Length or Connection.
  case framingField(String)
  /// A response was already given, or begun.
  case alreadyAnswered
  /// `write` or `end` without `begin`.
  case notBegun
  /// A body with 204, 205 or 304.
  case bodyNotAllowed
  /// More than ``HTTPLimits/hardWater`` waits for the client: `.full` was ignored. The bytes were not taken.
  case ignoredFull
}

/// Response header fields in order. The first misuse is kept and answered by `respond` or `begin`.
package struct HTTPFields: Sendable {
  /// `name: value CRLF`, for each.
  private(set) var wire: [UInt8] = []
  /// A value of Content-Type that goes before ``wire``; empty for none.
  private(set) var fixedType: StaticString = ""
  /// The first misuse, if any.
  package private(set) var misuse: HTTPMisuse?
  private(set) var hasDate = false
  private(set) var isEventStream = false

  /// No fields.
  package init() {}

  /// One `Content-Type` field.
  package init(contentType: String) {
    append("content-type", contentType)
  }

  /// One `Content-Type` field whose value is a literal, for what is made anew at every response: allocates and shares nothing.
  ///
  /// - Parameter fixedType: visible ASCII, and not an event stream's type.
  package init(fixedType: StaticString) { self.fixedType = fixedType }

  /// Adds a field. Names are sent as given.
  package mutating func append(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { nameBytes in
      value.withUTF8 { append(name: nameBytes, value: $0) }
    }
  }

  /// Adds a field given as bytes; borrowed for the call.
  package mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    if let found = inspect(name, value) {
      misuse = misuse ?? found
      return
    }
    wire.reserveCapacity(wire.count + name.count + value.count + 4)
    wire.append(contentsOf: name)
    wire.append(Byte.colon)
    wire.append(Byte.space)
    wire.append(contentsOf: value)
    wire.append(Byte.cr)
    wire.append(Byte.lf)
  }

  private mutating func inspect(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) -> HTTPMisuse? {
    guard !name.isEmpty, name.count <= 256, ByteSet.token.containsAll(name) else { return .fieldName }
    guard value.count <= 16_384, value.allSatisfy(\.isFieldValueByte) else { return .fieldValue }
    switch name.count {
    case 4 where HTTPFields.isSame(name, "date"): hasDate = true
    case 12 where HTTPFields.isSame(name, "content-type"):
      isEventStream =
        value.count >= 17 && HTTPFields.isSame(UnsafeBufferPointer(rebasing: value[..<17]), "text/event-stream")
    default:
      for field in HTTPFields.framing where field.utf8.count == name.count && HTTPFields.isSame(name, field) {
        return .framingField(field)
      }
    }
    return nil
  }

  private static func isSame(_ bytes: UnsafeBufferPointer<UInt8>, _ lower: String) -> Bool {
    bytes.elementsEqual(lower.utf8) { $0.lowercased == $1 }
  }

  /// What frames the message or governs the connection, which are the host's (RFC 9110, 7.6.1; RFC 9112, 6).
  private static let framing = [
    "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "trailer", "te", "upgrade",
  ]
}
