// Who writes, who waits and who was let in, as the store keeps them.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
package import HostJSON
internal import HostLinux

/// A sender on one account of a channel, spelled as the channel spells senders.
package struct PairingPeer: Sendable, Hashable {
  package let channel: String
  package let account: String
  package let sender: String

  package init(channel: String, account: String, sender: String) {
    self.channel = channel
    self.account = account
    self.sender = sender
  }

  /// 16 hex digits that stand for the peer where it may not be shown.
  package var fingerprint: String {
    var digest = [UInt8](repeating: 0, count: 32)
    let bytes = Array("\(channel)\u{0}\(account)\u{0}\(sender)".utf8)
    _ = SHA256(bytes, bytes.count, &digest)
    return Hex.text(digest.prefix(8))
  }
}

/// A request that waits for an approval.
package struct PairingRequest: Sendable, Equatable {
  package let peer: PairingPeer
  package let code: String
  /// Nanoseconds since the epoch.
  package let created: UInt64
  package let meta: JSON

  package var json: JSON {
    [
      "channel": .string(peer.channel), "account_id": .string(peer.account), "sender_id": .string(peer.sender),
      "code": .string(code), "created_at": .string(Clock.rfc3339(created)),
      "expires_at": .string(Clock.rfc3339(created &+ PairingRules.codeLife.nanoseconds)), "meta": meta,
    ]
  }
}

/// How somebody was let in.
package enum ApprovalWay: String, Sendable, CaseIterable { case cli, console, seed }

/// A sender that was let in, perhaps no longer.
package struct PairingApproval: Sendable, Equatable {
  package let peer: PairingPeer
  /// Nanoseconds since the epoch.
  package let approved: UInt64
  package let via: String
  package let revoked: UInt64?

  package var json: JSON {
    [
      "channel": .string(peer.channel), "account_id": .string(peer.account), "sender_id": .string(peer.sender),
      "approved_at": .string(Clock.rfc3339(approved)), "approved_via": .string(via),
      "revoked_at": JSON(revoked.map(Clock.rfc3339)),
    ]
  }
}

/// What `pair approve` came to.
package enum ApprovalOutcome: Sendable, Equatable {
  case approved(PairingApproval)
  case expired(channel: String)
  case unknown
}

/// The numbers of the gate, all of them the page's (spec/pairing.md) unless marked.
package enum PairingRules {
  /// How long a code is good.
  package static let codeLife: Duration = .seconds(3_600)
  /// Requests that may wait on one account.
  package static let slots = 3
  /// A sender that waits is answered once in this time.
  package static let coolDown: Duration = .seconds(600)
  /// Ours: after a challenge that could not be sent, the next message tries again this much later.
  package static let retryAfterFailure: Duration = .seconds(60)
  /// How long a decision is remembered.
  package static let decisionLife: Duration = .seconds(30)
  /// Ours: an expired code is kept this long, so that approving it says "expired" and not "unknown".
  package static let expiredGrace: Duration = .seconds(600)

  private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789".utf8)

  /// Eight characters, each of 32 equally likely: 40 bits from the system's random source.
  package static func code() -> String {
    String(decoding: Random.bytes(8).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
  }

  /// A code as people write it: case, spaces and dashes do not count.
  package static func canonical(_ code: String) -> String {
    String(code.uppercased().filter { $0 != "-" && !$0.isWhitespace })
  }
}
