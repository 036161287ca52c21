// An account as the host knows it: from a file of the configuration, from the plugin that declares it, or from both.
// Values only. Made by AccountFiles and by the wiring; used by the gauntlet and the resolver.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig

/// An account's name: unique in the process.
package struct AccountKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// A kind of channel or of credential source.
  package let channel: String
  /// The operator's label; may be an address, so that it is never shown as it is.
  package let label: String

  package init(_ channel: String, _ label: String) {
    self.channel = channel
    self.label = label
  }

  /// The label as it may be shown: the `instance` of metrics.
  package var instance: String { AccountLabel.shown(label) }
  /// `chat.personal`, safe to show.
  package var description: String { "\(channel).\(instance)" }

  package static func < (left: AccountKey, right: AccountKey) -> Bool {
    (left.channel, left.label) < (right.channel, right.label)
  }
}

/// A name in a file, with its place.
package struct MarkedName: Sendable, Hashable {
  package let name: String
  package let mark: SourceMark?

  package init(_ name: String, at mark: SourceMark? = nil) {
    self.name = name
    self.mark = mark
  }
}

/// A file that holds a secret of an account.
package struct CredentialFile: Sendable, Hashable {
  /// As it is written; relative paths start from the working directory.
  package let path: String
  package let mark: SourceMark?
  /// False for a file that the plugin writes itself, later.
  package let mustExist: Bool

  package init(_ path: String, at mark: SourceMark? = nil, mustExist: Bool = true) {
    self.path = path
    self.mark = mark
    self.mustExist = mustExist
  }
}

/// One account.
package struct CredentialAccount: Sendable, Hashable {
  package let key: AccountKey
  /// Agents that may use it; empty: all.
  package var allowAgents: [MarkedName] = []
  /// The agent that the account is said to be of (`agent_id`), which is bound to it by that.
  package var owner: String?
  package var sessionFolder: CredentialFile?
  package var files: [CredentialFile] = []
  /// Where it is written; nil for one that only its plugin knows of.
  package var mark: SourceMark?
  /// Stands inline in an agent's entry, the way of the reference system's past.
  package var isInline = false

  package init(_ key: AccountKey, at mark: SourceMark? = nil) {
    self.key = key
    self.mark = mark
  }

  /// Whether an agent may use it.
  package func allows(_ agent: String) -> Bool {
    allowAgents.isEmpty || allowAgents.contains { $0.name == agent }
  }
}

/// A channel or credential source that a running plugin serves, with the accounts that it declares.
package struct LiveChannel: Sendable, Equatable {
  package let name: String
  package let accounts: [CredentialAccount]

  package init(_ name: String, accounts: [CredentialAccount]) {
    self.name = name
    self.accounts = accounts
  }
}
