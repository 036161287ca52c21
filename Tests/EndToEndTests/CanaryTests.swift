// Two hundred canaries in one host: texts, numbers, addresses, keys and secrets, planted wherever it takes them in, and looked
// for wherever it speaks: streams in both layouts, metrics, readiness, console, commands, crash reports, state files.
// Every other host of the end-to-end tests has canaries too, planted and looked for by TestSupport (Canaries.swift): that
// this works is tested here.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Canaries", .timeLimit(.minutes(3)))
struct CanaryTests {
  /// What was planted: name of the place, and the text that must not show.
  private struct Canaries {
    var planted: [(place: String, text: String)] = []

    mutating func secret(_ place: String) -> String { plant(place, "cnry" + Random.hex(bytes: 8)) }
    mutating func address(_ place: String) -> String { plant(place, "cnry\(Random.hex(bytes: 6))@example.net") }
    mutating func number(_ place: String) -> String {
      plant(place, "57" + String((1...10).map { _ in Character("\(Int.random(in: 0...9))") }))
    }
    private mutating func plant(_ place: String, _ text: String) -> String {
      planted.append((place, text))
      return text
    }

    /// The place of each with the line that it stands in, itself blanked.
    func found(in text: String, except: Set<String> = []) -> [String] {
      planted.filter { !except.contains($0.place) && text.contains($0.text) }.map { place, canary in
        let line = text.split(separator: "\n").first { $0.contains(canary) } ?? ""
        return "\(place): " + line.replacing(canary, with: "(canary)").prefix(400)
      }
    }
  }

  @Test(arguments: ["text", "json"])
  func `two hundred canaries show nowhere`(format: String) async throws {
    var canaries = Canaries()
    let site = try CredentialTests.site(["QUIET"])
    let vault = canaries.secret("plugin's secret")
    try site.drop(
      "vault", try Site.library("accounts", ["ID=\"vault\"", "KIND=\"box\"", "VAULT=\"\(vault)\""]),
      capabilities: "channels = [\"box\"]\nroutes = [\"/box/*\"]\nproviders = [\"vault\"]")
    try site.dropPages()
    let environment = try Self.configure(site, &canaries)
    let host = try await RunningHost(site, ["--log-format", format, "--log-level", "trace"], environment: environment)
    let labels = (1...20).map { _ in canaries.number("label") }
    for label in labels {
      let owner = canaries.address("identity")
      try host.post("/carrier/account/\(label)", #"{"identity":"\#(owner)","allow_agents":[]}"#)
    }
    try host.post("/carrier/account/\(labels[18])", #"{"allow_agents":["somebody"]}"#)
    try host.post("/carrier/script/\(labels[0])/-13/1", "")
    try host.post("/carrier/script/\(labels[1])/-11/9", "")
    try host.post("/box/account/open", "{}")
    #expect(try host.post("/box/secret", "vault:safe").contains(vault))
    #expect(try !host.post("/carrier/secret", "vault:safe").contains(vault))
    for index in 0..<60 {
      let chat = canaries.number("chat")
      try host.bring(labels[index % 19], canaries.secret("text"), chat: chat)
    }
    #expect(canaries.planted.count >= 200)
    // Seventeen accounts let everything through, one denies, one refuses one message, one is throttled.
    let sent = { try host.sent.count }
    #expect(await host.eventually(seconds: 60) { try sent() >= 51 })
    try await Self.look(at: host, for: canaries, environment)
    // A crash of the process, and the start after it.
    _ = try? host.get("/pages/crash")
    _ = await host.process.child.ended()
    try Self.look(at: site, for: canaries)
    #expect(canaries.found(in: host.process.child.output) == [])
    #expect(canaries.found(in: host.process.child.errors) == [])
    let next = try await RunningHost(site, ["--log-format", format, "--log-level", "trace"], environment: environment)
    try await Self.look(at: next, for: canaries, environment)
    #expect(await next.process.stop() == .exited(0))
    #expect(canaries.found(in: next.process.child.output + next.process.child.errors) == [])
    try Self.look(at: site, for: canaries)
  }

  @Test func `a canary that a command or a host shows fails the test that started it`() async throws {
    let site = try CredentialTests.site()
    let word = site.canaries.secret("argument of a command")
    await withKnownIssue {
      _ = try await ChildProcess.run([HostProcess.agent, "explain", word, "--config", site.config])
    }
    let host = try await RunningHost(site)
    #expect(site.canaries.count >= 7)
    // A label is a word of the operator's, and shows in metrics.
    let label = site.canaries.secret("label of an account")
    try host.post("/carrier/account/\(label)", "{}")
    await withKnownIssue { #expect(await host.process.stop() == .exited(0)) }
    // An owner may see what he asks for; the journal may not.
    let code = site.canaries.watch("code", "CODE-1234", .owner)
    #expect(site.canaries.found(in: "code \(code)", allowed: [.owner]) == [])
    #expect(site.canaries.found(in: "code \(code)") == ["code: code (canary)"])
  }

  /// Keys in variables, in values and in files; accounts named by addresses; a model server that is not there.
  private static func configure(_ site: Site, _ canaries: inout Canaries) throws -> [String: String] {
    var environment = ["OPENAI_API_KEY": canaries.secret("OPENAI_API_KEY")]
    var providers = ""
    for index in 1...19 {
      environment["CANARY_\(index)"] = canaries.secret("variable")
      providers += "  v\(index): {kind: openai, base_url: \"http://127.0.0.1:1\", api_key: \"${CANARY_\(index)}\"}\n"
      providers +=
        "  y\(index): {kind: openai, base_url: \"http://127.0.0.1:1\", api_key: \(canaries.secret("yaml"))}\n"
    }
    try site.folder.write("config/llm.yaml", "providers:\n\(providers)", mode: 0o600)
    try site.write(
      agents: """
        - {id: echo, model: {provider: echo}, inbound_bindings: [{plugin: "*"}], allowed_tools: []}
        - {id: broken, model: {provider: v1, model: m}, inbound_bindings: [{plugin: carrier, instance: ghost}]}
        - {id: named, model: {provider: y1, model: m}, inbound_bindings: [{plugin: carrier, instance: "\(canaries.number("binding"))"}]}
        - id: mail
          model: {provider: echo}
          credentials: {mail: \(canaries.address("credential"))}
        """)
    var accounts = ""
    for index in 1...19 {
      let file = try site.folder.write(
        "keys/\(index)", canaries.secret("secret file"), mode: index == 3 ? 0o644 : 0o600)
      accounts += "    - {id: \"\(canaries.address("account"))\", agent_id: mail, client_secret_path: \(file)}\n"
    }
    try site.folder.write("config/plugins/mail-auth.yaml", "mail_auth:\n  accounts:\n\(accounts)", mode: 0o600)
    return environment
  }

  /// Everything that a running host says.
  private static func look(
    at host: RunningHost, for canaries: Canaries, _ environment: [String: String]
  ) async throws {
    #expect(canaries.found(in: try host.scrape()) == [])
    #expect(canaries.found(in: try host.get("/ready?verbose").text) == [])
    #expect(canaries.found(in: try host.get("/health").text) == [])
    for path in [
      "/admin/", "/admin/agents", "/admin/agents/echo", "/admin/agents/named", "/admin/agents/none",
      "/admin/tool-policy", "/admin/tool-cache/stats", "/admin/extensions", "/admin/extensions/accounts",
      "/admin/credentials", "/admin/pairing", "/admin/dlq", "/admin/events",
    ] {
      #expect(canaries.found(in: try HTTPClient(host.admin).request("GET", path).text) == [], "\(path)")
    }
    for path in ["/admin/credentials/reload", "/admin/extensions/sweep", "/admin/tool-cache/clear"] {
      #expect(canaries.found(in: try HTTPClient(host.admin).request("POST", path).text) == [], "\(path)")
    }
    let site = host.process.site
    for words in [
      ["status"], ["status", "--json"], ["ext", "list"], ["ext", "info", "accounts"], ["ext", "doctor"], ["doctor"],
      ["check-config"], ["check-config", "--json", "--strict"], ["config", "show", "--origin"], ["reload"],
      ["pair", "list"],
    ] {
      let run = try await site.agent(words + ["--endpoint", "http://\(host.admin)"], environment: environment)
      #expect(canaries.found(in: run.output + run.errors) == [], "\(words)")
    }
  }

  /// State files: a ledger keeps the messages that it still owes somebody, and nothing else keeps any of it.
  private static func look(at site: Site, for canaries: Canaries) throws {
    for path in try files(below: site.state) {
      let text = String(decoding: try AtomicFile.read(path, limit: 64 << 20), as: UTF8.self)
      let owed: Set<String> = Path.name(of: path).hasPrefix("ledger.sqlite") ? ["text", "chat", "label"] : []
      #expect(canaries.found(in: text, except: owed) == [], "\(path)")
    }
  }

  private static func files(below folder: String) throws -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let path = Path.join(folder, name)
      guard name != ".", name != "..", let kind = try? FileStatus.of(path, followingLinks: false).kind else { continue }
      if kind == .directory { found += try files(below: path) }
      if kind == .regular { found.append(path) }
    }
    return found
  }
}
