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
        readSources(root, kind: String(stem.dropLast("-auth".count)))
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

  private mutating func readSources(_ root: ConfigMap, kind: String) {
    let key = "\(kind.replacing("-", with: "_"))_auth"
    guard let section = root.value(key)?.openMapping() else { return }
    described.insert(kind)
    for entry in section.list("accounts") {
      guard let map = entry.openMapping(), let id = map.text("id", required: true, length: 1...128) else { continue }
      var account = CredentialAccount(AccountKey(kind, id), at: map.value("id")?.mark ?? entry.mark)
      account.allowAgents =
        AccountFiles.names(map.value("allow_agents"))
        + (map.value("agent_id").flatMap { value in value.text().map { [MarkedName($0, at: value.mark)] } } ?? [])
      account.files = AccountFiles.files(map) { _ in true }
      if map.contains("scopes"), map.list("scopes").isEmpty {
        map.value("scopes")?.warning(
          .credentialsDoubtful, "the account asks for no scope", remedy: "List what its agent may do there.")
      }
      accounts.append(account)
    }
  }

  // MARK: Values

  private static func names(_ value: ConfigValue?) -> [MarkedName] {
    (value?.list() ?? []).compactMap { item in item.text(length: 1...64).map { MarkedName($0, at: item.mark) } }
  }

  /// The files that keys ending in `_path` or `_file` name, and those of `secret_files`. A token's file is written by the
  /// plugin itself once there is a token.
  private static func files(_ map: ConfigMap, where isSecret: (String) -> Bool) -> [CredentialFile] {
    var found: [CredentialFile] = []
    for (key, _, value) in map.all where !value.isNull {
      if key == "secret_files" {
        found += value.list().compactMap { item in
          item.text(length: 1...4_096).map { CredentialFile($0, at: item.mark) }
        }
      } else if key.hasSuffix("_path") || key.hasSuffix("_file"), isSecret(key),
        let path = value.text(length: 1...4_096)
      {
        found.append(CredentialFile(path, at: value.mark, mustExist: !key.contains("token")))
      }
    }
    return found
  }
}

extension ConfigFinding {
  /// Whether the file itself could not be read.
  fileprivate var isAboutReading: Bool { reason == .configUnreadable || reason == .secretUnreadable }
}
