// The seam between credentials and the rest of the host: accounts of plugins' channels and sources go in, the gate in front
// of every send comes out, and plugins' wishes for secrets are answered.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostConfig
internal import HostCredentials
internal import HostJSON
internal import HostLinux
internal import HostMetrics
internal import HostPlugins
internal import HostReasons
internal import HostResilience
internal import PluginAPI

/// Credentials with what they are connected to.
final class CredentialWiring: Sendable {
  let credentials: Credentials
  let plugins: PluginHost
  private let inline: InlineAccounts

  /// How long a plugin may take to give a secret out.
  private static let patience: Duration = .seconds(30)

  /// - Parameter inline: gets the accounts that stand in agents' entries.
  init(_ registry: MetricsRegistry, plugins: PluginHost, inline: InlineAccounts) {
    self.plugins = plugins
    self.inline = inline
    credentials = Credentials(registry, live: { CredentialWiring.live(plugins) })
    plugins.channels.observe { [credentials] in credentials.accountsChanged() }
    plugins.credentials.observe { [credentials] in credentials.accountsChanged() }
    plugins.setCredentialResolver { [self] plugin, reference in await secret(reference, for: plugin) }
  }

  /// The gate that the agents' runtime asks before each send.
  var gate: CredentialGate { CredentialGate(credentials: credentials) }

  /// Validates what is configured and puts it in force; an agent with an error is failed, the others run.
  func boot(_ settings: HostSettings, _ configuration: AgentConfiguration) {
    credentials.boot(CredentialWiring.sources(settings, configuration))
    handOn(credentials.book, settings, configuration)
  }

  /// Hands inline accounts to their plugins' configuration, which is read next time that a plugin is (re)configured.
  private func handOn(_ book: CredentialBook, _ settings: HostSettings, _ configuration: AgentConfiguration) {
    inline.replace(book, configuration.agents, folder: settings.folders.config.value)
  }

  /// Puts a configuration in force if nothing in it is an error; see ``Credentials/install(_:alongside:)``.
  func install(
    _ sources: CredentialSetup, _ settings: HostSettings, _ configuration: AgentConfiguration, alongside: () -> Void
  ) -> CredentialBook {
    let book = credentials.install(sources, alongside: alongside).book
    if book.errors.isEmpty { handOn(book, settings, configuration) }
    return book
  }

  /// Reads the account files.
  ///
  /// - Parameter announced: channels and sources that extensions bring.
  static func sources(
    _ settings: HostSettings, _ configuration: AgentConfiguration, announced: Set<String> = []
  ) -> CredentialSetup {
    CredentialSetup.read(
      folder: settings.folders.config.value, environment: Process.environment,
      agents: configuration.agents.map(CredentialWiring.agent), announced: announced,
      strictness: settings.isStrict ? .strict : .lenient)
  }

  /// What `GET /admin/credentials` answers.
  var json: JSON {
    let accounts = Dictionary(
      (plugins.channels.entries.map { ($0.name, $0.accounts) }
        + plugins.credentials.entries.map { ($0.name, $0.accounts) })
        .flatMap { name, accounts in accounts.map { (AccountKey(name, $0.label), $0) } },
      uniquingKeysWith: { first, _ in first })
    return credentials.json { key in
      accounts[key].map { ($0.state, $0.reason.isEmpty ? nil : $0.reason) }
    }
  }

  // MARK: Translations

  private static func agent(_ definition: AgentDefinition) -> CredentialAgent {
    var agent = CredentialAgent(definition.id, at: definition.mark)
    agent.inbound = definition.bindings.map { CredentialAgent.Inbound($0.plugin, $0.instance) }
    agent.credentials = Dictionary(
      definition.credentials.map { ($0, MarkedName($1, at: definition.credentialMarks[$0] ?? definition.mark)) },
      uniquingKeysWith: { first, _ in first })
    agent.asymmetric = definition.asymmetricChannels
    if definition.inlineGoogleAuth != nil, let mark = definition.credentialMarks["google_auth"] ?? definition.mark {
      agent.inline[InlineAccounts.kind] = mark
    }
    return agent
  }

  private static func live(_ plugins: PluginHost) -> [LiveChannel] {
    plugins.channels.entries.map { LiveChannel($0.name, accounts: accounts($0.name, $0.accounts)) }
      + plugins.credentials.entries.map { LiveChannel($0.name, accounts: accounts($0.name, $0.accounts)) }
  }

  private static func accounts(_ channel: String, _ declared: [PluginAccount]) -> [CredentialAccount] {
    declared.map { declared in
      var account = CredentialAccount(AccountKey(channel, declared.label))
      account.allowAgents = declared.allowAgents.map { MarkedName($0) }
      account.sessionFolder = declared.sessionFolder.map { CredentialFile($0, mustExist: false) }
      // Whether they must be there yet is the plugin's business.
      account.files = declared.secretFiles.map { CredentialFile($0, mustExist: false) }
      return account
    }
  }

  // MARK: Secrets

  /// Answers a plugin's wish: its own sources give it anything, others' only what the operator granted.
  private func secret(_ reference: String, for plugin: String) async -> OperationResult {
    let kind = String(reference.prefix { $0 != ":" })
    let source = plugins.credentials.entry(kind)
    guard credentials.maySee(plugin: plugin, reference: reference, kind: kind, owner: source?.plugin) else {
      return OperationResult(status: Int32(NEXO_E_DENIED), bytes: Array(Reason.credentialsNotGranted.remedy.utf8))
    }
    let result = await source?.fetch(reference, timeout: CredentialWiring.patience)
    guard let result, Int(result.status) != NEXO_E_NOT_FOUND else {
      credentials.missing(kind: kind, isServed: source != nil)
      return result ?? OperationResult(status: Int32(NEXO_E_NOT_FOUND))
    }
    return result
  }
}

/// Credentials as the gate of the agents' runtime.
struct CredentialGate: OutboundGate {
  let credentials: Credentials

  func admit(agent: String, channel: String, account: String) async -> OutboundVerdict {
    do throws(SendRefusal) {
      let grant = try credentials.admit(agent: agent, channel: channel, conversation: account)
      return .granted(
        OutboundGrant(account: grant.account) { report in grant.report(CredentialGate.outcome(report)) })
    } catch {
      guard let wait = error.retryAfter else { return .refused(.permanent(error.reason, error.detail)) }
      // The channel was never asked, so it costs the message no attempt: an account's breaker may stay open for longer than
      // its attempts would last, and until its life ends the message can still arrive.
      return .refused(.notTried(error.reason, error.detail, retryAfter: wait))
    }
  }

  func took(agent: String, channel: String, account: String) {
    credentials.took(agent: agent, channel: channel, account: account)
  }

  func fault(of agent: String) -> Reason? { credentials.fault(of: agent) }

  /// A throttled account, a service that fails, a time-out or a lost connection count against the account; a message that
  /// the service will not have says nothing about it, and neither does a plugin that is not there.
  private static func outcome(_ report: DeliveryReport) -> BreakerOutcome {
    switch report {
    case .delivered: .success
    case .failed(let failure):
      failure.failureClass == .transient && failure.reason != .agentsNoChannel && !Task.isCancelled
        ? .failure : .neutral
    }
  }
}
