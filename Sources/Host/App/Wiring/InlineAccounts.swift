// Credential blocks that stand in agents' entries, handed to the plugin that serves their kind: they join the accounts of
// its configuration file, in memory only (credentials.md: "migrated in memory").
// Filled by CredentialWiring with what is in force; read by PluginConfigFiles. Holds secrets: prints nothing.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostCredentials
internal import HostJSON
internal import HostLinux
internal import Synchronization

/// The inline accounts in force, by kind.
final class InlineAccounts: Sendable {
  private let entries = Mutex<[String: [JSON]]>([:])

  /// The kind of the one inline block that there is, a heritage of the reference system.
  static let kind = "google"

  /// Takes over what a book accepted: accounts that a file describes too, and those of strict checks, are not handed on.
  ///
  /// - Parameter folder: the configuration folder, which a relative `workspace` is below.
  func replace(_ book: CredentialBook, _ agents: [AgentDefinition], folder: String) {
    let accepted = agents.compactMap { agent -> JSON? in
      let key = AccountKey(InlineAccounts.kind, agent.id)
      guard book.sources.strictness == .lenient, let block = agent.inlineGoogleAuth,
        book.accounts[key]?.isInline == true, book.faultyAccounts[key] == nil
      else { return nil }
      return InlineAccounts.entry(agent.id, block, folder)
    }
    entries.withLock { $0 = accepted.isEmpty ? [:] : [InlineAccounts.kind: accepted] }
  }

  /// A plugin's configuration with the inline accounts of its kinds behind those of its file.
  ///
  /// - Parameter kinds: what the plugin provides. A file that is not of the expected shape is left as it is, for the plugin
  ///   to complain about.
  func merged(into configuration: JSON, kinds: [String]) -> JSON {
    let entries = self.entries.withLock { $0 }
    var root = configuration.object ?? [:]
    for kind in kinds.sorted() {
      guard let inline = entries[kind] else { continue }
      let key = "\(kind.replacing("-", with: "_"))_auth"
      let section = root[key] ?? [:]
      guard var members = section.isNull ? [:] : section.object else { continue }
      let accounts = members["accounts"] ?? []
      guard let written = accounts.isNull ? [] : accounts.array else { continue }
      members["accounts"] = .array(written + inline)
      root[key] = .object(members)
    }
    return .object(root)
  }

  /// One entry of `accounts`: named after its agent, as the reference system does. A token file keeps its place; an account
  /// without one gets a file of the plugin's own. `redirect_port` has no meaning here: ports are free ones.
  private static func entry(_ agent: String, _ inline: InlineCredential, _ folder: String) -> JSON {
    let block = inline.reveal()
    var entry: JSONObject = ["id": .string(agent), "agent_id": .string(agent)]
    for (name, value) in block.object ?? [:] where !["id", "agent_id", "token_file", "redirect_port"].contains(name) {
      entry[name] = value
    }
    if let file = block["token_file"]?.string, !file.isEmpty {
      entry["token_path"] = .string(Path.join(Path.join(folder, inline.workspace ?? ""), file))
    }
    return .object(entry)
  }
}
