// The shapes in which the host's own pages answer: JSON and HTML. Problems are the engine's (ProblemDetails).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON

extension HTTPExchange {
  /// Answers JSON, never cached.
  func respond(_ status: Int, json: JSON, pretty: Bool = false) {
    var fields = HTTPFields(contentType: "application/json; charset=utf-8")
    fields.append("cache-control", "no-store")
    respond(status, fields, Array((json.text(pretty: pretty) + "\n").utf8))
  }

  /// Answers a page that runs no script and may not be framed.
  func respond(html: String) {
    var fields = HTTPFields(contentType: "text/html; charset=utf-8")
    fields.append("cache-control", "no-store")
    fields.append("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    respond(200, fields, Array(html.utf8))
  }

  /// Answers a page that runs and loads nothing but files of its own site, and may be neither framed nor kept.
  func respond(_ status: Int, page: HTML) {
    var fields = HTTPFields(contentType: "text/html; charset=utf-8")
    fields.append("cache-control", "no-store")
    fields.append(
      "content-security-policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    // Not "no-referrer": a form would then be sent with `origin: null`, which AccessRules refuses.
    fields.append("referrer-policy", "same-origin")
    respond(status, fields, Array(page.text.utf8))
  }
}

extension HTTPRequest {
  /// Whether the query has a name, with or without a value.
  func queryHas(_ name: String) -> Bool {
    query.split(separator: "&").contains { $0 == name || $0.hasPrefix(name + "=") }
  }
}
