// The pairing page of one instance: whole without scripts; pair.js keeps it fresh where there are some.
// Called by PairRoutes. Every text from outside passes escaped(_:).
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import WhatsAppProtocol

enum PairPage {
  /// - Parameter refusal: why the last request for a link code was refused, if it was.
  static func html(_ instance: WhatsAppInstance, _ texts: PairTexts, now: Int64, refusal: String?) -> Response {
    let status = instance.status
    return .html(
      """
      <!doctype html>
      <html lang="\(texts.language)">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <noscript><meta http-equiv="refresh" content="5"></noscript>
      <title>\(texts.title)</title>
      <link rel="stylesheet" href="/whatsapp/pair.css">
      <script src="/whatsapp/pair.js" defer></script>
      </head>
      <body>
      <main data-base="/whatsapp/\(escaped(instance.name))/pair" data-state="\(status.state.rawValue)">
      <h1>\(texts.title)</h1>
      <p class="quiet">\(texts.number): \(escaped(instance.name))</p>
      <p role="status" class="state \(status.state.rawValue)">\(escaped(texts.states[status.state] ?? ""))</p>
      \(reason(status, texts))
      \(content(instance, status, texts, now: now, refusal: refusal))
      <footer><p>\(texts.stored)</p><p>\(texts.risk)</p></footer>
      </main>
      </body>
      </html>

      """)
  }

  /// What stands between the state and the small print.
  private static func content(
    _ instance: WhatsAppInstance, _ status: InstanceStatus, _ texts: PairTexts, now: Int64, refusal: String?
  ) -> String {
    let base = "/whatsapp/\(escaped(instance.name))"
    switch status.state {
    case .waitingQR:
      return qr(status, texts, base, now: now) + phone(texts, base, refusal)
    case .waitingCode:
      guard let code = status.code else { return "" }
      return "<p>\(texts.typeCode)</p><p class=\"code\"><strong>\(escaped(code.code))</strong></p>"
        + bar(code.expiresAt, of: 160_000, now: now, texts)
    case .connected, .paired:
      return linked(instance, status, texts) + button(base + "/logout", texts.unlink)
    case .scanned, .starting: return ""
    case .disconnected where status.link.jid != nil:
      return linked(instance, status, texts) + button(base + "/pair/new", texts.tryAgain)
        + button(base + "/logout", texts.unlink)
    case .replaced, .outdated:
      return button(base + "/pair/new", texts.tryAgain) + button(base + "/logout", texts.unlink)
    case .disconnected, .loggedOut, .banned, .failed, .passkeyRequired:
      return button(base + "/pair/new", texts.newCode) + phone(texts, base, refusal)
        + (status.obstacle == .unreadable ? button(base + "/logout", texts.unlink) : "")
    }
  }

  private static func reason(_ status: InstanceStatus, _ texts: PairTexts) -> String {
    guard status.state != .connected, let cause = status.cause, let remedy = status.remedy else { return "" }
    let detail = status.link.detail.map { "<p class=\"quiet\">\(texts.detail): \(escaped($0))</p>" } ?? ""
    return "<p>\(escaped(cause)) \(escaped(remedy))</p><p class=\"quiet\"><code>\(escaped(status.reason))</code></p>"
      + detail
  }

  private static func qr(_ status: InstanceStatus, _ texts: PairTexts, _ base: String, now: Int64) -> String {
    guard let code = status.qr else { return "" }
    let words = texts.codeOf.replacing("%1", with: "\(code.number)").replacing("%2", with: "\(code.total)")
    return """
      <img class="qr" src="\(base)/pair/qr.svg?c=\(code.capturedAt)" alt="QR" width="320" height="320">
      <p>\(words)</p>
      \(bar(code.expiresAt, of: code.expiresAt - code.capturedAt, now: now, texts))
      <h2>\(texts.steps)</h2>
      <ol><li>\(texts.step1)</li><li>\(texts.step2)</li><li>\(texts.step3)</li></ol>
      """
  }

  private static func bar(_ end: Int64, of length: Int64, now: Int64, _ texts: PairTexts) -> String {
    let left = min(max(0, end - now), length)
    return "<progress max=\"\(length)\" value=\"\(left)\" data-left=\"\(left)\" aria-label=\"\(texts.secondsLeft)\">"
      + "\(left / 1000) s</progress>"
  }

  private static func phone(_ texts: PairTexts, _ base: String, _ refusal: String?) -> String {
    let refused = refusal.map { "<p role=\"alert\" class=\"alert\">\(escaped($0))</p>" } ?? ""
    return """
      <details\(refusal == nil ? "" : " open")><summary>\(texts.phoneTitle)</summary>\(refused)
      <form method="post" action="\(base)/pair/code">
      <label for="phone">\(texts.phoneLabel)</label>
      <input id="phone" name="phone" type="tel" autocomplete="tel" required maxlength="32" placeholder="+57 300 111 2222">
      <button>\(texts.phoneButton)</button>
      </form></details>
      """
  }

  private static func linked(_ instance: WhatsAppInstance, _ status: InstanceStatus, _ texts: PairTexts) -> String {
    let number = status.link.jid.map { "+" + $0.user } ?? ""
    return """
      <dl><dt>\(texts.linkedAs)</dt><dd>\(escaped(number))</dd>
      <dt>\(texts.device)</dt><dd>\(escaped(instance.settings.link.device.name))</dd></dl>
      """
  }

  private static func button(_ action: String, _ words: String) -> String {
    "<form method=\"post\" action=\"\(action)\"><button>\(words)</button></form>"
  }

  /// Text for an element or an attribute in quotes.
  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }
}
