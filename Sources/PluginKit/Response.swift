// An HTTP response with its whole body.
//
// SPDX-License-Identifier: Apache-2.0

/// What a route answers.
public struct Response: Sendable {
  /// 200...599.
  public var status: Int
  /// Without what is the host's business: content-length, transfer-encoding, connection, date.
  public var headers: [(String, String)]
  /// Any bytes.
  public var body: [UInt8]

  /// A response. Without a content-type it is `text/plain; charset=utf-8`.
  public init(status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// `application/json; charset=utf-8`.
  public static func json(_ value: JSON, status: Int = 200) -> Response {
    Response(status: status, headers: [("content-type", "application/json; charset=utf-8")], body: value.bytes)
  }
  /// `text/plain; charset=utf-8`.
  public static func text(_ text: String, status: Int = 200) -> Response {
    Response(status: status, headers: [("content-type", "text/plain; charset=utf-8")], body: Array(text.utf8))
  }
  /// `text/html; charset=utf-8`.
  public static func html(_ text: String, status: Int = 200) -> Response {
    Response(status: status, headers: [("content-type", "text/html; charset=utf-8")], body: Array(text.utf8))
  }

  /// The same with one more header.
  public func with(_ name: String, _ value: String) -> Response {
    var copy = self
    copy.headers.append((name, value))
    return copy
  }

  /// The answer for an error that a handler threw: an ``HTTPError``'s own, else a 500 that tells the client nothing.
  init(_ error: any Error) {
    let error = error as? HTTPError ?? HTTPError(500, "internal error")
    self = .json(["error": .string(error.text)], status: error.status)
  }
}
