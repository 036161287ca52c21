// Web configuration files, good and bad, compared with the exporter toolkit's own judgement (promtool check web-config).
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostLinux
import HostReasons
import HostWebConfig
import TestSupport
import Testing

/// A file with what is expected of it.
struct WebCase: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  /// Nil: taken; else words of the finding.
  let refused: String?
  /// Whether the toolkit of Debian 12's Prometheus takes it, where that differs from us.
  var toolkitTakes: Bool?
  var testDescription: String { name }

  init(_ name: String, _ text: String, refused: String? = nil, toolkitTakes: Bool? = nil) {
    self.name = name
    self.text = text
    self.refused = refused
    self.toolkitTakes = toolkitTakes
  }
}

@Suite("Web configuration", .timeLimit(.minutes(1)))
struct WebConfigTests {
  static let tls = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
  static let hash = "$2b$04$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0W"

  static let cases: [WebCase] = [
    WebCase("empty", "{}\n"),
    WebCase("TLS alone", "\(tls)}\n"),
    WebCase("an empty section is plain HTTP", "tls_server_config: {}\n"),
    WebCase(
      "everything",
      """
      \(tls), client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem, min_version: TLS12, max_version: TLS13,
        cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], curve_preferences: [CurveP256, X25519],
        prefer_server_cipher_suites: true}
      http_server_config:
        http2: true
        headers:
          Strict-Transport-Security: max-age=31536000
          X-Frame-Options: deny
      basic_auth_users:
        ana: \(hash)

      """),
    WebCase("users without TLS", "basic_auth_users: {ana: \(hash)}\n"),
    WebCase("an unknown key", "tls_config: {}\n", refused: "unknown key"),
    WebCase("an unknown key below", "\(tls), cert: x}\n", refused: "unknown key", toolkitTakes: nil),
    WebCase("a certificate without its key", "tls_server_config: {cert_file: cert.pem}\n", refused: "belong together"),
    WebCase(
      "a certificate that is not there", "tls_server_config: {cert_file: no.pem, key_file: key.pem}\n",
      refused: "no.pem"),
    WebCase(
      "another's key", "tls_server_config: {cert_file: cert.pem, key_file: other.pem}\n",
      refused: "is not the key of"),
    WebCase(
      "a key with a passphrase", "tls_server_config: {cert_file: cert.pem, key_file: locked.pem}\n",
      refused: "private key cannot be used"),
    WebCase("an unknown policy", "\(tls), client_auth_type: Sometimes}\n", refused: "Sometimes"),
    WebCase("authorities without a policy", "\(tls), client_ca_file: cert.pem}\n", refused: "no effect"),
    WebCase(
      "authorities that are not there",
      "\(tls), client_auth_type: RequireAndVerifyClientCert, client_ca_file: no.pem}\n", refused: "no.pem"),
    WebCase(
      "verifying without authorities", "\(tls), client_auth_type: RequireAndVerifyClientCert}\n",
      refused: "needs client_ca_file", toolkitTakes: true),
    WebCase("an unknown version", "\(tls), min_version: TLS14}\n", refused: "TLS14"),
    WebCase(
      "versions that exclude each other", "\(tls), min_version: TLS13, max_version: TLS12}\n",
      refused: "above max_version", toolkitTakes: true),
    WebCase("an unknown cipher suite", "\(tls), cipher_suites: [TLS_MAGIC]}\n", refused: "TLS_MAGIC"),
    WebCase("an unknown curve", "\(tls), curve_preferences: [CurveP257]}\n", refused: "Did you mean \"CurveP25"),
    WebCase("a header that may not be set", "http_server_config: {headers: {Server: x}}\n", refused: "cannot be set"),
    WebCase(
      "a value that a header may not have", "http_server_config: {headers: {X-Frame-Options: maybe}}\n",
      refused: "cannot be sent"),
    WebCase("a password instead of its hash", "basic_auth_users: {ana: secret}\n", refused: "not a bcrypt hash"),
    WebCase(
      "a hash that would take a minute",
      "basic_auth_users: {ana: \(hash.replacing("$04$", with: "$20$"))}\n", refused: "not a bcrypt hash",
      toolkitTakes: true),
    WebCase("no YAML", "basic_auth_users: [\n", refused: "yaml"),
  ]

  /// A folder with certificates: of two keys, and one that is locked.
  static func site() async throws -> TemporaryFolder {
    let folder = try TemporaryFolder("webconfig")
    let made = try await ChildProcess.run([
      "sh", "-c",
      """
      cd \(folder.path) && for name in key other; do openssl ecparam -name prime256v1 -genkey -noout -out $name.pem; done &&
      openssl req -x509 -key key.pem -out cert.pem -days 2 -subj /CN=nexo -addext subjectAltName=IP:127.0.0.1,DNS:localhost &&
      openssl ec -in key.pem -aes128 -passout pass:x -out locked.pem
      """,
    ])
    #expect(made.end == .exited(0), "\(made.errors)")
    return folder
  }

  @Test func `each file is judged as expected, and as the toolkit judges it unless the table says otherwise`()
    async throws
  {
    let folder = try await Self.site()
    for file in Self.cases {
      let path = try folder.write("web.yaml", file.text)
      var why: String?
      do { _ = try WebGuard(path, environment: [:]) } catch { why = "\(error)" }
      #expect((why == nil) == (file.refused == nil), "\(file.name): \(why ?? "taken")")
      if let words = file.refused, let why { #expect(why.contains(words), "\(file.name): \(why)") }
      let toolkit = try await ChildProcess.run(["promtool", "check", "web-config", path])
      #expect(
        (toolkit.end == .exited(0)) == (file.toolkitTakes ?? (file.refused == nil)),
        "\(file.name): the toolkit says \(toolkit.output) \(toolkit.errors)")
    }
  }

  @Test func `findings name the file, its line, and the code`() async throws {
    let folder = try await Self.site()
    let path = try folder.write("web.yaml", "# one\n\(Self.tls), min_versoin: TLS12}\n")
    let report = ConfigReport()
    _ = WebConfig.read(path, environment: [:], report: report)
    let finding = try #require(report.errors.first)
    #expect(finding.description.hasPrefix("\(path):2:"))
    #expect(finding.reason == .configUnknownKey && finding.remedy.contains("min_version"))
  }

  @Test func `a change is taken up, and a wrong one changes nothing`() async throws {
    let folder = try await Self.site()
    let path = try folder.write("web.yaml", "basic_auth_users: {ana: \(Self.hash)}\n")
    let web = try WebGuard(path, environment: [:])
    #expect(!web.authenticator.isOpen)
    try folder.write("web.yaml", "basic_auth_users: {ana: secret}\n")
    web.refresh()
    #expect(!web.authenticator.isOpen)
    try folder.write("web.yaml", "{}\n")
    web.refresh()
    #expect(web.authenticator.isOpen)
    try folder.write("web.yaml", "\(Self.tls)}\n")
    web.refresh()
    #expect(!web.isTLS)
  }
}

@Suite("Passwords", .timeLimit(.minutes(1)))
struct PasswordTests {
  @Test func `a hash of each prefix is matched by its password and by no other`() async throws {
    for prefix in ["2a", "2b", "2y"] {
      let hash = try #require(PasswordHash(Secret(WebConfigTests.hash.replacing("$2b$", with: "$\(prefix)$"))))
      #expect(hash.matches(Secret("secret")))
      for wrong in ["", "Secret", "secret ", "secre", String(repeating: "x", count: 1_000)] {
        #expect(!hash.matches(Secret(wrong)))
      }
    }
  }

  @Test(arguments: [
    "", "secret", "$1$abc$def", "$2b$04$short", "$2b$99$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0W",
    "$2x$04$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0W",
    "$2b$04$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0!",
    "$2b$03$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0W",
  ])
  func `what is no bcrypt hash of a bearable cost is none`(text: String) {
    #expect(PasswordHash(Secret(text)) == nil)
  }

  @Test func `nothing of a hash can be printed`() throws {
    let hash = try #require(PasswordHash(Secret(WebConfigTests.hash)))
    #expect(!"\(hash)".contains("Yjy3") && !String(reflecting: hash).contains("Yjy3"))
  }
}
