// The pairing page of one instance: whole without scripts; pair.js keeps it fresh where there are some.
// Called by PairRoutes. Every text from outside is escaped; the words of PairTexts are ours and may hold marks.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PluginKit
import WhatsAppProtocol

/// One request's page.
struct PairPage {
  let instance: WhatsAppInstance
  let status: InstanceStatus
  /// Every instance of this plugin, for the switch between them.
  let names: [String]
  let texts: PairTexts
  /// Milliseconds since 1970.
  let now: Int64
  /// Whether the form for the phone number stands in the place of the picture.
  let wantsPhone: Bool
  /// Why the last request for a link code was refused, if it was.
  let refusal: LinkCodeRefusal?

  private var base: String { "/whatsapp/\(instance.name.htmlEscaped)" }
  private var state: PageState { PageState(status) }

  func response() -> Response {
    let words = (showsForm ? texts.phoneTitle : texts.states[state] ?? "").htmlEscaped
    return .page(
      """
      <!doctype html>
      <html lang="\(texts.language)">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      \(refresh)
      <title>\(words) · WhatsApp</title>
      <link rel="stylesheet" href="/whatsapp/pair.css">
      <script src="/whatsapp/pair.js" defer></script>
      </head>
      <body>
      <main data-base="\(base)/pair">
      <header><h1>\(texts.title)</h1>\(switcher)</header>
      <p id="state" role="status" aria-live="polite" class="state" data-state="\(state.word)">\(words)</p>
      <div id="content">
      \(content)
      </div>
      <footer><h2>\(texts.storedTitle)</h2><p>\(texts.stored)</p><p>\(texts.risk)</p></footer>
      </main>
      </body>
      </html>

      """)
  }

  /// Without scripts the browser asks again by itself, but never while somebody is typing.
  private var refresh: String {
    if showsForm { return "" }
    let seconds =
      switch state {
      case .link(.starting), .link(.scanned), .link(.paired): 2
      case .link(.waitingQR), .link(.waitingCode), .link(.disconnected): 5
      default: 30
      }
    return "<noscript><meta http-equiv=\"refresh\" content=\"\(seconds)\"></noscript>"
  }

  /// Links to the other instances, when there are any.
  private var switcher: String {
    guard names.count > 1 else { return "<p class=\"quiet\">\(instance.name.htmlEscaped)</p>" }
    let links = names.map { name in
      let current = name == instance.name ? " aria-current=\"page\"" : ""
      return "<a href=\"/whatsapp/\(name.htmlEscaped)/pair\"\(current)>\(name.htmlEscaped)</a>"
    }
    return "<nav aria-label=\"\(texts.instances)\">\(links.joined(separator: " "))</nav>"
  }

  /// Whether a link code can be asked for in this state.
  private var canLink: Bool {
    switch state {
    case .expired, .link(.waitingQR), .link(.passkeyRequired), .link(.loggedOut), .link(.failed), .link(.banned):
      status.obstacle == nil
    case .link(.disconnected): status.obstacle == nil && status.link.jid == nil
    default: false
    }
  }
  private var showsForm: Bool { canLink && (wantsPhone || refusal != nil) }

  private var content: String {
    if showsForm { return phoneForm }
    switch state {
    case .link(.waitingQR): return qr + phoneLink
    case .link(.waitingCode): return code
    case .link(.starting), .link(.scanned): return "<div class=\"busy\"></div>"
    case .link(.paired): return "<div class=\"busy\"></div>" + linked
    case .link(.connected): return linked + unlink
    case .degraded: return "<p>\(texts.degraded)</p>" + linked + unlink
    case .expired: return "<p>\(texts.expired)</p>" + button("/pair/new", texts.newCode) + phoneLink
    case .link(.disconnected) where status.link.jid != nil:
      return reason + linked + button("/pair/new", texts.tryAgain) + unlink
    case .link(.replaced), .link(.outdated): return reason + button("/pair/new", texts.tryAgain) + unlink
    case .link(.disconnected), .link(.loggedOut), .link(.banned), .link(.failed), .link(.passkeyRequired):
      if status.obstacle == .unreadable { return reason + unlink }
      if status.obstacle != nil || status.link.jid != nil { return reason }
      return reason + button("/pair/new", texts.newCode) + phoneLink
    }
  }

  /// Why, what to do, and until when.
  private var reason: String {
    let (cause, remedy) = PairReasons.words(status, in: texts.language)
    var lines = ["<p>\(cause.htmlEscaped) \(remedy.htmlEscaped)</p>"]
    if let end = status.link.bannedUntil { lines.append("<p>\(filled(texts.until, Self.utc(end)))</p>") }
    if status.obstacle == nil, let next = status.link.nextAttempt, status.link.bannedUntil == nil {
      lines.append("<p>\(filled(texts.nextAttempt, "\(max(0, next - now + 999) / 1000)"))</p>")
    }
    lines.append("<p class=\"quiet\"><code>\(status.reason.htmlEscaped)</code></p>")
    if let detail = status.link.detail, status.obstacle == nil {
      lines.append("<p class=\"quiet\">\(texts.detail): \(detail.htmlEscaped)</p>")
    }
    return lines.joined(separator: "\n")
  }

  private var qr: String {
    guard let code = status.qr else { return "" }
    let label = filled(texts.qrLabel, "\(code.number)", "\(code.total)")
    return """
      <div class="scan">
      <div><img class="qr" src="\(base)/pair/qr.svg?c=\(code.capturedAt)" alt="\(label)" width="384" height="384">
      \(bar(filled(texts.codeOf, "\(code.number)", "\(code.total)"), code.expiresAt, of: code.expiresAt - code.capturedAt))
      </div>
      \(list(texts.steps))
      </div>
      """
  }

  private var code: String {
    guard let code = status.code else { return "" }
    let letters = code.code.map { $0 == "-" ? "," : "\($0)" }.joined(separator: " ")
    return """
      <h2>\(texts.typeCode)</h2>
      <p class="code" aria-label="\(texts.codeLabel): \(letters.htmlEscaped)" role="img">\(code.code.htmlEscaped)</p>
      \(bar("+" + code.phone.htmlEscaped, code.expiresAt, of: 160_000))
      \(list(texts.codeSteps))
      \(button("/pair/new", texts.backToQR, kind: "plain"))
      """
  }

  /// What is left of a code's time, and beside it what the code is.
  private func bar(_ words: String, _ end: Int64, of length: Int64) -> String {
    let left = min(max(0, end - now), length)
    let seconds = filled(texts.secondsLeft, "<span id=\"seconds\">\((left + 999) / 1000)</span>")
    return """
      <progress max="\(length)" value="\(left)" data-left="\(left)" aria-hidden="true"></progress>
      <p class="beside"><span>\(words)</span><span>\(seconds)</span></p>
      """
  }

  private func list(_ steps: [String]) -> String { "<ol>" + steps.map { "<li>\($0)</li>" }.joined() + "</ol>" }

  private var phoneLink: String { "<p><a id=\"by-phone\" href=\"\(base)/pair?with=phone\">\(texts.phoneLink)</a></p>" }

  private var phoneForm: String {
    let alert = refusal.map {
      "<p id=\"refused\" role=\"alert\" class=\"alert\">\(PairReasons.words($0, in: texts.language).htmlEscaped)</p>"
    }
    return """
      \(alert ?? "")
      <form method="post" action="\(base)/pair/code">
      <label for="phone">\(texts.phoneLabel)</label>
      <input id="phone" name="phone" type="tel" autocomplete="tel" inputmode="tel" required maxlength="32"\
       aria-describedby="hint\(alert == nil ? "" : " refused")"\(alert == nil ? "" : " aria-invalid=\"true\"")>
      <button>\(texts.phoneButton)</button>
      <p id="hint" class="quiet">\(texts.phoneHint)</p>
      </form>
      <p><a id="by-qr" href="\(base)/pair">\(texts.backToQR)</a></p>
      """
  }

  private var linked: String {
    guard let jid = status.link.jid else { return "" }
    return """
      <dl><dt>\(texts.linkedAs)</dt><dd>+\(jid.user.htmlEscaped)</dd>
      <dt>\(texts.device)</dt><dd>\(instance.settings.link.device.name.htmlEscaped)</dd></dl>
      """
  }

  /// Two steps, since it cannot be taken back.
  private var unlink: String {
    """
    <details><summary>\(texts.unlink)…</summary><p>\(texts.unlinkAsk)</p>
    \(button("/logout", texts.unlink, kind: "danger"))</details>
    """
  }

  private func button(_ path: String, _ words: String, kind: String = "main") -> String {
    "<form method=\"post\" action=\"\(base)\(path)\"><button class=\"\(kind)\">\(words)</button></form>"
  }

  private func filled(_ words: String, _ first: String, _ second: String = "") -> String {
    words.replacing("%1", with: first).replacing("%2", with: second)
  }

  /// `2026-11-25 21:45 UTC`.
  static func utc(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
  }
}
