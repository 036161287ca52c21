// The page of accounts: whole without scripts; accounts.js keeps it fresh where there are some.
// Made by AccountRoutes for one request. Shows accounts by fingerprint only, and every text from outside escaped.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

struct AccountPage {
  private let statuses: [AccountStatus]
  private let findings: [ConfigFinding]
  private let texts: PageTexts
  private let now: Int64
  /// What the last button was refused for, and on which account.
  private let refusal: (reason: GoogleReason, account: String?)?
  /// Whether a browser here can finish a browser consent: it is on the host's machine, or the host has a public address.
  private let canUseBrowser: Bool

  init(_ service: GoogleService, _ texts: PageTexts, _ request: Request, now: Int64) {
    statuses = service.accounts.all.map(\.status)
    findings = service.settings.findings
    self.texts = texts
    self.now = now
    // Only codes of ours come from the address into the page.
    refusal = request.query("refused").flatMap(GoogleReason.init).map { ($0, request.query("account")) }
    let name = (request.header("host") ?? "").lowercased()
    let hostName = name.hasPrefix("[") ? name.prefix { $0 != "]" } + "]" : name.prefix { $0 != ":" }
    canUseBrowser = service.settings.publicURL != nil || EndpointURL.isLoopback(String(hostName))
  }

  var html: Response {
    // Without scripts a page that waits for something looks for itself.
    let refresh =
      statuses.contains { $0.consent != nil } ? "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>" : ""
    return .page(
      """
      <!doctype html>
      <html lang="\(texts.language)">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      \(refresh)
      <title>\(texts.title)</title>
      <link rel="stylesheet" href="/google/accounts.css">
      <script src="/google/accounts.js" defer></script>
      </head>
      <body>
      <main>
      <h1>\(texts.title)</h1>
      <p class="quiet">\(texts.intro)</p>
      \(alert(for: nil))
      \(findings.isEmpty ? "" : faults)
      \(statuses.isEmpty ? "<p>\(texts.none)</p>" : statuses.map(section).joined(separator: "\n"))
      <footer><p>\(texts.stored)</p><p>\(texts.undo)</p></footer>
      </main>
      </body>
      </html>

      """)
  }

  private var faults: String {
    let items = findings.map { finding in
      "<li><code>\(finding.fault.detail.htmlEscaped)</code><br>\(reason(finding.fault.reason))</li>"
    }
    return "<section class=\"card\"><h2>\(texts.faults)</h2><ul>\(items.joined())</ul></section>"
  }

  private func alert(for account: String?) -> String {
    guard let refusal, refusal.account == account else { return "" }
    return "<p role=\"alert\" class=\"alert\">\(reason(refusal.reason))</p>"
  }

  /// Cause, remedy and code.
  private func reason(_ reason: GoogleReason) -> String {
    let words = texts.reason(reason)
    return "\(words.cause.htmlEscaped) \(words.remedy.htmlEscaped) <code>\(reason.rawValue)</code>"
  }

  // MARK: One account

  private func section(_ status: AccountStatus) -> String {
    let heading = "h-\(status.fingerprint)"
    return """
      <section class="card" id="a-\(status.fingerprint)" aria-labelledby="\(heading)">
      <h2 id="\(heading)">\(texts.account) <code>\(status.fingerprint)</code></h2>
      <p class="quiet">\(texts.agent): \(status.agent.htmlEscaped)</p>
      <p role="status" class="state \(status.state.rawValue)">\(texts.states[status.state] ?? "")</p>
      \(alert(for: status.fingerprint))
      \(status.fault.map { "<p>\(reason($0.reason))</p>" } ?? "")
      \(lastConsent(status))
      \(status.laxFiles.isEmpty ? "" : lax(status))
      \(status.consent.map(consent) ?? "")
      \(facts(status))
      \(actions(status))
      </section>
      """
  }

  private func lastConsent(_ status: AccountStatus) -> String {
    guard status.consent == nil, let last = status.lastConsent, refusal?.account != status.fingerprint else {
      return ""
    }
    return "<p class=\"alert\">\(texts.lastConsent): \(reason(last.reason))</p>"
  }

  private func lax(_ status: AccountStatus) -> String {
    "<p class=\"alert\">\(reason(.filesInsecure)) (\(status.laxFiles.joined(separator: ", ")))</p>"
  }

  private func consent(_ view: ConsentView) -> String {
    let (length, left) = (view.endsAt - view.startedAt, min(max(0, view.endsAt - now), view.endsAt - view.startedAt))
    let code = view.userCode.map {
      "<p>\(texts.typeCode)</p><p class=\"code\"><strong>\($0.htmlEscaped)</strong></p>"
    }
    return """
      <div class="consent">
      <p><a class="main" href="\(view.url.htmlEscaped)" target="_blank" rel="noopener noreferrer">\
      \(view.userCode == nil ? texts.openConsent : texts.openDevice)</a></p>
      \(code ?? "")
      <progress max="\(length)" value="\(left)" data-left="\(left)" aria-label="\(texts.timeLeft)">\(left / 1_000) s\
      </progress>
      </div>
      """
  }

  private func facts(_ status: AccountStatus) -> String {
    var rows: [String] = []
    if status.state == .linked || status.state == .troubled, let expiresAt = status.expiresAt {
      let minutes = max(0, expiresAt - now / 1_000) / 60
      rows.append("<dt>\(texts.token)</dt><dd>\(texts.minutes(minutes))</dd>")
    }
    if !status.scopes.isEmpty { rows.append("<dt>\(texts.scopes)</dt><dd>\(list(status.scopes))</dd>") }
    if !status.missingScopes.isEmpty {
      rows.append("<dt>\(texts.missingScopes)</dt><dd>\(list(status.missingScopes))</dd>")
    }
    return rows.isEmpty ? "" : "<dl>\(rows.joined())</dl>"
  }

  private func list(_ scopes: [String]) -> String {
    "<ul>" + scopes.map { "<li><code>\($0.htmlEscaped)</code></li>" }.joined() + "</ul>"
  }

  private func actions(_ status: AccountStatus) -> String {
    let base = "\(AccountRoutes.page)/\(status.fingerprint)"
    if status.consent != nil { return button(base + "/cancel", texts.cancel) }
    let isLinked = status.expiresAt != nil
    // What the owner has to do now stands out.
    let isWanted = !isLinked || status.state == .reauthRequired
    var out = ""
    if canUseBrowser {
      out += button(base + "/consent", isLinked ? texts.consentAgain : texts.consent, isMain: isWanted)
    } else {
      out += "<p class=\"quiet\">\(texts.notHere)</p>"
    }
    out += button(base + "/device", texts.byDevice, isMain: isWanted && !canUseBrowser)
    if isLinked {
      out +=
        "<details><summary>\(texts.revoke)</summary><p>\(texts.revokeExplained)</p>"
        + button(base + "/revoke", texts.revokeReally) + "</details>"
    }
    return "<div class=\"actions\">\(out)</div>"
  }

  private func button(_ action: String, _ words: String, isMain: Bool = false) -> String {
    "<form method=\"post\" action=\"\(action)\"><button\(isMain ? " class=\"main\"" : "")>\(words)</button></form>"
  }
}
