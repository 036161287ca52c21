// GET and POST /link on the public listener: a one-time link becomes a session, and the browser goes on to its page.
// GET spends nothing, since mail scanners and chat previews fetch links; the button's POST does. Devices POST JSON.
// Wrong tokens are limited by visitor; the answer says "invalid" or "expired" and nothing more exact.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostLog
internal import HostPairing
internal import HostReasons
internal import HostResilience

/// The page of one-time links.
struct LinkPage: Sendable {
  static let path = "/link"
  /// Where a link without a page of its own leads.
  static let pagesPath = "/link/pages"
  /// nil while the key cannot be used.
  let sessions: OwnerSessions?
  let jobs: Jobs
  /// Name and path of the pages that plugins have for the owner.
  let pages: @Sendable () -> [(name: String, path: String)]
  /// Ours: a person errs a few times; ten a minute tell a guesser nothing about 256 bits.
  let wrongTokens = RateLimiter<PeerAddress>(RateLimit(perSecond: 1.0 / 6, burst: 10))
  private let log = Log("pairing")

  func routes() throws(RouteError) -> [Route] {
    var options = RouteOptions()
    options.maxBody = 8_192
    options.maxInFlight = 64
    var owner = RouteOptions()
    owner.access = .owner
    return [
      try Route(
        "GET", LinkPage.pagesPath, owner,
        handler: HTTPPage { [pages] request, exchange in
          let safe = pages().filter { LinkPage.isSafe($0.path) && LinkPage.isSafe("/\($0.name)") }
          let (fields, body) = OwnerPages.list(safe, language: request.header("accept-language"))
          exchange.respond(200, fields, body)
        }),
      try Route("GET", LinkPage.path, handler: HTTPPage { LinkPage.show($0, $1) }),
      try Route("POST", LinkPage.path, options, handler: HTTPPage { [self] in open($0, $1) }),
    ]
  }

  /// The link of a token, below the listener's address.
  static func reference(_ token: Secret, target: String) -> Secret {
    let target = target.replacing("%", with: "%25").replacing("+", with: "%2B")
    return Secret("\(path)?t=\(token.reveal())&to=\(target)")
  }

  private static func show(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let (fields, body) = OwnerPages.open(
      token: cleaned(request.queryValue("t") ?? ""), target: target(request.queryValue("to")),
      language: request.header("accept-language"))
    exchange.respond(200, fields, body)
  }

  private func open(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard AccessRules.isSameOrigin(request.head) else {
      return exchange.respond(problem: 403, .accessOrigin, Reason.accessOrigin.cause)
    }
    let isForm = request.formValue("t") != nil
    let token = request.formValue("t") ?? (try? JSON.parse(request.body))?["bootstrap_token"]?.string ?? ""
    let target = LinkPage.target(request.formValue("to"))
    guard let sessions else { return fail(.pairingKeyUnusable, 503, request, exchange) }
    jobs.add {
      do throws(PairingError) {
        let opened = try await sessions.exchange(token, authority: request.authority)
        log.info("session opened", ["session": opened.session.id])
        answer(opened, cookie: sessions.cookieName, target: isForm ? target : nil, request, exchange)
      } catch {
        switch error {
        case .tokenInvalid, .tokenExpired: refuse(error.reason, request, exchange)
        default:
          log.error("session not opened", ["reason": error.reason.code, "why": "\(error)"])
          fail(error.reason, 503, request, exchange)
        }
      }
    }
  }

  private func answer(
    _ opened: OwnerSessions.Opened, cookie: String, target: String?, _ request: HTTPRequest, _ exchange: HTTPExchange
  ) {
    let life = (opened.session.expires - min(Clock.wall(), opened.session.expires)) / 1_000_000_000
    var fields = AccessRules.noStore()
    // The page knows better than any proxy's header whether it came over TLS.
    let isSecure = request.header("origin")?.lowercased().hasPrefix("https://") == true
    fields.append(
      "set-cookie",
      "\(cookie)=\(opened.secret.reveal()); Path=/; Max-Age=\(life); HttpOnly; SameSite=Strict"
        + (isSecure ? "; Secure" : ""))
    if let target {
      fields.append("location", target)
      fields.append("referrer-policy", "no-referrer")
      exchange.respond(303, fields)
    } else {
      fields.append("content-type", "application/json; charset=utf-8")
      let body: JSON = [
        "session_token": .string(opened.secret.reveal()), "cookie": .string(cookie),
        "expires_at": .string(Clock.rfc3339(opened.session.expires)),
      ]
      exchange.respond(200, fields, body.bytes)
    }
  }

  /// A wrong token: 401, or 429 to a visitor who has sent too many. A right one is taken in any case: the limit is
  /// against noise and load, and one who guesses behind the owner's own proxy must not lock him out.
  private func refuse(_ reason: Reason, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard case .refused(let wait) = wrongTokens.take(request.peer.visitor) else {
      return fail(reason, 401, request, exchange)
    }
    fail(.pairingTooManyTokens, 429, retryAfter: wait, request, exchange)
  }

  private func fail(
    _ reason: Reason, _ status: Int, retryAfter: Duration? = nil, _ request: HTTPRequest, _ exchange: HTTPExchange
  ) {
    if OwnerPages.acceptsHTML(request.head) {
      var (fields, body) = OwnerPages.failure(reason, language: request.header("accept-language"))
      LinkPage.add(retryAfter, to: &fields)
      exchange.respond(status, fields, body)
    } else {
      var fields = HTTPFields()
      LinkPage.add(retryAfter, to: &fields)
      exchange.respond(problem: status, reason, reason.cause, fields)
    }
  }

  private static func add(_ wait: Duration?, to fields: inout HTTPFields) {
    if let wait { fields.append("retry-after", "\(wait.components.seconds + 1)") }
  }

  /// The characters that tokens have; what is not of them makes a token invalid anyway.
  private static func cleaned(_ token: String) -> String {
    String(token.unicodeScalars.prefix(BootstrapToken.maxText).filter { $0 == "." || isPlain($0) }.map(Character.init))
  }

  /// A path of this host, of characters that need no escape in HTML and cannot lead elsewhere; else the list of pages.
  static func target(_ text: String?) -> String {
    text.flatMap { isSafe($0) ? $0 : nil } ?? pagesPath
  }

  static func isSafe(_ path: String) -> Bool {
    path.hasPrefix("/") && !path.hasPrefix("//") && path.utf8.count <= 1_024
      && path.unicodeScalars.allSatisfy { isPlain($0) || "/.~%?=+:@,;".unicodeScalars.contains($0) }
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-"
      || scalar == "_"
  }
}
