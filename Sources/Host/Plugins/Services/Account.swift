// An account of a channel or credential source as its plugin declares it: what the console, readiness and pairing show.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// One account, by its label.
package struct PluginAccount: Sendable, Equatable {
  package enum Health: Sendable, Equatable { case up, degraded, down }

  /// The operator's name for it.
  package let label: String
  /// Number or address: a secret of its owner, shown by fingerprint only. Empty: not known yet.
  package var identity = ""
  /// Agents that may use it; empty: all.
  package var allowAgents: [String] = []
  package var sessionFolder: String?
  /// Files that must be readable by the host's user only.
  package var secretFiles: [String] = []
  /// Path of the page on which its owner links it.
  package var page: String?
  /// Down until the plugin says otherwise.
  package var health = Health.down
  /// The channel's own word.
  package var state = ""
  /// A dotted code; empty when `health` is up.
  package var reason = ""
  /// When health, state or reason last changed, in nanoseconds since the epoch.
  package var since: UInt64 = 0
  /// A JSON object for people.
  package var detail = "{}"
}

/// The accounts of one channel or source.
final class AccountTable: Sendable {
  /// Ours: an operator has tens.
  private static let limit = 1_024
  /// The header says nothing: ours.
  static let maxLabel = 128
  private static let maxJSON = 64 << 10
  private let accounts = Mutex<[String: PluginAccount]>([:])

  var all: [PluginAccount] { accounts.withLock { Array($0.values) }.sorted { $0.label < $1.label } }
  func contains(_ label: String) -> Bool { accounts.withLock { $0[label] != nil } }

  /// account(): declares one, or declares it anew, which keeps its state.
  func declare(_ label: nexo_str, _ declaration: nexo_str) -> nexo_status {
    guard let label = label.text(limit: AccountTable.maxLabel), !label.isEmpty,
      let text = declaration.text(limit: AccountTable.maxJSON),
      let object = (try? JSON.parse(text.isEmpty ? "{}" : text))?.object
    else { return invalid }
    return accounts.withLock { accounts in
      guard accounts[label] != nil || accounts.count < AccountTable.limit else { return nexo_status(NEXO_E_LIMIT) }
      var account = accounts[label] ?? PluginAccount(label: label, since: Clock.wall())
      account.identity = object["identity"]?.string ?? ""
      account.allowAgents = AccountTable.texts(object["allow_agents"])
      account.sessionFolder = object["session_dir"]?.string
      account.secretFiles = AccountTable.texts(object["secret_files"])
      account.page = object["page"]?.string
      accounts[label] = account
      return ok
    }
  }

  /// account_gone().
  func remove(_ label: nexo_str) -> nexo_status {
    guard let label = label.text(limit: AccountTable.maxLabel) else { return invalid }
    return accounts.withLock { $0.removeValue(forKey: label) } == nil ? nexo_status(NEXO_E_NOT_FOUND) : ok
  }

  /// state(). An unknown health counts as down.
  func set(_ label: nexo_str, _ health: Int32, _ state: nexo_str, _ reason: nexo_str, _ detail: nexo_str) -> nexo_status
  {
    guard let label = label.text(limit: AccountTable.maxLabel), let state = state.text(limit: 256),
      let reason = reason.text(limit: 256), AccountTable.isCode(reason),
      let detail = detail.text(limit: AccountTable.maxJSON)
    else { return invalid }
    guard detail.isEmpty || (try? JSON.parse(detail))?.object != nil else { return invalid }
    return accounts.withLock { accounts in
      guard let before = accounts[label] else { return nexo_status(NEXO_E_NOT_FOUND) }
      var account = before
      account.health = Int(health) == NEXO_UP ? .up : Int(health) == NEXO_DEGRADED ? .degraded : .down
      account.state = state
      account.reason = reason
      if account != before { account.since = Clock.wall() }
      account.detail = detail.isEmpty ? "{}" : detail
      accounts[label] = account
      return ok
    }
  }

  /// Lower-case words with dots and underscores, or nothing: reasons become labels of metrics.
  private static func isCode(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
  }

  private static func texts(_ value: JSON?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
}
