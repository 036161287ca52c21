// A request as a handler sees it: checked, decoded once, immutable, and valid for as long as somebody holds it.
// Made by the connection when head (and, for most routes, body) are complete.
//
// SPDX-License-Identifier: Apache-2.0

/// A request that matched a route.
package struct HTTPRequest: Sendable {
  /// The head's block; a bridge to plugins takes its pointers from here.
  package let head: RequestHead
  /// The whole body; empty for routes that take it in pieces.
  package let body: [UInt8]
  /// What the pattern's parameters matched.
  package let parameters: [HTTPParameter]
  /// Where the connection comes from.
  package let peer: PeerAddress
  /// The listener's name, such as `public`.
  package let listener: String
  /// Nanoseconds of ``HostLinux/Clock/monotonic()`` at which the response must have ended; 0: never.
  package let deadline: UInt64

  /// The method, as sent.
  package var method: String { head.text(head.method) }
  /// The path, decoded once. Bytes that are not UTF-8 become U+FFFD.
  package var path: String { head.text(head.path) }
  /// What follows `?`, not decoded; empty when there is none.
  package var query: String { head.text(head.query) }
  /// The host and port the client asked for; empty when it named none.
  package var authority: String { head.text(head.authority) }
  /// The body's length if it is known: nil for a chunked body that is taken in pieces.
  package var contentLength: UInt64? {
    switch head.framing {
    case .none: 0
    case .length(let length): length
    case .chunked: body.isEmpty ? nil : UInt64(body.count)
    }
  }

  /// The value of the first field of this name.
  ///
  /// - Parameter name: in lower case.
  package func header(_ name: StaticString) -> String? { head.firstValue(name).map(head.text) }

  /// The value of a path parameter, as text.
  package func parameter(_ name: String) -> String? {
    parameters.first { $0.name.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// The value of a query parameter: `+` and escapes decoded (application/x-www-form-urlencoded); nil if it is not there,
  /// empty if it has no value, as in `?verbose`.
  package func queryValue(_ name: String) -> String? {
    HTTPRequest.formValue(name, in: head.buffer(head.query))
  }

  /// The value of a field of a form that a page sent (`application/x-www-form-urlencoded`); nil if it is not there.
  package func formValue(_ name: String) -> String? {
    guard header("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else {
      return nil
    }
    return HTTPRequest.formValue(name, in: body)
  }

  private static func formValue(_ name: String, in bytes: some Collection<UInt8>) -> String? {
    for pair in bytes.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: Byte.equals, maxSplits: 1, omittingEmptySubsequences: false)
      guard HTTPRequest.formDecoded(parts[0]) == name else { continue }
      return parts.count == 2 ? HTTPRequest.formDecoded(parts[1]) : ""
    }
    return nil
  }

  private static func formDecoded(_ raw: some Sequence<UInt8>) -> String {
    let spaced = raw.lazy.map { $0 == UInt8(ascii: "+") ? Byte.space : $0 }
    return String(decoding: PercentEncoding.decoded(spaced), as: UTF8.self)
  }
}
