// An HTTP request, copied out of the host's memory, so that it may outlive the call that brought it.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// One request to a route of the plugin's.
public struct Request: Sendable {
  /// "GET"; a HEAD arrives as "HEAD", and the host drops the body of its answer.
  public let method: String
  /// Percent-decoded once, without dot segments.
  public let path: String
  /// As it came, without the '?'.
  public let rawQuery: String
  /// Address without port: "127.0.0.1", "::1".
  public let peer: String
  /// Names in lower case, in the order received.
  public let headers: [(name: String, value: String)]
  /// The segments that the pattern names; what a final '*' matched is `parameters["*"]`.
  public let parameters: [String: String]
  /// The whole body, any bytes.
  public let body: [UInt8]
  /// CLOCK_MONOTONIC in ns; `UInt64.max` when there is none.
  public let deadline: UInt64

  init(_ raw: UnsafePointer<nexo_http_request_1>) {
    method = String(raw.pointee.method)
    path = String(raw.pointee.path)
    rawQuery = String(raw.pointee.query)
    peer = String(raw.pointee.peer)
    headers = copied(raw.pointee.headers, raw.pointee.header_count).map { (name: $0.0, value: $0.1) }
    parameters = Dictionary(copied(raw.pointee.params, raw.pointee.param_count)) { first, _ in first }
    body = [UInt8](raw.pointee.body)
    deadline = raw.pointee.deadline_ns
  }

  /// The first header of this name, whatever its case.
  public func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name == name }?.value
  }

  /// The first value of a query parameter, with `+` and `%XX` decoded; "" for one without '='.
  public func query(_ name: String) -> String? { Self.first(name, in: rawQuery) }

  /// The first value of a field of an HTML form (`application/x-www-form-urlencoded`), decoded likewise.
  public func form(_ name: String) -> String? { Self.first(name, in: String(decoding: body, as: UTF8.self)) }

  private static func first(_ name: String, in pairs: String) -> String? {
    for pair in pairs.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let key = parts.first, decoded(key) == name else { continue }
      return parts.count > 1 ? decoded(parts[1]) : ""
    }
    return nil
  }

  /// The body as JSON.
  ///
  /// - Throws: ``HTTPError`` 400, which a handler lets through to the client.
  public func json() throws -> JSON {
    do { return try JSON.parse(body) } catch let error as PluginError { throw HTTPError(400, error.text) }
  }

  private static func decoded(_ text: Substring) -> String {
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): out.append(0x20)
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        if digits.count == 2 {
          out.append(UInt8(digits[0] << 4 | digits[1]))
          rest = rest.dropFirst(2)
        } else {
          out.append(byte)
        }
      default: out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
