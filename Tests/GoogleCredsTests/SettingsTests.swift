// The configuration: what is taken, what is refused with which reason, and that a bad entry costs only itself.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import TestSupport
import Testing

@testable import GoogleCreds

@Suite("Settings")
struct SettingsTests {
  private func entry(_ id: String = "ana@gmail.com", _ agent: String = "ana", _ more: [String: JSON] = [:]) -> JSON {
    let plain: [String: JSON] = [
      "id": .string(id), "agent_id": .string(agent), "client_id_path": "secrets/id",
      "client_secret_path": "/run/secrets/secret", "token_path": .string("tokens/\(agent).json"),
      "scopes": ["gmail.readonly"],
    ]
    return .object(plain.merging(more) { $1 })
  }

  private func read(_ root: JSON) -> PluginSettings { .read(["google_auth": root], folder: "/etc/nexo") }

  @Test func `paths are taken from the configuration folder, scopes in their long form, one each`() throws {
    let scopes: JSON = ["gmail.readonly", "https://www.googleapis.com/auth/drive", "openid", "email", "gmail.readonly"]
    let settings = read(["accounts": [entry("ana@gmail.com", "ana", ["scopes": scopes])]])
    let account = try #require(settings.accounts.first)
    #expect(settings.findings.isEmpty && settings.accounts.count == 1)
    #expect(account.clientID == .file("/etc/nexo/secrets/id") && account.clientSecret == .file("/run/secrets/secret"))
    #expect(account.tokenPath == "/etc/nexo/tokens/ana.json")
    #expect(
      account.scopes == [
        "https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/drive", "openid", "email",
      ])
  }

  @Test(arguments: [
    ("+573001234567", "5b181b132cc2c1b4"), ("ana@gmail.com", "26e2d102014008d9"),
    ("kate@gmail.com", "aef88eccce0a70de"),
    ("ana", "24d4b96f58da6d4a"), ("", "e3b0c44298fc1c14"), ("account-00000000@example.com", "367cc830d71c8211"),
  ]) func `a fingerprint is the first eight bytes of SHA-256`(_ id: String, _ fingerprint: String) {
    #expect(AccountSettings.fingerprint(of: id) == fingerprint)
  }

  @Test(
    arguments: [
      (["accounts": 3], GoogleReason.configWrongType, "google_auth.accounts"),
      (["accounts": [3]], .configWrongType, "google_auth.accounts[0]"),
      (["accounts": [["id": "x"]]], .configMissingKey, "google_auth.accounts[0].agent_id"),
      (["acounts": []], .configUnknownKey, "google_auth.acounts"),
      (["endpoints": ["tokn": "https://x.example/"]], .configUnknownKey, "google_auth.endpoints.tokn"),
      (["endpoints": ["token": "http://idp.example/"]], .configBadEndpoint, "google_auth.endpoints.token"),
      (["endpoints": "x"], .configWrongType, "google_auth.endpoints"),
      (["endpoints": ["api": "https://idp.example/"]], .configTestOnly, "google_auth.endpoints.api"),
      (["ca_file": "/x"], .configTestOnly, "google_auth.ca_file"),
      (["ca_file": "/x", "endpoints": ["token": "https://idp.example/"]], .configTestOnly, "google_auth.ca_file"),
      (["public_url": "https://x.example/path"], .configBadEndpoint, "google_auth.public_url"),
      (["public_url": "http://x.example"], .configBadEndpoint, "google_auth.public_url"),
    ] as [(JSON, GoogleReason, String)])
  func `a fault has its reason and its place`(_ root: JSON, _ reason: GoogleReason, _ path: String) {
    let findings = read(root).findings
    #expect(findings.contains { $0.fault.reason == reason && $0.path == path }, "\(findings)")
    #expect(read(root).accounts.isEmpty)
  }

  @Test func `a bad entry costs only itself, and every fault is told`() {
    let settings = read([
      "accounts": [
        entry("ana@gmail.com", "ana"), entry("kate@gmail.com", "kate", ["scopes": ["two words"]]),
        entry("ana@gmail.com", "other"), entry("more@gmail.com", "ana"), entry("x@gmail.com", "x", ["extra": 1]),
        entry("y@gmail.com", "y", ["token_path": "tokens/./ana.json"]), entry("z@gmail.com", "z", ["scopes": []]),
        entry("b@gmail.com", "b", ["client_secret_path": 3]),
      ]
    ])
    #expect(settings.accounts.map(\.agent) == ["ana", "z"])
    #expect(
      settings.findings.map(\.fault.reason) == [
        .configBadScope, .configDuplicateID, .configDuplicateAgent, .configUnknownKey, .configSharedTokenFile,
        .configNoScopes, .configWrongType,
      ])
    // No id, which may be an address, in the words.
    #expect(!settings.findings.contains { "\($0.fault)".contains("gmail.com") })
  }

  @Test func `id and secret may stand in the entry, but not twice; tokens without a path go to the plugin's folder`()
    throws
  {
    func read(_ entry: [String: JSON]) -> PluginSettings {
      let plain: [String: JSON] = ["id": "ana", "agent_id": "ana", "scopes": ["gmail.readonly"]]
      return .read(
        ["google_auth": ["accounts": [.object(plain.merging(entry) { $1 })]]], folder: "/etc/nexo", state: "/var/x")
    }
    let account = try #require(read(["client_id": "i", "client_secret": "s"]).accounts.first)
    #expect(account.clientID == .inline(Secret("i")) && account.clientSecret == .inline(Secret("s")))
    #expect(account.tokenPath == "/var/x/tokens/24d4b96f58da6d4a.json")
    #expect(!"\(account)".contains("\"s\"") && "\(account)".contains("<redacted>"))
    let client = try ClientFiles(id: account.clientID, secret: account.clientSecret).client()
    #expect(client == ClientIdentity(id: "i", secret: Secret("s")))
    let mixed = try #require(read(["client_id": "i", "client_secret_path": "s", "token_path": "t"]).accounts.first)
    #expect(mixed.clientSecret == .file("/etc/nexo/s") && mixed.tokenPath == "/etc/nexo/t")
    for twice in [
      ["client_id": "i", "client_id_path": "p"], ["client_id": "i", "client_secret": "s", "client_secret_path": "p"],
    ]
      as [[String: JSON]]
    {
      #expect(read(twice).findings.map(\.fault.reason) == [.configTwoSources])
    }
    #expect(read([:]).findings.map(\.fault.reason) == [.configMissingKey])
    #expect(read(["client_id": 3]).findings.map(\.fault.reason) == [.configWrongType])
  }

  @Test func `end points may be a self-hosted provider's, and a certificate authority is for loopback`() throws {
    let own = read(["endpoints": ["token": "https://idp.example/token"], "public_url": "https://nexo.example/"])
    #expect(own.findings.isEmpty && own.endpoints[.token]?.text == "https://idp.example/token")
    #expect(own.endpoints[.device]?.text == "https://oauth2.googleapis.com/device/code")
    #expect(own.endpoints.isGoogle(.device) && !own.endpoints.isGoogle(.token) && own.endpoints[.api] == nil)
    #expect(own.publicURL == "https://nexo.example")
    let test = read(["endpoints": ["token": "https://127.0.0.1:4443/token"], "ca_file": "ca.pem"])
    #expect(test.findings.isEmpty && test.endpoints.caFile == "/etc/nexo/ca.pem")
  }

  @Test func `no file, and an empty one, are no accounts and no fault`() {
    #expect(PluginSettings.read([:], folder: "/") == PluginSettings())
    #expect(PluginSettings.read(["google_auth": .null], folder: "/") == PluginSettings())
    #expect(PluginSettings.read(["other": 1], folder: "/").findings.map(\.fault.reason) == [.configUnknownKey])
  }

  @Test func `every reason has a cause and a remedy, also in Spanish where the page can show it`() {
    for reason in GoogleReason.allCases {
      #expect(reason.cause != reason.rawValue && reason.remedy.hasSuffix("."), "\(reason)")
      if !reason.rawValue.hasPrefix("google.call.") { #expect(SpanishReasons.texts[reason] != nil, "\(reason)") }
    }
  }
}

@Suite("Secrets")
struct SecretTests {
  @Test func `a secret shows nowhere that a value can be printed`() {
    let tokens = Tokens(access: Secret("s3cr3t-a"), refresh: Secret("s3cr3t-r"), expiresAt: 1, scopes: [])
    var dumped = ""
    dump(tokens, to: &dumped)
    for text in [
      "\(tokens)", String(reflecting: tokens), dumped, "\(ClientIdentity(id: "x", secret: Secret("s3cr3t")))",
    ] {
      #expect(!text.contains("s3cr3t"))
    }
    #expect(Secret("a") == Secret("a") && Secret("a") != Secret("b") && Secret("a") != Secret("ab"))
  }

  @Test func `PKCE is RFC 7636's own example, and two are never the same`() throws {
    let pkce = PKCE(verifier: Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), state: Secret(""))
    #expect(pkce.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    let (one, two) = (try #require(PKCE()), try #require(PKCE()))
    #expect(one.verifier != two.verifier && one.state != two.state && one.verifier != one.state)
    #expect(one.verifier.reveal().count == 43)
  }

  @Test(
    arguments: [
      ("code=4%2F0AbcdEF&state=abc123&scope=email+profile", ConsentAnswer.code(Secret("4/0AbcdEF"))),
      ("error=access_denied&state=abc123", .refused("access_denied")),
      ("error=%3Cscript%3E&state=abc123", .refused("")),
      ("code=x&state=abc124", nil), ("code=x", nil), ("state=abc123", nil), ("code=x&code=y&state=abc123", nil),
      ("code=x&state=abc123&state=abc123", nil), ("code=%zz&state=abc123", nil), ("code=a%0Ab&state=abc123", nil),
      ("", nil), ("code=&state=abc123", nil),
    ] as [(String, ConsentAnswer?)])
  func `an answer is taken only whole, once and with its state`(_ query: String, _ expected: ConsentAnswer?) {
    #expect(CallbackRequest.answer(inQuery: query, state: Secret("abc123")) == expected)
  }

  @Test(arguments: [
    "GET /callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
    "GET /callback?state=s&code=c HTTP/1.1\r\nhost:127.0.0.1:1\r\nX: y\r\n\r\n",
  ]) func `a browser's request is an answer`(_ text: String) {
    let parsed = CallbackRequest.parse(Array(text.utf8), state: Secret("s"), authority: "127.0.0.1:1")
    #expect(parsed == .answer(.code(Secret("c"))))
  }

  @Test(arguments: [
    ("GET /callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:2\r\n\r\n", 421),
    ("GET /callback?state=s&code=c HTTP/1.1\r\n\r\n", 421),
    ("GET /callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\nHost: x\r\n\r\n", 421),
    ("GET  /callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 400),
    ("GET /callback?state=s&code=c HTTP/2\r\nHost: 127.0.0.1:1\r\n\r\n", 400), ("\r\n\r\n", 400),
    ("HEAD /callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 405),
    ("GET http://127.0.0.1:1/callback?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 404),
    (String(repeating: "x", count: 20_000), 431),
  ]) func `a stranger's request is not`(_ text: String, _ status: Int) {
    let parsed = CallbackRequest.parse(Array(text.utf8), state: Secret("s"), authority: "127.0.0.1:1")
    #expect(parsed == .stranger(status: status))
  }
}
