// What the operator does about senders: approve, revoke, seed, list. Counts approvals, spells senders as the channel does, and
// has the gate forget, so that each decision holds at once.
// Called by the console's routes. Commands without a host work on the store itself.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
package import HostMetrics

/// The operator's side of the gate.
package struct PairingDesk: Sendable {
  private let store: PairingStore
  private let gate: ChallengeGate
  private let clock: @Sendable () -> UInt64
  private let approvals: CounterFamily<String, ApprovalResult>
  private let codesExpired: Counter

  package init(
    store: PairingStore, gate: ChallengeGate, registry: MetricsRegistry,
    clock: @escaping @Sendable () -> UInt64 = { Clock.wall() }
  ) {
    self.store = store
    self.gate = gate
    self.clock = clock
    approvals = registry.counter(Families.pairingApprovals)
    codesExpired = registry.counter(Families.pairingCodesExpired).with()
  }

  /// Lets in whoever was sent the code.
  package func approve(_ code: String, via way: ApprovalWay) async throws(PairingError) -> PairingApproval {
    switch try await store.approve(code, via: way, now: clock()) {
    case .approved(let approval):
      gate.forget()
      approvals.with(approval.peer.channel, .ok).inc()
      return approval
    case .expired(let channel):
      approvals.with(channel, .expired).inc()
      codesExpired.inc()
      throw .codeExpired(channel: channel)
    case .unknown:
      approvals.with("", .notFound).inc()
      throw .codeUnknown
    }
  }

  /// Takes a sender's approvals on a channel back.
  ///
  /// - Returns: how many there were, at least 1.
  package func revoke(channel: String, sender: String) async throws(PairingError) -> Int {
    var count = 0
    // As it was written, too: it may be from a seed without a host, or from an older spelling.
    for spelling in Set([sender, await gate.spelling(channel, sender).text ?? sender]) {
      count += try await store.revoke(channel: channel, sender: spelling, now: clock())
    }
    gate.forget()
    guard count > 0 else { throw .notApproved }
    return count
  }

  /// Lets senders in without a code.
  ///
  /// - Returns: how many were not in before.
  package func seed(channel: String, account: String, senders: [String]) async throws(PairingError) -> Int {
    var peers: [PairingPeer] = []
    for sender in senders {
      let spelling = await gate.spelling(channel, sender)
      guard !sender.isEmpty, spelling != .refused else { throw .badSender }
      peers.append(PairingPeer(channel: channel, account: account, sender: spelling.text ?? sender))
    }
    let count = try await store.seed(peers, now: clock())
    gate.forget()
    return count
  }
}

extension SenderSpelling {
  /// The spelling, if the channel gave one.
  fileprivate var text: String? { if case .spelled(let text) = self { text } else { nil } }
}
