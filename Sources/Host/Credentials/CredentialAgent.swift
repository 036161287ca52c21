// What one agent claims of accounts: where it listens, and what it wants to send with.
// Made by the wiring from the agents' configuration; used by the resolver. Values only.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig

/// An agent as the resolver sees it.
package struct CredentialAgent: Sendable, Hashable {
  /// One inbound binding.
  package struct Inbound: Sendable, Hashable {
    /// A channel, or `*` for every one.
    package let channel: String
    /// A label, or nil for every account of the channel.
    package let instance: String?

    package init(_ channel: String, _ instance: String? = nil) {
      self.channel = channel
      self.instance = instance
    }
  }

  package let id: String
  package var inbound: [Inbound] = []
  /// Account by channel, with its place in the file.
  package var credentials: [String: MarkedName] = [:]
  /// Channels whose outbound account may differ from the inbound one.
  package var asymmetric: Set<String> = []
  /// The place of an inline credential block, by the kind that it is for.
  package var inline: [String: SourceMark] = [:]
  package var mark: SourceMark?

  package init(_ id: String, at mark: SourceMark? = nil) {
    self.id = id
    self.mark = mark
  }

  /// The labels that it listens on, of one channel, sorted.
  package func instances(_ channel: String) -> [String] {
    Set(inbound.filter { $0.channel == channel }.compactMap(\.instance)).sorted()
  }

  /// Whether it listens on a channel whatever the account.
  package func coversAll(_ channel: String) -> Bool {
    inbound.contains { $0.instance == nil && ($0.channel == channel || $0.channel == "*") }
  }

  /// The channels that it names, whether to listen or to send, sorted.
  package var channels: [String] {
    Set(inbound.map(\.channel).filter { $0 != "*" } + Array(credentials.keys) + Array(inline.keys)).sorted()
  }
}
