// Reads the accounts that the configuration describes, without knowing any plugin: `plugins/<channel>.yaml` with the key
// `<channel>`, a map or a list with `instance`; and `plugins/<kind>-auth.yaml` with `<kind>_auth.accounts`.
// Called at boot, at each reload and by `agent check-config`. Touches no file but these; what an entry means beyond its
// account is its plugin's business.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux
internal import HostMetrics
internal import HostReasons

/// The accounts of the configuration folder.
package struct AccountFiles: Sendable {
  /// In file order; labels may stand twice, which the gauntlet reports.
  package private(set) var accounts: [CredentialAccount] = []
  /// Channels with a file: their accounts are exactly those of the file and those of the plugin.
  package private(set) var described: Set<String> = []
  package private(set) var findings: [CredentialFinding] = []

  /// The label of an account that has none.
  package static let defaultLabel = "default"
  /// The keys that the host reads, or that the pages of both systems name: a key that is nearly one of them is a typo. Other
  /// keys are their plugin's business.
  private static let channelKeys = ["instance", "allow_agents", "session_dir", "secret_files", "enabled"]
  private static let sourceKeys = [
    "id", "agent_id", "allow_agents", "client_id_path", "client_secret_path", "token_path", "scopes", "secret_files",
    "client_id", "client_secret",
  ]

  /// - Parameters:
  ///   - reader: of the configuration folder; its report gets nothing from here.
  ///   - channels: names that are known to be channels' or sources': from manifests, plugins that run, and agents.
  package init(folder: String, environment: [String: String], channels: Set<String>) {
    let report = ConfigReport()
    let reader = ConfigReader(folder: folder, environment: environment, report: report)
    for path in reader.dropIns("plugins") {
      let stem = String(Path.name(of: path).dropLast(".yaml".count))
      guard let file = reader.load(path), let root = file.openMapping() else { continue }
      if stem.hasSuffix("-auth") {
        readSources(root, kind: String(stem.dropLast("-auth".count)), folder: folder)
      } else {
        readChannel(root, channel: stem, isKnown: channels.contains(stem))
      }
    }
    findings += report.findings.map { CredentialFinding($0.isAboutReading ? .credentialIO : .other, $0) }
  }

  package init(accounts: [CredentialAccount] = [], described: Set<String> = []) {
    self.accounts = accounts
    self.described = described
  }

  /// Adds the accounts that stand inline in agents' entries, unless a file has one for that agent.
  package mutating func addInline(_ agents: [CredentialAgent]) {
    for agent in agents {
      for (kind, mark) in agent.inline.sorted(by: { $0.key < $1.key }) {
        let key = AccountKey(kind, agent.id)
        let isDescribed = accounts.contains { account in
          account.key.channel == kind && (account.key == key || account.allowAgents.contains { $0.name == agent.id })
        }
        guard !isDescribed else { continue }
        var account = CredentialAccount(key, at: mark)
        account.allowAgents = [MarkedName(agent.id)]
        account.owner = agent.id
        account.isInline = true
        accounts.append(account)
      }
    }
  }

  // MARK: Channels

  private mutating func readChannel(_ root: ConfigMap, channel: String, isKnown: Bool) {
    guard let value = root.value(channel) ?? root.value(channel.replacing("-", with: "_")) else { return }
    let entries = value.node.items == nil ? [value] : value.list()
    let maps = entries.compactMap { entry in entry.node.entries == nil ? nil : entry.openMapping().map { (entry, $0) } }
    // A plugin's settings may stand under its own name without being accounts.
    guard isKnown || maps.contains(where: { $0.1.contains("instance") || $0.1.contains("session_dir") }) else { return }
    described.insert(channel)
    for (entry, map) in maps where map.bool("enabled") != false {
      AccountFiles.checkKeys(map, AccountFiles.channelKeys)
      let label = map.text("instance", length: 1...128) ?? AccountFiles.defaultLabel
      var account = CredentialAccount(AccountKey(channel, label), at: map.value("instance")?.mark ?? entry.mark)
      account.allowAgents = AccountFiles.names(map.value("allow_agents"))
      account.sessionFolder = map.value("session_dir").flatMap { value in
        value.text(length: 1...4_096).map { CredentialFile($0, at: value.mark, mustExist: false) }
      }
      account.files = AccountFiles.files(map) { key in
        AccountFiles.secretWords.contains { key.contains($0) }
      }
      accounts.append(account)
    }
  }

  /// What the names of keys hold that lead to a file with a secret.
  private static let secretWords = ["secret", "token", "password", "credential", "private_key"]

  // MARK: Sources

  /// - Parameter folder: what relative paths of an auth file start from, for the host as for the plugin.
  private mutating func readSources(_ root: ConfigMap, kind: String, folder: String) {
    let key = "\(kind.replacing("-", with: "_"))_auth"
    guard let section = root.value(key)?.openMapping() else {
      AccountFiles.checkKeys(root, [key])
      return
    }
    described.insert(kind)
    if !section.contains("accounts") { AccountFiles.checkKeys(section, ["accounts"]) }
    for entry in section.list("accounts") {
      guard let map = entry.openMapping() else { continue }
      AccountFiles.checkKeys(map, AccountFiles.sourceKeys)
      guard let id = map.text("id", required: true, length: 1...128) else { continue }
      var account = CredentialAccount(AccountKey(kind, id), at: map.value("id")?.mark ?? entry.mark)
      account.allowAgents = AccountFiles.names(map.value("allow_agents"))
      if let value = map.value("agent_id"), let agent = value.text(length: 1...64) {
        account.owner = agent
        account.allowAgents.append(MarkedName(agent, at: value.mark))
      }
      account.files = AccountFiles.files(map, from: folder) { _ in true }
      if map.contains("scopes"), map.list("scopes").isEmpty {
        map.value("scopes")?.warning(
          .credentialsDoubtful, "the account asks for no scope", remedy: "List what its agent may do there.")
      }
      accounts.append(account)
    }
  }

  // MARK: Values

  /// A key that looks like a mistyped one of ours. Only a warning: it may be a plugin's own after all.
  private static func checkKeys(_ map: ConfigMap, _ known: [String]) {
    for (key, mark, _) in map.all where !known.contains(key) {
      guard let near = Suggestion.nearest(to: key, in: known.filter { !map.contains($0) }) else { continue }
      map.report.warning(
        .credentialsDoubtful, at: mark, "\(map.path(of: key)): looks mistyped", remedy: "Did you mean \"\(near)\"?")
    }
  }

  private static func names(_ value: ConfigValue?) -> [MarkedName] {
    (value?.list() ?? []).compactMap { item in item.text(length: 1...64).map { MarkedName($0, at: item.mark) } }
  }

  /// The files that keys ending in `_path` or `_file` name, and those of `secret_files`. A token's file is written by the
  /// plugin itself once there is a token.
  ///
  /// - Parameter folder: what relative paths start from; nil: the working directory.
  private static func files(
    _ map: ConfigMap, from folder: String? = nil, where isSecret: (String) -> Bool
  ) -> [CredentialFile] {
    let place: (String) -> String = { path in folder.map { Path.join($0, path) } ?? path }
    var found: [CredentialFile] = []
    for (key, _, value) in map.all where !value.isNull {
      if key == "secret_files" {
        found += value.list().compactMap { item in
          item.text(length: 1...4_096).map { CredentialFile(place($0), at: item.mark) }
        }
      } else if key.hasSuffix("_path") || key.hasSuffix("_file"), isSecret(key),
        let path = value.text(length: 1...4_096)
      {
        found.append(CredentialFile(place(path), at: value.mark, mustExist: !key.contains("token")))
      }
    }
    return found
  }
}

extension ConfigFinding {
  /// Whether the file itself could not be read.
  fileprivate var isAboutReading: Bool { reason == .configUnreadable || reason == .secretUnreadable }
}
