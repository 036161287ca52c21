// What the gate needs of a channel: how it spells senders, and how it tells a stranger his code.
// Implemented by HostApp over the plugin ABI's commands and the broker.
//
// SPDX-License-Identifier: Apache-2.0

package import HostMetrics

/// A sender as the channel spells it.
package enum SenderSpelling: Sendable, Equatable {
  /// The one spelling; the channel without an opinion gives the sender back as it came.
  case spelled(String)
  /// Not an address of the channel.
  case refused
  /// The channel did not say: nothing may be decided now.
  case failed
}

/// What a stranger is to be told.
package struct Challenge: Sendable, Equatable {
  package let peer: PairingPeer
  /// The sender as the message named it: the channel's own way to reach him.
  package let address: String
  package let chat: String
  package let isGroup: Bool
  /// The agent he wrote to.
  package let agent: String
  package let code: String
  package let secondsLeft: Int
}

/// The way to a channel.
package protocol ChallengeAdapter: Sendable {
  func spelling(of sender: String, channel: String) async -> SenderSpelling
  /// Sends a challenge; what it answers is counted.
  func send(_ challenge: Challenge) async -> ChallengeResult
}
