// The checks of accounts by themselves: labels that stand twice, folders that meet, files that are missing or open to
// others, names of agents that do not exist. Reads the state of files, changes nothing.
// Called for each validation; what agents claim is checked by the resolver (Resolver.swift).
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostConfig
internal import HostLinux
internal import HostMetrics
internal import HostReasons

/// Checks of accounts.
package struct Gauntlet {
  /// Everything found, in the order of the checks.
  package private(set) var findings: [CredentialFinding] = []
  /// Credential files that others than their owner may read or write, each once.
  package var insecurePaths: Int { lax.count }
  private var lax: Set<String> = []

  private let skipsPermissions: Bool
  private let exemptFolders: [String]

  /// The variable that skips the check of permissions, and only that, when it is `1`.
  package static let skipVariable = "CHAT_AUTH_SKIP_PERM_CHECK"
  /// Bits that let the group or others in.
  private static let laxBits: UInt32 = 0o077
  /// Bits that let the group or others write.
  private static let writeBits: UInt32 = 0o022

  /// - Parameter environment: for ``skipVariable`` and `CREDENTIALS_DIRECTORY` (systemd.exec(5)).
  package init(environment: [String: String]) {
    skipsPermissions = environment[Gauntlet.skipVariable] == "1"
    let given = environment["CREDENTIALS_DIRECTORY"].flatMap { $0.hasPrefix("/") ? Path.normalized($0) : nil }
    let folders = ["/run/secrets"] + [given].compactMap { $0 }.filter { $0 != "/" }
    exemptFolders = folders + folders.compactMap { try? Path.real($0) }
  }

  /// Checks accounts of the files, in file order, and of plugins.
  ///
  /// - Parameter agents: ids of the agents there are.
  package mutating func check(_ accounts: [CredentialAccount], agents: Set<String>) {
    checkLabels(accounts)
    checkFolders(accounts)
    for account in accounts {
      checkSession(account)
      checkFiles(account)
    }
    for account in accounts { checkAgents(account, agents) }
  }

  // MARK: Labels

  private mutating func checkLabels(_ accounts: [CredentialAccount]) {
    var first: [AccountKey: CredentialAccount] = [:]
    for account in accounts {
      guard let other = first[account.key] else {
        first[account.key] = account
        continue
      }
      add(
        .duplicateAccount, at: account.mark, "\(account.key): the account stands twice" + place(of: other.mark),
        remedy: "Rename or remove one of the two.", [account.key])
    }
  }

  // MARK: Folders

  private mutating func checkFolders(_ accounts: [CredentialAccount]) {
    let folders = accounts.compactMap { account in
      account.sessionFolder.map { (account: account, mark: $0.mark ?? account.mark, path: Gauntlet.resolved($0.path)) }
    }
    for (index, later) in folders.enumerated() {
      if let same = folders[..<index].first(where: { $0.path == later.path }) {
        guard same.account.key != later.account.key else { continue }
        add(
          .duplicatePath, at: later.mark,
          "\(later.account.key): its session folder is that of \(same.account.key)" + place(of: same.mark),
          remedy: "Give each account a folder of its own.", [same.account.key, later.account.key])
        continue
      }
      for other in folders[..<index] where other.account.key != later.account.key {
        guard Path.isInside(later.path, other.path) || Path.isInside(other.path, later.path) else { continue }
        let isInner = Path.isInside(later.path, other.path)
        add(
          .prefixOverlap, at: later.mark,
          "\(later.account.key): its session folder \(isInner ? "is inside" : "holds") that of \(other.account.key)"
            + place(of: other.mark),
          remedy: "Put the folders beside each other.", [other.account.key, later.account.key])
      }
    }
  }

  /// Absolute, with the links of that part resolved which exists: nothing is made to find out.
  private static func resolved(_ path: String) -> String {
    let wanted = Path.normalized(path)
    if let real = try? Path.real(wanted) { return real }
    let parent = Path.parent(of: wanted)
    return parent == wanted ? wanted : Path.join(resolved(parent), Path.name(of: wanted))
  }

  // MARK: Files

  /// A session folder that is there must keep others from its keys: nobody else may write into it, and whoever may enter it
  /// must find no file open to him. Looks at the files directly in it, not deeper.
  private mutating func checkSession(_ account: CredentialAccount) {
    guard let folder = account.sessionFolder, !skipsPermissions else { return }
    let path = Gauntlet.resolved(folder.path)
    guard let status = try? FileStatus.of(path), status.kind == .directory, !isExempt(path) else { return }
    let isLax =
      status.permissions & Gauntlet.writeBits != 0
      || status.permissions & Gauntlet.laxBits != 0
        && ((try? Tree.names(in: path)) ?? []).contains { name in
          guard let file = try? FileStatus.of(Path.join(path, name), followingLinks: false) else { return false }
          return file.kind == .regular && file.permissions & Gauntlet.laxBits != 0
        }
    guard isLax, lax.insert(path).inserted else { return }
    let shown = AccountLabel.shownPath(path)
    add(
      .insecurePermissions, at: folder.mark ?? account.mark,
      "\(account.key): the session folder \(shown), mode 0\(String(status.permissions, radix: 8)), lets others in",
      remedy: "chmod 0700 \(shown)", [account.key])
  }

  private mutating func checkFiles(_ account: CredentialAccount) {
    var seen: Set<String> = []
    for file in account.files where seen.insert(Path.normalized(file.path)).inserted {
      let path = Path.normalized(file.path)
      let mark = file.mark ?? account.mark
      let what = "\(account.key): \(AccountLabel.shownPath(path))"
      let status: FileStatus
      do throws(SystemError) { status = try FileStatus.of(path) } catch {
        guard file.mustExist || error.errno != ENOENT else { continue }
        add(
          .credentialIO, at: mark, "\(what): \(SystemError.text(of: error.errno))",
          remedy: "Create the file, readable for the host's user only.", [account.key])
        continue
      }
      if status.kind != .regular || access(path, R_OK) != 0 {
        add(
          .credentialIO, at: mark, "\(what): is not a file that the host may read",
          remedy: "Make it a regular file of the host's user, mode 0600.", [account.key])
      }
      if status.permissions & Gauntlet.laxBits != 0, !skipsPermissions, !isExempt(path) {
        lax.insert(path)
        add(
          .insecurePermissions, at: mark,
          "\(what): mode 0\(String(status.permissions, radix: 8)) lets others in",
          remedy: "chmod 0600 \(AccountLabel.shownPath(path))", [account.key])
      }
    }
  }

  /// Folders that the system fills and guards by itself; where a path leads counts, not how it is written.
  private func isExempt(_ path: String) -> Bool {
    let real = (try? Path.real(path)) ?? path
    return exemptFolders.contains { Path.isInside(real, $0) }
  }

  // MARK: Agents

  private mutating func checkAgents(_ account: CredentialAccount, _ agents: Set<String>) {
    for name in account.allowAgents where !agents.contains(name.name) {
      let near = Suggestion.nearest(to: name.name, in: agents)
      add(
        .unknownAgent, at: name.mark ?? account.mark,
        "\(account.key): allows agent \"\(AccountLabel.shown(name.name))\", which is not there",
        remedy: near.map { "Did you mean \"\($0)\"?" } ?? "Correct the id, or define the agent in agents.yaml.", [])
    }
  }

  private mutating func add(
    _ kind: ValidationKind, at mark: SourceMark?, _ message: String, remedy: String, _ accounts: [AccountKey]
  ) {
    let finding = ConfigFinding(.error, kind.reason, at: mark, message, remedy: remedy)
    findings.append(CredentialFinding(kind, finding, accounts: accounts))
  }

  private func place(of mark: SourceMark?) -> String { mark.map { ", see \($0)" } ?? "" }
}
