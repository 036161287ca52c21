// What an HTML page of a plugin's needs to be safe: escaped texts, and headers that let nothing foreign in.
//
// SPDX-License-Identifier: Apache-2.0

extension Response {
  /// An HTML page that runs and loads nothing but files of its own site: no inline script, style, frame or foreign image,
  /// and nobody may frame or keep it. The host adds `nosniff`.
  public static func page(_ html: String, status: Int = 200) -> Response {
    var response = Response.html(html, status: status)
    response.headers += [
      (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
          + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
      ),
      // Not "no-referrer": a form would then be sent with `origin: null`, which the host refuses for the owner's routes.
      ("x-frame-options", "DENY"), ("referrer-policy", "same-origin"),
      ("cache-control", "no-store"),
    ]
    return response
  }
}

extension String {
  /// Safe as the text of an HTML element, and in an attribute in double or single quotes.
  public var htmlEscaped: String {
    var out = ""
    out.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
