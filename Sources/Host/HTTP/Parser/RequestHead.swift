// The head of one request: its bytes in one block, and where in it method, target, path and fields lie.
// Filled by RequestParser, then frozen and read by the router and by handlers from any thread.
// The layout lets a plugin bridge hand out pointers without copying.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A range of bytes in a ``RequestHead``'s block.
package struct HTTPSpan: Sendable, Equatable {
  package var offset: UInt32
  package var count: UInt32

  @inline(__always)
  init(_ offset: Int, _ count: Int) {
    self.offset = UInt32(truncatingIfNeeded: offset)
    self.count = UInt32(truncatingIfNeeded: count)
  }

  /// No bytes.
  package static let empty = HTTPSpan(0, 0)
}

/// One header line: its name in lower case and its value without surrounding white space.
package struct HTTPFieldSpan: Sendable {
  package var name: HTTPSpan
  package var value: HTTPSpan
}

/// Method, target and header fields of one request.
///
/// `@unchecked Sendable`: written by the parser of one connection only, before any other thread can reach it; a handler
/// sees it through ``HTTPRequest``, which offers reads only. The block lives as long as this object.
package final class RequestHead: @unchecked Sendable {
  /// The block: the head as received, field names lowered in place, then the decoded path where it differs.
  package private(set) var bytes: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  var count = 0

  /// The header lines in the order received.
  package private(set) var fields: UnsafeMutablePointer<HTTPFieldSpan>
  private var fieldCapacity: Int
  package private(set) var fieldCount = 0

  /// As received; case matters.
  package var method = HTTPSpan.empty
  /// The request-target as received.
  package var target = HTTPSpan.empty
  /// The path as received, `/...`, or `*`.
  package var rawPath = HTTPSpan.empty
  /// The path, percent-decoded once.
  package var path = HTTPSpan.empty
  /// What follows the first `?`, as received.
  package var query = HTTPSpan.empty
  /// The authority the request is for: the target's in absolute-form, else Host's value.
  package var authority = HTTPSpan.empty
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  package var minorVersion = 1
  /// How the body is framed.
  package var framing = BodyFraming.none
  /// Whether the connection may serve another request after this one, as far as the client is concerned.
  package var keepsAlive = true
  /// `Expect: 100-continue` on HTTP/1.1 with a body to come.
  package var expectsContinue = false

  /// How the length of a request's body is known. RFC 9112, 6.3.
  package enum BodyFraming: Equatable, Sendable {
    case none
    /// More than 0 bytes.
    case length(UInt64)
    case chunked
  }

  /// An empty head. Room for a usual one is allocated at once.
  package init() {
    capacity = 1_024
    bytes = .allocate(capacity: capacity)
    fieldCapacity = 24
    fields = .allocate(capacity: fieldCapacity)
  }

  deinit {
    bytes.deallocate()
    fields.deallocate()
  }

  /// Makes an unshared head ready for the next request.
  func reset() {
    count = 0
    fieldCount = 0
    query = .empty
    authority = .empty
    minorVersion = 1
    framing = .none
    keepsAlive = true
    expectsContinue = false
  }

  /// Appends bytes to the block. Pointers into the block are invalid afterwards.
  func append(_ source: UnsafeRawPointer, _ length: Int) {
    reserve(length)
    memcpy(bytes + count, source, length)
    count += length
  }

  /// Makes room for `length` more bytes.
  func reserve(_ length: Int) {
    guard count + length > capacity else { return }
    let grown = max(capacity * 2, count + length)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: grown)
    memcpy(moved, bytes, count)
    bytes.deallocate()
    bytes = moved
    capacity = grown
  }

  func appendField(name: HTTPSpan, value: HTTPSpan) {
    if fieldCount == fieldCapacity {
      let moved = UnsafeMutablePointer<HTTPFieldSpan>.allocate(capacity: fieldCapacity * 2)
      moved.update(from: fields, count: fieldCount)
      fields.deallocate()
      fields = moved
      fieldCapacity *= 2
    }
    fields[fieldCount] = HTTPFieldSpan(name: name, value: value)
    fieldCount += 1
  }

  /// The bytes of a span; valid while this object lives and is not being parsed into.
  @inline(__always)
  package func buffer(_ span: HTTPSpan) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes + Int(span.offset), count: Int(span.count))
  }

  /// A span as text; bytes that are not UTF-8 become U+FFFD.
  package func text(_ span: HTTPSpan) -> String { String(decoding: buffer(span), as: UTF8.self) }

  /// Whether a span's bytes are exactly these.
  package func equals(_ span: HTTPSpan, _ text: StaticString) -> Bool {
    Int(span.count) == text.utf8CodeUnitCount
      && memcmp(bytes + Int(span.offset), text.utf8Start, text.utf8CodeUnitCount) == 0
  }

  /// Whether a span's bytes are these, ASCII case aside. `text` is lower case.
  package func equalsIgnoringCase(_ span: HTTPSpan, _ text: StaticString) -> Bool {
    guard Int(span.count) == text.utf8CodeUnitCount else { return false }
    let start = bytes + Int(span.offset)
    for index in 0..<text.utf8CodeUnitCount where start[index].lowercased != text.utf8Start[index] { return false }
    return true
  }

  /// The value of the first field of this name, which is given in lower case.
  package func firstValue(_ name: StaticString) -> HTTPSpan? {
    for index in 0..<fieldCount where equals(fields[index].name, name) { return fields[index].value }
    return nil
  }
}
