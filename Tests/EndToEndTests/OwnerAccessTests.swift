// Owner pages of a plugin, in the real host: from this machine, from one that is declared not local, by one-time link and
// session, with forged headers, until the session ends. spec/pairing.md, "Bootstrap tokens"; whatsapp.md, "Who may see a QR".
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Owner access", .timeLimit(.minutes(3)))
struct OwnerAccessTests {
  /// A host with one channel; loopback is not the owner's unless the test says so.
  static func host(_ environment: [String: String] = ["NEXO_HTTP_OWNER_LOOPBACK": "false"]) async throws -> RunningHost
  {
    let site = try Site("owner")
    try site.dropGate("alpha")
    return try await RunningHost(site, environment: environment)
  }

  @Test func `without a session an owner page is refused to everybody, and the refusal reveals nothing`() async throws {
    let host = try await Self.host()
    let page = try HTTPClient.get(host.http, "/alpha/page", headers: ["Accept: text/html,*/*;q=0.8"])
    #expect(page.status == 401 && page["content-type"] == "text/html; charset=utf-8")
    #expect(page["cache-control"] == "no-store" && page["x-frame-options"] == "DENY")
    #expect(page["content-security-policy"]?.contains("default-src 'none'") == true)
    #expect(page["www-authenticate"] != nil)
    #expect(page.text.contains("agent link"))
    for word in ["alpha", "page\n", "gate"] { #expect(!page.text.contains(word), "\(word)") }
    let spanish = try HTTPClient.get(
      host.http, "/alpha/page", headers: ["Accept: text/html", "Accept-Language: es-CO,es;q=0.9,en;q=0.5"])
    #expect(spanish.status == 401 && spanish.text.contains("dueño"))
    let problem = try HTTPClient.get(host.http, "/alpha/page")
    #expect(problem.status == 401 && Self.code(problem) == "access.owner_only")

    let forged = [
      ["X-Forwarded-For: 127.0.0.1"], ["Forwarded: for=127.0.0.1"], ["X-Real-IP: 127.0.0.1"],
      ["Origin: http://localhost"],
      ["Cookie: nexo_session=x"], ["Cookie: \(Self.cookieName(host))=\(String(repeating: "A", count: 43))"],
      ["Authorization: Bearer x"], ["X-Original-URL: /health"],
    ]
    for headers in forged {
      for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
        let answer = try HTTPClient(host.http).request(method, "/alpha/page", headers: headers)
        #expect(answer.status == 401, "\(method) \(headers)")
      }
    }
    for name in ["127.0.0.1", "localhost:8080", "[::1]", "evil.example", "127.0.0.1.evil.example"] {
      #expect(try Self.get(host.http, "/alpha/page", host: name).status == 401, "\(name)")
    }
    // The path decides, however it is written.
    for path in ["/alpha/%70age", "/alpha/page?x=1", "//alpha/page", "/alpha/./page", "/alpha/x/../page"] {
      let answer = try HTTPClient.get(host.http, path)
      #expect(![200].contains(answer.status), "\(path)")
    }
    #expect(try host.get("/health").status == 200)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a one-time link lets one browser in, once, and only a press of its button spends it`() async throws {
    let host = try await Self.host()
    let (target, token) = try await Self.link(host)
    #expect(target == "/alpha/page")
    // What previews the link changes nothing, as often as it comes.
    for method in ["GET", "HEAD", "GET"] {
      let page = try HTTPClient(host.http).request(method, "/link?t=\(token)&to=/alpha/page")
      #expect(page.status == 200 && page["set-cookie"] == nil && page["cache-control"] == "no-store")
    }
    let page = try host.get("/link?t=\(token)&to=/alpha/page")
    #expect(page.text.contains("method=\"post\"") && page.text.contains(token))
    #expect(page["referrer-policy"] == "strict-origin")

    // A foreign page's form is refused and spends nothing.
    let foreign = try Self.open(host.http, token, headers: ["Origin: http://evil.example"])
    #expect(foreign.status == 403 && foreign["set-cookie"] == nil)
    let answer = try Self.open(host.http, token, headers: ["Origin: http://\(host.http)"])
    #expect(answer.status == 303 && answer["location"] == "/alpha/page")
    let cookie = try #require(answer["set-cookie"])
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=86"] { #expect(cookie.contains(part)) }
    #expect(!cookie.contains("Secure"))
    let again = try Self.open(host.http, token)
    #expect(again.status == 401 && Self.code(again) == "pairing.token_invalid")

    let mine = ["Cookie: a=b; \(cookie.prefix { $0 != ";" }); c=d"]
    #expect(try HTTPClient.get(host.http, "/alpha/page", headers: mine).text == "the owner's page\n")
    #expect(try HTTPClient.get(host.http, "/link/pages", headers: mine).text.contains("href=\"/alpha/page\""))
    // State changes: from its own pages and from programs, from nowhere else.
    let own = ["Origin: http://\(host.http)", "Sec-Fetch-Site: same-origin"]
    #expect(try HTTPClient(host.http).request("POST", "/alpha/page", headers: mine + own, body: []).text == "changed\n")
    for bad in [
      "Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1", "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Site: same-site",
    ] {
      let refused = try HTTPClient(host.http).request("POST", "/alpha/page", headers: mine + [bad], body: [])
      #expect(refused.status == 403, "\(bad)")
    }
    // The cookie is good under the name it was given for (DNS rebinding brings another), and not for a part of it.
    #expect(try Self.get(host.http, "/alpha/page", host: "evil.example", headers: mine).status == 401)
    #expect(try HTTPClient.get(host.http, "/alpha/page", headers: [String(mine[0].dropLast(12))]).status == 401)
    #expect(!host.process.child.errors.contains(token))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a session ends when it is revoked, at its time, and survives a restart until then`() async throws {
    let host = try await Self.host()
    let (cookie, other) = (try await Self.session(host), try await Self.session(host))
    func status(_ cookie: String) throws -> Int {
      try HTTPClient.get(host.http, "/alpha/page", headers: ["Cookie: \(cookie)"]).status
    }
    #expect(try [status(cookie), status(other)] == [200, 200])
    let listed = try JSON.parse(try await host.agent("pair", "sessions", "--json").output)["sessions"]?.array ?? []
    #expect(listed.count == 2 && listed.allSatisfy { $0["device_label"]?.string == "tablet" })
    // The console and the list hold nothing that opens anything.
    #expect(!"\(listed)".contains(cookie.split(separator: "=")[1]))
    let ended = try await host.agent("pair", "sessions", "--revoke", listed[0]["id"]?.string ?? "")
    #expect(ended.end == .exited(0))
    #expect(try [status(cookie), status(other)].sorted() == [200, 401])
    let unknown = try await host.agent("pair", "sessions", "--revoke", "0000")
    #expect(unknown.end == .exited(4) && unknown.errors.contains("no session"))

    // Another process, on the store: the host follows within seconds.
    let offline = try await ChildProcess.run([
      HostProcess.agent, "pair", "sessions", "--revoke", "all", "--endpoint", "http://127.0.0.1:1", "--state-dir",
      host.process.site.state,
    ])
    #expect(offline.end == .exited(0) && offline.output.contains("sessions ended: 1"))
    #expect(await host.eventually { try [status(cookie), status(other)] == [401, 401] })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an event stream that is open shows nothing more once its session is revoked`() async throws {
    let host = try await Self.host()
    let cookie = try await Self.session(host)
    let stream = try HTTPClient(host.http)
    try stream.send("GET /alpha/events HTTP/1.1\r\nHost: \(host.http)\r\nCookie: \(cookie)\r\n\r\n")
    #expect(try stream.head().status == 200)
    func next() throws -> String? { try stream.chunk().map { String(decoding: $0, as: UTF8.self) } }
    #expect(try next() == "data: one\n\n")
    try host.say("alpha", "a")
    #expect(try next() == "data: message\n\n")
    #expect(try await host.agent("pair", "sessions", "--revoke", "all").end == .exited(0))
    try host.say("alpha", "b")
    #expect(throws: HTTPClientError.self) { _ = try next() }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a session ends at its time`() async throws {
    let host = try await Self.host(["NEXO_HTTP_OWNER_LOOPBACK": "false", "NEXO_HTTP_SESSION_SECS": "3"])
    let cookie = try await Self.session(host)
    func status() throws -> Int { try HTTPClient.get(host.http, "/alpha/page", headers: ["Cookie: \(cookie)"]).status }
    // It may have ended already where a machine is very slow; that it ends is what counts.
    #expect(await host.eventually(seconds: 30) { try status() == 401 })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `wrong tokens are limited for the visitor, and a right one still opens`() async throws {
    let host = try await Self.host()
    let statuses = try (0..<14).map { _ in try Self.open(host.http, "x.y").status }
    #expect(Set(statuses) == [401, 429] && statuses.first == 401)
    let limited = try Self.open(host.http, "x.y", headers: ["Accept: application/json"])
    #expect(limited.status == 429 && limited["retry-after"] != nil)
    #expect(Self.code(limited) == "pairing.too_many_tokens")
    let right = try await Self.link(host).token
    #expect(try Self.open(host.http, right).status == 303)
    // A device without a browser.
    let device = try await Self.link(host).token
    let body: JSON = ["bootstrap_token": .string(device)]
    let answer = try HTTPClient(host.http).request(
      "POST", "/link", headers: ["Content-Type: application/json"], body: body.bytes)
    let given = try JSON.parse(answer.body)
    #expect(answer.status == 200 && given["session_token"]?.string?.utf8.count == 43)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an expired link says that it is expired, and no link leads to another site`() async throws {
    let host = try await Self.host()
    let started = try await host.agent("pair", "start", "--ttl-secs", "1", "--json")
    let token = (try JSON.parse(started.output))["bootstrap_token"]?.string ?? ""
    let clock = Clock.wall()
    var last = try Self.open(host.http, token, headers: ["Origin: http://evil.example"])
    #expect(last.status == 403)
    // Not opened before it has expired: the clock has passed its second.
    _ = await host.eventually { Clock.wall() > clock + 1_100_000_000 }
    last = try Self.open(host.http, token)
    #expect(Self.code(last) == "pairing.token_expired")
    for target in [
      "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", "/a\"onload=x", "/a<b>",
    ] {
      let escaped = AdminText.escaped(target)
      let shown = try host.get("/link?t=x&to=\(escaped)")
      #expect(
        !shown.text.contains("evil") && !shown.text.contains("onload") && !shown.text.contains("a<b>"), "\(target)")
      let token = try await Self.link(host).token
      let opened = try HTTPClient(host.http).request(
        "POST", "/link", headers: ["Content-Type: application/x-www-form-urlencoded"],
        body: Array("t=\(token)&to=\(escaped)".utf8))
      #expect(opened.status == 303 && opened["location"] == "/link/pages", "\(target)")
    }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `on this machine owner pages are open under its own names, and to no forwarded or rebound request`()
    async throws
  {
    let host = try await Self.host([:])
    #expect(try host.get("/alpha/page").status == 200)
    #expect(try Self.get(host.http, "/alpha/page", host: "localhost:1").status == 200)
    #expect(try Self.get(host.http, "/alpha/page", host: "evil.example").status == 403)
    for header in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Via: 1.1 x"] {
      #expect(try HTTPClient.get(host.http, "/alpha/page", headers: [header]).status == 401, "\(header)")
    }
    let foreign = try HTTPClient(host.http).request(
      "POST", "/alpha/page", headers: ["Origin: http://evil.example"], body: [])
    #expect(foreign.status == 403)
    // Behind a proxy that ends TLS the cookie is for TLS only.
    let token = try await Self.link(host).token
    let tls = try Self.open(
      host.http, token, headers: ["Origin: https://\(host.http)", "X-Forwarded-For: 192.0.2.1"])
    #expect(tls.status == 303 && tls["set-cookie"]?.hasSuffix("; Secure") == true)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a key that others may read gives no sessions, and readiness says why`() async throws {
    let site = try Site("owner")
    try site.dropGate("alpha")
    try AtomicFile.makeFolder(site.folder.file("state/secret"))
    try AtomicFile.write(
      [UInt8](repeating: 1, count: 32), to: site.folder.file("state/secret/pairing.key"), mode: 0o644)
    let host = try await RunningHost(site)
    let ready = try JSON.parse(try host.get("/ready?verbose").body)["components"]?.array ?? []
    let sessions = ready.first { $0["name"]?.string == "pairing.sessions" }
    #expect(sessions?["state"]?.string == "off" && sessions?["reason"]?.string == "pairing.key_permissions")
    #expect(try host.get("/alpha/page").status == 200)
    #expect(try await host.agent("link", "alpha").end == .exited(1))
    #expect(try Self.open(host.http, "x.y").status == 503)
    #expect(await host.process.stop() == .exited(0))
  }

  // MARK: What the tests share

  /// The name of a session's cookie is the host's own; any will do where none is valid.
  static func cookieName(_ host: RunningHost) -> String { "nexo_session_00000000" }

  /// Path and token of a new link to the channel's page.
  static func link(_ host: RunningHost) async throws -> (target: String, token: String) {
    let made = try await host.agent("link", "alpha", "--json")
    let url = (try JSON.parse(made.output))["url"]?.string ?? ""
    let parts = url.split(separator: "&to=")
    let token = String(parts.first?.split(separator: "?t=").last ?? "")
    return (String(parts.last ?? ""), host.process.site.canaries.watch("token of a link", token, .stores))
  }

  /// The reason code of a problem.
  static func code(_ answer: HTTPAnswer) -> String? { (try? JSON.parse(answer.body))?["code"]?.string }

  /// A session's cookie, `name=value`.
  static func session(_ host: RunningHost) async throws -> String {
    let started = try await host.agent("pair", "start", "--for-device", "tablet", "--json")
    let token = (try JSON.parse(started.output))["bootstrap_token"]?.string ?? ""
    let cookie = String(try #require(try open(host.http, token)["set-cookie"]).prefix { $0 != ";" })
    host.process.site.canaries.watch("bootstrap token", token)
    host.process.site.canaries.watch("cookie of a session", cookie.split(separator: "=").last.map(String.init) ?? "")
    return cookie
  }

  /// Presses the button.
  static func open(_ address: String, _ token: String, headers: [String] = []) throws -> HTTPAnswer {
    try HTTPClient(address).request(
      "POST", "/link", headers: ["Content-Type: application/x-www-form-urlencoded"] + headers,
      body: Array("t=\(token)&to=/alpha/page".utf8))
  }

  /// A request with a Host of the test's choice.
  static func get(
    _ address: String, _ path: String, host: String, headers: [String] = []
  ) throws -> HTTPAnswer {
    let client = try HTTPClient(address)
    try client.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n")
    return try client.response()
  }
}

/// Text for a query or form.
enum AdminText {
  static func escaped(_ text: String) -> String {
    text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension Site {
  /// The gate fixture as a channel of this name.
  ///
  /// - Parameter adapter: see gate.c.
  func dropGate(_ id: String, adapter: Int = 1) throws {
    let library = try Site.library("gate", ["ID=\"\(id)\"", "ADAPTER=\(adapter)"])
    try drop(id, library, capabilities: "channels = [\"\(id)\"]\nroutes = [\"/\(id)/*\"]")
  }
}
