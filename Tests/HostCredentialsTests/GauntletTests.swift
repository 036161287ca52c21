// The table of credentials.md, row by row, lenient and strict; what is exempt; and that one look finds everything.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostConfig
import HostLinux
import HostMetrics
import HostReasons
import TestSupport
import Testing

@testable import HostCredentials

@Suite("Validation of accounts")
struct GauntletTests {
  /// A fault: how it is written down, what is found, and how much it matters to the lenient.
  struct Fault: Sendable, CustomTestStringConvertible {
    let kind: ValidationKind
    let lenient: ConfigFinding.Severity
    let make: @Sendable (inout Bench) throws -> Void
    var testDescription: String { kind.rawValue }
  }

  static let table: [Fault] = [
    Fault(kind: .duplicatePath, lenient: .error) { bench in
      try bench.folder.write(
        "config/plugins/chat.yaml",
        "chat:\n  - {instance: a, session_dir: /tmp/nexo-s/one}\n  - {instance: b, session_dir: /tmp/nexo-s/./one/}\n")
    },
    Fault(kind: .prefixOverlap, lenient: .error) { bench in
      try bench.folder.write(
        "config/plugins/chat.yaml",
        "chat:\n  - {instance: a, session_dir: /tmp/nexo-s/one/two}\n  - {instance: b, session_dir: /tmp/nexo-s/one}\n")
    },
    Fault(kind: .missingInstance, lenient: .error) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat: {instance: a}\n")
      bench.agents = [Bench.agent("ana", credentials: ["chat": "b"])]
    },
    Fault(kind: .ambiguousOutbound, lenient: .error) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat:\n  - {instance: a}\n  - {instance: b}\n")
      bench.agents = [Bench.agent("ana", [.init("chat", "a"), .init("chat", "b")])]
    },
    Fault(kind: .allowAgentsExcludes, lenient: .error) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat: {instance: a, allow_agents: [bob]}\n")
      bench.agents = [Bench.agent("ana", [.init("chat", "a")]), Bench.agent("bob")]
    },
    Fault(kind: .asymmetricBinding, lenient: .warning) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat:\n  - {instance: a}\n  - {instance: b}\n")
      bench.agents = [Bench.agent("ana", [.init("chat", "a")], credentials: ["chat": "b"])]
    },
    Fault(kind: .credentialIO, lenient: .error) { bench in
      try bench.folder.write(
        "config/plugins/mail-auth.yaml",
        "mail_auth:\n  accounts:\n    - {id: x, agent_id: ana, client_secret_path: /nowhere/at/all}\n")
    },
    Fault(kind: .insecurePermissions, lenient: .error) { bench in
      let path = try bench.folder.write("secret", "s", mode: 0o640)
      try bench.folder.write(
        "config/plugins/mail-auth.yaml",
        "mail_auth:\n  accounts:\n    - {id: x, agent_id: ana, client_secret_path: \(path)}\n")
    },
    Fault(kind: .duplicateAccount, lenient: .error) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat:\n  - {instance: a}\n  - {instance: a}\n")
    },
    Fault(kind: .unknownAgent, lenient: .error) { bench in
      try bench.folder.write("config/plugins/chat.yaml", "chat: {instance: a, allow_agents: [ana, anna]}\n")
    },
    Fault(kind: .legacyInlineGoogleAuth, lenient: .warning) { bench in
      bench.agents[0].inline = ["google": SourceMark(file: "agents.yaml", line: 4, column: 7)]
    },
    Fault(kind: .other, lenient: .warning) { bench in
      bench.agents = [Bench.agent("ana", asymmetric: ["chat"])]
    },
  ]

  @Test(arguments: table)
  func `each fault is found once, with its place, and as serious as the page says`(fault: Fault) throws {
    var bench = try Bench()
    try fault.make(&bench)
    let lenient = bench.check()
    #expect(lenient.findings.map(\.kind) == [fault.kind])
    #expect(lenient.findings.first?.finding.severity == fault.lenient)
    #expect((lenient.findings.first?.finding.mark?.line ?? 0) > 0)
    #expect(lenient.findings.first?.finding.reason.code.hasPrefix("credentials.") == true)
    bench.strictness = .strict
    #expect(bench.check().findings.map(\.finding.severity) == [.error])
  }

  @Test func `the table has every kind`() { #expect(Set(Self.table.map(\.kind)) == Set(ValidationKind.allCases)) }

  @Test func `files of the system's secret folders may have any mode, by where they really are`() throws {
    var bench = try Bench()
    try bench.folder.write("credentials/exempt", "s", mode: 0o644)
    try bench.folder.write("outside", "s", mode: 0o644)
    try bench.folder.write("config/plugins/mail-auth.yaml", "")
    let folder = bench.folder.file("credentials")
    bench.environment = ["CREDENTIALS_DIRECTORY": folder]
    #expect(symlink(bench.folder.file("outside"), "\(folder)/link") == 0)
    for (path, isExempt) in [
      ("\(folder)/exempt", true), ("\(folder)/./x/../exempt", true), ("\(folder)/../outside", false),
      ("\(folder)/link", false),
    ] {
      try bench.folder.write(
        "config/plugins/mail-auth.yaml",
        "mail_auth:\n  accounts: [{id: x, agent_id: ana, client_secret_path: \(path)}]\n")
      #expect(bench.found == (isExempt ? [] : ["insecure_permissions error"]), "\(path)")
      #expect(bench.check().insecurePaths == (isExempt ? 0 : 1), "\(path)")
    }
  }

  @Test func `CHAT_AUTH_SKIP_PERM_CHECK skips the modes and nothing else`() throws {
    var bench = try Bench()
    let lax = try bench.folder.write("lax", "s", mode: 0o666)
    try bench.folder.write(
      "config/plugins/mail-auth.yaml",
      "mail_auth:\n  accounts: [{id: x, agent_id: ana, client_id_path: \(lax), client_secret_path: /nowhere}]\n")
    #expect(bench.found == ["insecure_permissions error", "credential_io error"])
    #expect(bench.check().insecurePaths == 1)
    bench.environment = ["CHAT_AUTH_SKIP_PERM_CHECK": "1"]
    #expect(bench.found == ["credential_io error"])
    #expect(bench.check().insecurePaths == 0)
    bench.environment = ["CHAT_AUTH_SKIP_PERM_CHECK": "yes"]
    #expect(bench.found.count == 2)
  }

  @Test func `a token file that is not there yet is no finding, one that is there is checked`() throws {
    let bench = try Bench()
    let path = bench.folder.file("token.json")
    try bench.folder.write(
      "config/plugins/mail-auth.yaml", "mail_auth:\n  accounts: [{id: x, agent_id: ana, token_path: \(path)}]\n")
    #expect(bench.found == [])
    try bench.folder.write("token.json", "{}", mode: 0o604)
    #expect(bench.found == ["insecure_permissions error"])
  }

  @Test func `a session folder that others may write into, or enter and read a file of, is lax; a closed one never`()
    throws
  {
    let bench = try Bench()
    let folder = bench.folder.file("session")
    try bench.folder.write("config/plugins/chat.yaml", "chat: {instance: a, session_dir: \(folder)}\n")
    try AtomicFile.makeFolder(folder, mode: 0o700)
    for (folderMode, fileMode, isLax) in [
      (0o700, nil, false), (0o700, 0o644, false), (0o755, 0o600, false), (0o755, 0o640, true), (0o750, 0o604, true),
      (0o770, 0o600, true), (0o777, nil, true), (0o711, 0o600, false),
    ] as [(UInt32, UInt32?, Bool)] {
      unlink("\(folder)/keys")
      if let fileMode { try bench.folder.write("session/keys", "k", mode: fileMode) }
      chmod(folder, folderMode)
      #expect(bench.found == (isLax ? ["insecure_permissions error"] : []), "\(folderMode) \(fileMode ?? 0)")
      #expect(bench.check().insecurePaths == (isLax ? 1 : 0))
    }
  }

  @Test func `relative paths of an auth file start from the configuration folder, as for the plugin`() throws {
    let bench = try Bench()
    try bench.folder.write(
      "config/plugins/mail-auth.yaml", "mail_auth:\n  accounts: [{id: x, agent_id: ana, client_id_path: secrets/id}]\n")
    #expect(bench.found == ["credential_io error"])
    try bench.folder.write("config/secrets/id", "id", mode: 0o600)
    #expect(bench.found == [])
  }

  @Test(arguments: [
    ("chat.yaml", "chat: {instance: a, alow_agents: [ana]}", "allow_agents"),
    ("chat.yaml", "chat:\n  - {instance: a, sesion_dir: /x}", "session_dir"),
    ("mail-auth.yaml", "mail_auth:\n  accounts: [{id: x, agnt_id: ana}]", "agent_id"),
    ("mail-auth.yaml", "mail_auth:\n  accounts: [{id: x, agent_id: ana, token_pth: t}]", "token_path"),
    ("mail-auth.yaml", "mail_auth:\n  acounts: [{id: x, agent_id: ana}]", "accounts"),
    ("mail-auth.yaml", "mial_auth:\n  accounts: [{id: x, agent_id: ana}]", "mail_auth"),
  ])
  func `a mistyped key of an account is a warning that names the right one`(
    file: String, text: String, right: String
  ) throws {
    var bench = try Bench()
    try bench.folder.write("config/plugins/\(file)", text + "\n")
    let findings = bench.check(announced: ["chat"]).findings
    #expect(findings.map(\.kind) == [.other])
    #expect(findings.first?.finding.severity == .warning && (findings.first?.finding.mark?.line ?? 0) > 0)
    #expect("\(findings[0].finding)".contains("Did you mean \"\(right)\"?"))
    bench.strictness = .strict
    #expect(bench.check(announced: ["chat"]).errors.count == 1)
  }

  @Test func `a plugin's own keys are its own business`() throws {
    let bench = try Bench()
    try bench.folder.write(
      "config/plugins/chat.yaml",
      "chat: {instance: a, push_name: x, media_dir: /m, client_version: 2.3, endpoint: wss://x, rate_limit: {burst: 5}}\n"
    )
    try bench.folder.write(
      "config/plugins/mail-auth.yaml",
      "mail_auth:\n  endpoints: {token: x}\n  accounts: [{id: x, agent_id: ana, redirect_port: 1, folder: /inbox}]\n")
    #expect(bench.found == [])
  }

  @Test func `an account that is switched off is none`() throws {
    let bench = try Bench()
    try bench.folder.write(
      "config/plugins/chat.yaml", "chat:\n  - {instance: a, enabled: false}\n  - {instance: a}\n")
    #expect(bench.found == [])
    #expect(bench.check().counts == ["chat": 1])
  }

  @Test func `settings of a plugin without accounts are no channel`() throws {
    let bench = try Bench()
    try bench.folder.write("config/plugins/weather.yaml", "weather: {city: Bonn}\n")
    #expect(bench.check().counts == [:])
    #expect(bench.check(announced: ["weather"]).counts == ["weather": 1])
  }

  @Test func `findings show no address and no number`() throws {
    var bench = try Bench()
    let lax = try bench.folder.write("ana@example.com.json", "s", mode: 0o644)
    try bench.folder.write(
      "config/plugins/mail-auth.yaml",
      """
      mail_auth:
        accounts:
          - {id: ana@example.com, agent_id: ana, client_secret_path: \(lax)}
          - {id: ana@example.com, agent_id: ana}
          - {id: "+57 300 1234567", agent_id: anna}
      """)
    bench.agents = [Bench.agent("ana", credentials: ["mail": "ana@exmaple.com"])]
    let texts = bench.check().findings.map { "\($0.finding)" }
    #expect(texts.count == 4)
    for text in texts { #expect(!text.contains("ana@") && !text.contains("1234567"), "\(text)") }
  }

  @Test func `the commented examples are without a finding`() {
    for strictness in [Strictness.lenient, .strict] {
      let setup = CredentialSetup.read(
        folder: Path.normalized("examples/config"), environment: [:], agents: [Bench.agent("helper")],
        announced: ["whatsapp"],
        strictness: strictness)
      #expect(Credentials.check(setup).findings == [])
      #expect(setup.files.described == ["google", "whatsapp"])
    }
  }

  @Test func `a validation makes no file and no folder`() throws {
    let bench = try Bench()
    try bench.folder.write(
      "config/plugins/chat.yaml", "chat: {instance: a, session_dir: \(bench.folder.file("sessions/a"))}\n")
    #expect(bench.found == [])
    #expect((try? FileStatus.of(bench.folder.file("sessions"))) == nil)
  }
}
