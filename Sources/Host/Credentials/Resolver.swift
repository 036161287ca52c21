// Maps (agent, channel) to an account, and says what is wrong with each agent's claims. Pure: no file, no clock.
// Used by CredentialBook, once for each book.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostMetrics
internal import HostReasons

/// What an agent sends with on one channel.
package enum Binding: Sendable, Hashable {
  /// This account, whatever conversation it answers.
  case account(String)
  /// The account that a conversation takes place on: the agent listens on all of the channel's.
  case conversation
  /// Nothing.
  case unbound
}

/// The claims of agents against the accounts there are.
struct Resolver {
  /// When the claims are looked at: what is not known yet is no finding.
  enum Moment: Sendable {
    /// Without plugins, by `agent check-config`: what cannot be known is said.
    case offline
    /// Before the first plugin runs.
    case booting
    /// Plugins have declared their accounts.
    case running
  }

  let accounts: [AccountKey: CredentialAccount]
  /// Channels whose accounts are in a file.
  let described: Set<String>
  /// Channels that some extension or plugin brings.
  let known: Set<String>
  /// Channels with a plugin that runs.
  let live: Set<String>
  let strictness: Strictness
  let moment: Moment
  private(set) var findings: [CredentialFinding] = []

  init(
    accounts: [AccountKey: CredentialAccount], described: Set<String>, known: Set<String>, live: Set<String>,
    strictness: Strictness, moment: Moment
  ) {
    self.accounts = accounts
    self.described = described
    self.known = known
    self.live = live
    self.strictness = strictness
    self.moment = moment
  }

  /// The bindings of one agent, by each of the given channels.
  mutating func bind(_ agent: CredentialAgent, _ channels: Set<String>) -> [String: Binding] {
    var bindings: [String: Binding] = [:]
    for channel in channels.union(agent.channels).sorted() { bindings[channel] = bind(agent, channel) }
    for channel in agent.asymmetric.sorted() where agent.credentials[channel] == nil {
      doubt(
        agent, at: agent.mark, "credentials.\(channel)_asymmetric has no effect: credentials.\(channel) is not set",
        remedy: "Remove it, or name the account.")
    }
    return bindings
  }

  /// The order is the page's (credentials.md): explicit, else the one labelled binding, else nothing. An account that a file
  /// calls the agent's own is one that it names (docs/adr/0013); listening on the whole channel binds to the conversation's
  /// account (docs/adr/0006).
  private mutating func bind(_ agent: CredentialAgent, _ channel: String) -> Binding {
    let instances = agent.instances(channel)
    if let explicit = agent.credentials[channel] ?? own(agent, channel, isAlone: instances.isEmpty) {
      for instance in instances where instance != explicit.name { expect(instance, agent, channel, at: agent.mark) }
      guard expect(explicit.name, agent, channel, at: explicit.mark) else { return .unbound }
      checkAccess(explicit, agent, channel)
      checkSymmetry(explicit, agent, channel, instances)
      return .account(explicit.name)
    }
    let present = instances.filter { expect($0, agent, channel, at: agent.mark) }
    if instances.count > 1 {
      add(
        .ambiguousOutbound, agent, at: agent.mark,
        "agent \(agent.id): listens on \(instances.count) accounts of \(channel), and which one sends is not said",
        remedy: "Add `credentials: {\(channel): LABEL}` with one of "
          + instances.map(AccountLabel.shown).joined(separator: ", ") + ".")
      return .unbound
    }
    if agent.coversAll(channel) { return .conversation }
    guard let only = present.first else { return .unbound }
    checkAccess(MarkedName(only, at: agent.mark), agent, channel)
    return .account(only)
  }

  /// The one account that a file says is the agent's (`agent_id`, or an inline block). Several are a finding.
  ///
  /// - Parameter isAlone: the agent listens on no account of the kind by name.
  private mutating func own(_ agent: CredentialAgent, _ channel: String, isAlone: Bool) -> MarkedName? {
    guard isAlone else { return nil }
    let own = accounts.values.filter { $0.key.channel == channel && $0.owner == agent.id }.sorted { $0.key < $1.key }
    guard own.count > 1 else { return own.first.map { MarkedName($0.key.label, at: $0.mark) } }
    add(
      .ambiguousOutbound, agent, at: own[1].mark,
      "agent \(agent.id): \(own.count) accounts of \(channel) name it in agent_id, and which one it uses is not said",
      remedy: "Add `credentials: {\(channel): LABEL}` with one of "
        + own.map(\.key.instance).joined(separator: ", ") + " to the agent.")
    return nil
  }

  // MARK: Checks

  /// Whether an account is there, or cannot be known to be missing yet.
  @discardableResult
  private mutating func expect(
    _ label: String, _ agent: CredentialAgent, _ channel: String, at mark: SourceMark?
  ) -> Bool {
    if accounts[AccountKey(channel, label)] != nil { return true }
    // A channel that no file describes has the accounts that its plugin will declare.
    let mayCome = moment == .booting || moment == .offline && known.contains(channel)
    if mayCome, !described.contains(channel), !live.contains(channel) {
      if moment == .offline {
        doubt(
          agent, at: mark,
          "agent \(agent.id): whether \(channel) has the account \(AccountLabel.shown(label)) is known only when its "
            + "plugin runs", remedy: "Describe the accounts in plugins/\(channel).yaml, or look at `agent status`.")
      }
      return true
    }
    let labels = accounts.keys.filter { $0.channel == channel }.map(\.instance).sorted()
    let channels = Set(accounts.keys.map(\.channel)).union(known).sorted()
    let near =
      labels.isEmpty && !known.contains(channel)
      ? Suggestion.nearest(to: channel, in: channels) : Suggestion.nearest(to: label, in: labels)
    add(
      .missingInstance, agent, at: mark,
      "agent \(agent.id): \(channel) has no account \(AccountLabel.shown(label))",
      remedy: near.map { "Did you mean \"\($0)\"?" }
        ?? (labels.isEmpty
          ? "No account of \(channel) is known: describe it in plugins/\(channel).yaml."
          : "Known: \(labels.joined(separator: ", "))."))
    return false
  }

  private mutating func checkAccess(_ account: MarkedName, _ agent: CredentialAgent, _ channel: String) {
    guard let known = accounts[AccountKey(channel, account.name)], !known.allows(agent.id) else { return }
    add(
      .allowAgentsExcludes, agent, at: account.mark,
      "agent \(agent.id): \(known.key) does not allow this agent" + (known.mark.map { ", see \($0)" } ?? ""),
      remedy: "Add the agent to the account's allow_agents, or give it another account.")
  }

  private mutating func checkSymmetry(
    _ account: MarkedName, _ agent: CredentialAgent, _ channel: String, _ instances: [String]
  ) {
    guard !instances.isEmpty, !instances.contains(account.name), !agent.coversAll(channel),
      !agent.asymmetric.contains(channel)
    else { return }
    add(
      .asymmetricBinding, agent, at: account.mark,
      "agent \(agent.id): listens on \(channel) \(instances.map(AccountLabel.shown).joined(separator: ", ")) and sends "
        + "from \(AccountLabel.shown(account.name))",
      remedy: "Use one account, or add `\(channel)_asymmetric: true` to its credentials.", strictness.warning)
  }

  private mutating func doubt(_ agent: CredentialAgent, at mark: SourceMark?, _ message: String, remedy: String) {
    // A finding of its own, but nothing that keeps the agent from working when it is only a warning.
    add(.other, agent, at: mark, message, remedy: remedy, strictness.warning)
  }

  private mutating func add(
    _ kind: ValidationKind, _ agent: CredentialAgent, at mark: SourceMark?, _ message: String, remedy: String,
    _ severity: ConfigFinding.Severity = .error
  ) {
    findings.append(
      CredentialFinding(
        kind, ConfigFinding(severity, kind.reason, at: mark, message, remedy: remedy), agent: agent.id))
  }
}
