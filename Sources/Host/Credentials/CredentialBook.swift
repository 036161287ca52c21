// One accepted state of credentials: accounts, bindings, and who must not work for which reason. Immutable: a reload makes
// a new one and swaps it in, so that whoever reads sees all of the old or all of the new.
// Made by Credentials; every check runs here, so boot, reload and `check-config` cannot differ.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostMetrics
package import HostReasons

/// What a validation starts from: files, read once.
package struct CredentialSetup: Sendable {
  package var agents: [CredentialAgent]
  package var files: AccountFiles
  package var grants: SecretGrants
  package var strictness: Strictness
  /// Channels that extensions bring, by their manifests.
  package var announced: Set<String>
  /// For the check of files.
  package var environment: [String: String]

  /// Reads the account files and the grants.
  package static func read(
    folder: String, environment: [String: String], agents: [CredentialAgent], announced: Set<String>,
    strictness: Strictness
  ) -> CredentialSetup {
    let named = agents.reduce(into: announced) { $0.formUnion($1.channels) }
    var files = AccountFiles(folder: folder, environment: environment, channels: named)
    files.addInline(agents)
    return CredentialSetup(
      agents: agents, files: files, grants: SecretGrants(folder: folder, environment: environment),
      strictness: strictness, announced: announced, environment: environment)
  }

  package init(
    agents: [CredentialAgent] = [], files: AccountFiles = AccountFiles(), grants: SecretGrants = SecretGrants(),
    strictness: Strictness = .lenient, announced: Set<String> = [], environment: [String: String] = [:]
  ) {
    self.agents = agents
    self.files = files
    self.grants = grants
    self.strictness = strictness
    self.announced = announced
    self.environment = environment
  }
}

/// One state.
package struct CredentialBook: Sendable {
  package let sources: CredentialSetup
  /// By key; the file's entry where a plugin declares the same account.
  package let accounts: [AccountKey: CredentialAccount]
  /// Channels and sources that plugins serve now.
  package let live: Set<String>
  let liveChannels: [LiveChannel]
  /// Binding by agent and channel, for every channel that is known.
  package let bindings: [String: [String: Binding]]
  /// Agents that must not work.
  package let failedAgents: [String: Reason]
  /// Accounts that must not be used.
  package let faultyAccounts: [AccountKey: Reason]
  package let findings: [CredentialFinding]
  package let insecurePaths: Int

  package var errors: [CredentialFinding] { findings.filter(\.isError) }
  package var warnings: [CredentialFinding] { findings.filter { !$0.isError } }
  /// Every channel that has an account, a plugin, or an agent that names it.
  package var channels: Set<String> { Set(bindings.values.flatMap(\.keys)).union(accounts.keys.map(\.channel)) }

  /// The state before anything was read.
  init() { self.init(CredentialSetup(), live: [], .booting) }

  /// Validates everything and makes the book of it.
  init(_ sources: CredentialSetup, live: [LiveChannel], _ moment: Resolver.Moment) {
    let all = CredentialBook.merged(sources.files.accounts, live)
    var gauntlet = Gauntlet(environment: sources.environment)
    gauntlet.check(all, agents: Set(sources.agents.map(\.id)))
    let serving = Set(live.map(\.name))
    let accounts = Dictionary(all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    var resolver = Resolver(
      accounts: accounts, described: sources.files.described, known: sources.announced.union(serving), live: serving,
      strictness: sources.strictness, moment: moment)
    let channels = Set(accounts.keys.map(\.channel)).union(serving)
    bindings = sources.agents.reduce(into: [:]) { $0[$1.id] = resolver.bind($1, channels) }
    let found =
      sources.files.findings + sources.grants.findings + gauntlet.findings + CredentialBook.inline(sources)
      + resolver.findings
    findings = found.map { CredentialBook.judged($0, sources.strictness) }
    let faulty = CredentialBook.faulty(findings)
    failedAgents = CredentialBook.failed(findings, bindings, faulty)
    faultyAccounts = faulty
    insecurePaths = gauntlet.insecurePaths
    self.sources = sources
    self.accounts = accounts
    self.live = serving
    liveChannels = live
  }

  // MARK: Parts

  /// The accounts of files, with what their plugins add to them, and those that only plugins know of.
  private static func merged(_ written: [CredentialAccount], _ live: [LiveChannel]) -> [CredentialAccount] {
    let declared = Dictionary(
      live.flatMap(\.accounts).map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(written.map(\.key))
    return written.map { account in
      guard let own = declared[account.key] else { return account }
      var account = account
      account.sessionFolder = account.sessionFolder ?? own.sessionFolder
      account.files += own.files
      return account
    } + live.flatMap(\.accounts).filter { !known.contains($0.key) }
  }

  private static func inline(_ sources: CredentialSetup) -> [CredentialFinding] {
    sources.agents.flatMap { agent in
      agent.inline.sorted { $0.key < $1.key }.map { kind, mark in
        CredentialFinding(
          .legacyInlineGoogleAuth,
          ConfigFinding(
            sources.strictness.warning, ValidationKind.legacyInlineGoogleAuth.reason, at: mark,
            "agent \(agent.id): \(kind)_auth stands inline; it is taken as an account of this agent alone",
            remedy: "Move it to plugins/\(kind)-auth.yaml, with the secrets in files."),
          agent: agent.id)
      }
    }
  }

  /// Strict: what would be a warning is an error.
  private static func judged(_ found: CredentialFinding, _ strictness: Strictness) -> CredentialFinding {
    guard strictness == .strict, !found.isError else { return found }
    return CredentialFinding(found.kind, found.finding.asError, agent: found.agent, accounts: found.accounts)
  }

  private static func faulty(_ findings: [CredentialFinding]) -> [AccountKey: Reason] {
    findings.filter(\.isError).reduce(into: [:]) { faulty, found in
      for key in found.accounts where faulty[key] == nil { faulty[key] = found.finding.reason }
    }
  }

  private static func failed(
    _ findings: [CredentialFinding], _ bindings: [String: [String: Binding]], _ faulty: [AccountKey: Reason]
  ) -> [String: Reason] {
    var failed: [String: Reason] = [:]
    for found in findings where found.isError {
      if let agent = found.agent, failed[agent] == nil { failed[agent] = found.finding.reason }
    }
    for (agent, channels) in bindings where failed[agent] == nil {
      for (channel, binding) in channels.sorted(by: { $0.key < $1.key }) {
        guard case .account(let label) = binding, let reason = faulty[AccountKey(channel, label)] else { continue }
        failed[agent] = reason
        break
      }
    }
    return failed
  }
}
