// `agent check-config` from outside: every fault of a configuration in one report, its exit codes, and that it leaves no trace.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Check of the configuration", .timeLimit(.minutes(2)))
struct CheckConfigTests {
  /// Twelve faults, one of each kind.
  private static func spoil(_ site: Site) throws {
    try site.write(
      agents: """
        - {id: ana, model: {provider: echo}, credentials: {carrier: ghost}}
        - {id: bob, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: a}, {plugin: carrier, instance: b}]}
        - {id: cleo, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: closed}]}
        - id: dan
          model: {provider: echo}
          inbound_bindings: [{plugin: carrier, instance: a}]
          credentials: {carrier: b}
        - id: eve
          model: {provider: echo}
          google_auth: {client_id: x, client_secret: y}
        - {id: fay, model: {provider: echo}, credentials: {carrier_asymmetric: true}}
        """)
    let folder = site.folder.file("sessions")
    try site.folder.write(
      "config/plugins/carrier.yaml",
      """
      carrier:
        - {instance: a, session_dir: \(folder)/one}
        - {instance: b, session_dir: \(folder)/one}
        - {instance: c, session_dir: \(folder)/two}
        - {instance: d, session_dir: \(folder)/two/three}
        - {instance: closed, allow_agents: [bob, bbo]}
        - {instance: closed}
      """)
    let lax = try site.folder.write("lax", "secret", mode: 0o644)
    try site.folder.write(
      "config/plugins/mail-auth.yaml",
      """
      mail_auth:
        accounts:
          - id: x
            agent_id: ana
            client_id_path: /nowhere/id
            client_secret_path: \(lax)
      """)
  }

  @Test(arguments: [false, true])
  func `twelve faults are twelve findings, each with its kind, file and line`(isStrict: Bool) async throws {
    let site = try Site("check")
    try Self.spoil(site)
    let run = try await site.agent(["check-config", "--json"] + (isStrict ? ["--strict"] : []))
    #expect(run.end == .exited(1), "\(run.errors)")
    let findings = try JSON.parse(Array(run.output.utf8))["findings"]?.array ?? []
    let ours = findings.filter { $0["kind"]?.string != nil }
    #expect(
      ours.compactMap { $0["kind"]?.string }.sorted() == [
        "allow_agents_excludes", "ambiguous_outbound", "asymmetric_binding", "credential_io", "duplicate_account",
        "duplicate_path", "insecure_permissions", "legacy_inline_google_auth", "missing_instance", "other",
        "prefix_overlap", "unknown_agent",
      ])
    for finding in ours {
      #expect(finding["file"]?.string?.hasSuffix(".yaml") == true && (finding["line"]?.integer ?? 0) > 0, "\(finding)")
    }
    let warnings = ours.filter { $0["severity"]?.string == "warning" }.compactMap { $0["kind"]?.string }.sorted()
    #expect(warnings == (isStrict ? [] : ["asymmetric_binding", "legacy_inline_google_auth", "other"]))
    let text = try await site.agent(["check-config"])
    for finding in ours {
      #expect(text.output.contains("\(finding["file"]?.string ?? ""):\(finding["line"]?.integer ?? 0):"))
    }
  }

  /// A row of the page's table: the kind, whether the lenient call it an error, and how it is written down.
  struct Row: Sendable, CustomTestStringConvertible {
    let kind: String
    let isError: Bool
    let write: @Sendable (Site) throws -> Void
    var testDescription: String { kind }
  }

  private static func accounts(_ site: Site, _ text: String) throws {
    try site.folder.write("config/plugins/carrier.yaml", "carrier:\n" + text)
  }
  private static func mail(_ site: Site, _ members: String) throws {
    try site.folder.write(
      "config/plugins/mail-auth.yaml", "mail_auth:\n  accounts:\n    - {id: x, agent_id: ana\(members)}\n")
  }
  private static let ana = "id: ana, model: {provider: echo}"
  static let rows: [Row] = [
    Row(kind: "duplicate_path", isError: true) {
      try accounts($0, "  - {instance: a, session_dir: /tmp/x/one}\n  - {instance: b, session_dir: /tmp/x/../x/one}\n")
    },
    Row(kind: "prefix_overlap", isError: true) {
      try accounts($0, "  - {instance: a, session_dir: /tmp/x/one}\n  - {instance: b, session_dir: /tmp/x/one/two}\n")
    },
    Row(kind: "missing_instance", isError: true) {
      try accounts($0, "  - {instance: a}\n")
      try $0.write(agents: "- {\(ana), credentials: {carrier: b}}")
    },
    Row(kind: "ambiguous_outbound", isError: true) {
      try accounts($0, "  - {instance: a}\n  - {instance: b}\n")
      try $0.write(
        agents: "- {\(ana), inbound_bindings: [{plugin: carrier, instance: a}, {plugin: carrier, instance: b}]}")
    },
    Row(kind: "allow_agents_excludes", isError: true) {
      try accounts($0, "  - {instance: a, allow_agents: [bob]}\n")
      try $0.write(agents: "- {\(ana), credentials: {carrier: a}}\n- {id: bob, model: {provider: echo}}")
    },
    Row(kind: "asymmetric_binding", isError: false) {
      try accounts($0, "  - {instance: a}\n  - {instance: b}\n")
      try $0.write(
        agents: "- {\(ana), inbound_bindings: [{plugin: carrier, instance: a}], credentials: {carrier: b}}")
    },
    Row(kind: "credential_io", isError: true) { try mail($0, ", client_id_path: /nowhere/id") },
    Row(kind: "credential_io", isError: true) {
      try AtomicFile.makeFolder($0.folder.file("folder"))
      try mail($0, ", client_id_path: \($0.folder.file("folder"))")
    },
    Row(kind: "insecure_permissions", isError: true) {
      try mail($0, ", client_secret_path: \(try $0.folder.write("lax", "s", mode: 0o640))")
    },
    Row(kind: "insecure_permissions", isError: true) {
      try $0.folder.write("session/keys", "k", mode: 0o600)
      chmod($0.folder.file("session"), 0o775)
      try accounts($0, "  - {instance: a, session_dir: \($0.folder.file("session"))}\n")
    },
    Row(kind: "duplicate_account", isError: true) { try accounts($0, "  - {instance: a}\n  - {instance: a}\n") },
    Row(kind: "unknown_agent", isError: true) { try accounts($0, "  - {instance: a, allow_agents: [nobody]}\n") },
    Row(kind: "legacy_inline_google_auth", isError: false) {
      try $0.write(agents: "- {\(ana), google_auth: {client_id: x, client_secret: y}}")
    },
    Row(kind: "other", isError: false) { try $0.write(agents: "- {\(ana), credentials: {carrier_asymmetric: true}}") },
    Row(kind: "other", isError: false) { try mail($0, ", scops: []") },
    Row(kind: "other", isError: false) { try mail($0, ", scopes: []") },
  ]

  @Test(arguments: rows)
  func `each row of the table has its severity and its exit code, lenient and strict`(row: Row) async throws {
    let site = try Site("row")
    try site.write(agents: "- {\(Self.ana)}")
    try row.write(site)
    for isStrict in [false, true] {
      let run = try await site.agent(["check-config", "--json"] + (isStrict ? ["--strict"] : []))
      let findings = try JSON.parse(Array(run.output.utf8))["findings"]?.array ?? []
      let isError = isStrict || row.isError
      #expect(run.end == .exited(isError ? 1 : 2), "\(run.output)")
      #expect(findings.map { $0["kind"]?.string } == [row.kind], "\(run.output)")
      #expect(findings.map { $0["severity"]?.string } == [isError ? "error" : "warning"])
      #expect(findings.first?["file"]?.string != nil && (findings.first?["line"]?.integer ?? 0) > 0)
    }
  }

  @Test func `0 for a clean configuration, 2 for warnings, 1 for errors; strict knows no warnings`() async throws {
    let site = try Site("check")
    #expect(try await site.agent(["check-config"]).end == .exited(0))
    #expect(try await site.agent(["check-config", "--strict"]).end == .exited(0))
    try site.write(agents: "- {id: ana, model: {provider: echo}, credentials: {carrier_asymmetric: true}}")
    #expect(try await site.agent(["check-config"]).end == .exited(2))
    #expect(try await site.agent(["check-config", "--strict"]).end == .exited(1))
    try site.write(agents: "- {id: ana, model: {provider: echo}, credentials: {carrier: x}}")
    #expect(try await site.agent(["check-config"]).end == .exited(1))
    try site.write(agents: "- {id: ana")
    #expect(try await site.agent(["check-config"]).end == .exited(1))
  }

  @Test func `it makes no file and no folder, and takes no lock`() async throws {
    let site = try Site("check")
    try Self.spoil(site)
    try site.dropPages()
    let host = try await RunningHost(site)
    func tree() async throws -> String {
      try await ChildProcess.run([
        "find", site.config, site.extensions, site.folder.file("sessions"), "-printf", "%p %T@ %m\n",
      ])
      .output
    }
    let before = try await tree()
    // A host holds the lock of the state folder; a fresh one is named besides, and must not come into being.
    #expect(try await site.agent(["check-config"]).end == .exited(1))
    #expect(try await site.agent(["check-config"], state: "fresh").end == .exited(1))
    #expect(try await tree() == before)
    #expect((try? FileStatus.of(site.folder.file("fresh"))) == nil)
    #expect((try? FileStatus.of(site.folder.file("sessions"))) == nil)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a strict host takes a warning as an error: the agent is failed`() async throws {
    let site = try CredentialTests.site(
      agents: """
        - {id: ana, model: {provider: echo}, inbound_bindings: [{plugin: carrier, instance: work}]}
        - id: bob
          model: {provider: echo}
          inbound_bindings: [{plugin: carrier, instance: personal}]
          credentials: {carrier: work}
        """)
    let lenient = try await RunningHost(site)
    #expect(try lenient.ask("GET", "/admin/agents/bob").body["state"]?.string == "attached")
    #expect(try lenient.value(#"credentials_boot_validation_errors_total{kind="asymmetric_binding"}"#) == 1)
    #expect(await lenient.process.stop() == .exited(0))
    let strict = try await RunningHost(site, ["--strict"])
    let bob = try strict.ask("GET", "/admin/agents/bob").body
    #expect(bob["state"]?.string == "failed" && bob["reason"]?.string == "credentials.asymmetric_binding")
    #expect(try strict.ask("GET", "/admin/agents/ana").body["state"]?.string == "attached")
    #expect(await strict.process.stop() == .exited(0))
  }

  @Test func `each kind that the boot finds is counted, and lax files are shown`() async throws {
    let site = try CredentialTests.site()
    try Self.spoil(site)
    let host = try await RunningHost(site)
    for kind in [
      "duplicate_path", "prefix_overlap", "missing_instance", "ambiguous_outbound", "allow_agents_excludes",
      "asymmetric_binding", "credential_io", "insecure_permissions", "duplicate_account", "unknown_agent",
      "legacy_inline_google_auth", "other",
    ] {
      #expect(try host.value(#"credentials_boot_validation_errors_total{kind="\#(kind)"}"#) == 1, "\(kind)")
    }
    #expect(try host.value("credentials_insecure_paths_total") == 1)
    #expect(try host.value(#"credentials_accounts_total{channel="mail"}"#) == 1)
    #expect(await host.process.stop() == .exited(0))
  }
}

extension Site {
  /// Runs a command of the agent over this site's folders.
  func agent(
    _ words: [String], state: String = "state", environment: [String: String] = [:]
  ) async throws -> (end: ProcessEnd, output: String, errors: String) {
    try await ChildProcess.run(
      [HostProcess.agent] + words
        + ["--config", config, "--state-dir", folder.file(state), "--extensions", extensions],
      environment: ["PATH": "/usr/bin:/bin", "HOME": folder.path].merging(environment) { $1 }, folder: folder.path)
  }
}
