// The table tool_accounts: which tools act with an account, and of which channel or provider.
// Part of ManifestParser. What the host makes of it is Tool's and the wiring's business (docs/adr/0013).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

extension ManifestParser {
  /// Tools and kinds must be the extension's own: it is its own code that acts with the account.
  mutating func toolAccounts(_ root: ManifestTable, _ capabilities: Manifest.Capabilities) -> [String: String] {
    guard let table = found.table("tool_accounts", in: root) else { return [:] }
    let kinds = capabilities.channels + capabilities.providers
    var accounts: [String: String] = [:]
    for entry in table.entries {
      guard let kind = found.string(entry.key, in: table) else { continue }
      guard capabilities.tools.contains(entry.key) else {
        found.add(
          .manifestBadToolAccount, "`\(clipped(entry.key))` is not in `capabilities.tools`", at: entry.keyPosition)
        continue
      }
      guard kinds.contains(kind.text) else {
        found.add(
          .manifestBadToolAccount,
          "`\(table.path(entry.key))` is `\(clipped(kind.text))`, which is no channel and no provider of this extension",
          at: kind.position)
        continue
      }
      accounts[entry.key] = kind.text
    }
    return accounts
  }
}
