// The body of every error that the host itself answers: RFC 9457 problem details, or plain text for browsers.
// Called by Connection and, through the exchange, by the host's pages; codes and words come from the reason catalogue.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
package import HostReasons

/// Error bodies.
enum ProblemDetails {
  /// The fields and body for a refusal, `Retry-After` included.
  static func body(of refusal: HTTPRefusal, for head: RequestHead?, _ extra: HTTPFields) -> (HTTPFields, [UInt8]) {
    var fields = extra
    if let seconds = refusal.retryAfter { fields.append("retry-after", "\(seconds)") }
    let detail = Reason.named(refusal.rawValue)?.cause ?? ""
    return body(status: refusal.status, code: refusal.rawValue, detail: detail, for: head, fields)
  }

  /// The fields and body for any error. JSON unless the client asks for text or HTML and not for JSON.
  static func body(
    status: Int, code: String, detail: String, for head: RequestHead?, _ extra: HTTPFields
  ) -> (HTTPFields, [UInt8]) {
    var fields = extra
    let title = "\(HTTPStatus.phrase(status))"
    fields.append("cache-control", "no-store")
    if prefersText(head) {
      fields.append("content-type", "text/plain; charset=utf-8")
      return (fields, Array("\(status) \(title)\n\(detail)\n\(code)\n".utf8))
    }
    fields.append("content-type", "application/problem+json")
    let json: JSON = [
      "type": "about:blank", "title": .string(title), "status": JSON(status), "detail": .string(detail),
      "code": .string(code),
    ]
    return (fields, json.bytes + [Byte.lf])
  }

  /// Whether the method is one of RFC 9110, 9.1 or RFC 5789: known, so that 405 or 404 is right and 501 is not.
  static func isKnownMethod(_ head: RequestHead) -> Bool {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"].contains { (method: StaticString) in
      head.equals(head.method, method)
    }
  }

  private static func prefersText(_ head: RequestHead?) -> Bool {
    guard let head, let span = head.firstValue("accept") else { return false }
    let accept = head.text(span).lowercased()
    return accept.contains("text/") && !accept.contains("json")
  }
}

extension HTTPExchange {
  /// Answers a problem of the host's own pages, as JSON.
  ///
  /// - Parameter extra: fields besides Content-Type and Cache-Control.
  package func respond(problem status: Int, _ reason: Reason, _ detail: String, _ extra: HTTPFields = HTTPFields()) {
    let (fields, body) = ProblemDetails.body(status: status, code: reason.code, detail: detail, for: nil, extra)
    respond(status, fields, body)
  }
}
