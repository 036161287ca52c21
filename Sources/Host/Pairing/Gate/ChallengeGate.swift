// Who may write to an agent: approved senders at once; an unknown one is sent a code, if there is room for his request, and
// his message ends here. Fails closed: while the store does not work nobody is let in, and nothing is taken from a channel.
// Called for every inbound message of a binding with `auto_challenge`, from any task.
//
//     judge() ─ remembered? ─ approved? ─▶ admitted
//                                  └ room? ─ no ─▶ refused (no_slot)
//                                       └ answered of late? ─ yes ─▶ refused (cooling_down)
//                                                └ no ─▶ challenge ─▶ refused (challenged)
//
// Strangers cost bounded memory and hold up nobody: decisions about known and unknown senders are remembered apart, and past
// an account's three requests a stranger costs one read in 30 s.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
package import HostMetrics
package import HostReasons
internal import HostResilience
internal import Synchronization

/// What the gate says.
package enum GateVerdict: Sendable, Equatable {
  case admitted
  case refused(Reason)
  /// Not now: offer the message again.
  case unavailable(Reason)
}

/// A message as far as the gate looks at it.
package struct GateQuestion: Sendable {
  package let channel: String
  package let account: String
  package let sender: String
  package let chat: String
  package let isGroup: Bool
  package let agent: String

  package init(channel: String, account: String, sender: String, chat: String, isGroup: Bool, agent: String) {
    self.channel = channel
    self.account = account
    self.sender = sender
    self.chat = chat
    self.isGroup = isGroup
    self.agent = agent
  }
}

/// The gate.
package final class ChallengeGate: Sendable {
  private struct Decision: Sendable {
    let verdict: GateVerdict
    /// Nanoseconds of the monotonic clock.
    let until: UInt64
  }
  private struct Spelling: Hashable {
    let channel: String
    let sender: String
  }
  private struct Memory {
    var admitted = BoundedMap<PairingPeer, Decision>(capacity: ChallengeGate.remembered)
    var refused = BoundedMap<PairingPeer, Decision>(capacity: ChallengeGate.remembered)
    var spellings = BoundedMap<Spelling, String>(capacity: ChallengeGate.remembered)
    /// Senders to whom a challenge is under way: at most an account's slots each.
    var challenging: Set<PairingPeer> = []
    /// Counts ``forget()``: what was read before one is not remembered after it.
    var epoch = 0

    mutating func decision(of peer: PairingPeer, now: UInt64) -> GateVerdict? {
      for decision in [admitted.find(peer), refused.find(peer)] {
        if let decision, now < decision.until { return decision.verdict }
      }
      return nil
    }
  }
  /// Ours: senders of each kind that are remembered; about 1 MiB in all.
  private static let remembered = 4_096

  private let store: PairingStore
  private let adapter: any ChallengeAdapter
  private let clock: @Sendable () -> UInt64
  private let monotonic: @Sendable () -> UInt64
  private let memory = Mutex(Memory())
  private let challenged: CounterFamily<String, ChallengeResult>
  private let codesExpired: Counter

  /// - Parameters:
  ///   - clock: nanoseconds since the epoch.
  ///   - monotonic: nanoseconds of the monotonic clock.
  package init(
    store: PairingStore, adapter: any ChallengeAdapter, registry: MetricsRegistry,
    clock: @escaping @Sendable () -> UInt64 = { Clock.wall() },
    monotonic: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }
  ) {
    self.store = store
    self.adapter = adapter
    self.clock = clock
    self.monotonic = monotonic
    challenged = registry.counter(Families.pairingInboundChallenged)
    codesExpired = registry.counter(Families.pairingCodesExpired).with()
  }

  /// Judges one message's sender, and has the challenge sent if one is due.
  package func judge(_ question: GateQuestion) async -> GateVerdict {
    guard !question.sender.isEmpty else { return .refused(.pairingBadSender) }
    let peer: PairingPeer
    switch await spelling(question.channel, question.sender) {
    case .spelled(let sender):
      peer = PairingPeer(channel: question.channel, account: question.account, sender: sender)
    case .refused: return .refused(.pairingBadSender)
    case .failed: return .unavailable(.pairingAdapterFailed)
    }
    let (known, epoch) = memory.withLock { ($0.decision(of: peer, now: monotonic()), $0.epoch) }
    if let known { return known }
    do throws(PairingError) {
      if let standing = try await store.standing(of: peer, now: clock()) { return decide(standing, peer, epoch) }
      return try await request(question, peer, epoch)
    } catch {
      return .unavailable(error.reason)
    }
  }

  /// One spelling for each sender; what the channel said is remembered until ``forget()``.
  package func spelling(_ channel: String, _ sender: String) async -> SenderSpelling {
    let key = Spelling(channel: channel, sender: sender)
    let (known, epoch) = memory.withLock { ($0.spellings.find(key), $0.epoch) }
    if let known { return .spelled(known) }
    let spelling = await adapter.spelling(of: sender, channel: channel)
    if case .spelled(let text) = spelling {
      if text.isEmpty { return .refused }
      memory.withLock { if $0.epoch == epoch { $0.spellings.set(key, text) } }
    }
    return spelling
  }

  /// Forgets every decision: something about approvals, channels or configuration has changed.
  package func forget() {
    memory.withLock { memory in
      let challenging = memory.challenging
      let epoch = memory.epoch + 1
      memory = Memory()
      memory.challenging = challenging
      memory.epoch = epoch
    }
  }

  /// Removes codes past their life, and counts them.
  package func expire() async {
    guard let count = try? await store.expire(now: clock()) else { return }
    codesExpired.add(count)
  }

  private func request(
    _ question: GateQuestion, _ peer: PairingPeer, _ epoch: Int
  ) async throws(PairingError) -> GateVerdict {
    guard memory.withLock({ $0.challenging.insert(peer).inserted }) else { return .refused(.pairingCoolingDown) }
    defer { memory.withLock { _ = $0.challenging.remove(peer) } }
    let (standing, expired) = try await store.request(peer, now: clock())
    if expired > 0 { codesExpired.add(expired) }
    guard case .due(let code, let secondsLeft) = standing else { return decide(standing, peer, epoch) }
    let result = await adapter.send(
      Challenge(
        peer: peer, address: question.sender, chat: question.chat, isGroup: question.isGroup, agent: question.agent,
        code: code, secondsLeft: secondsLeft))
    challenged.with(peer.channel, result).inc()
    let wasSent = result == .deliveredViaAdapter || result == .deliveredViaBroker
    let earlier = PairingRules.coolDown - PairingRules.retryAfterFailure
    // A fault here shows in the store's state; the sender may then be answered twice, which harms nobody.
    try? await store.challenged(peer, at: clock() &- (wasSent ? 0 : earlier.nanoseconds))
    return .refused(.pairingChallenged)
  }

  private func decide(_ standing: Standing, _ peer: PairingPeer, _ epoch: Int) -> GateVerdict {
    let verdict: GateVerdict =
      switch standing {
      case .approved: .admitted
      case .noSlot: .refused(.pairingNoSlot)
      case .due, .coolingDown: .refused(.pairingCoolingDown)
      }
    let decision = Decision(verdict: verdict, until: monotonic() &+ PairingRules.decisionLife.nanoseconds)
    memory.withLock { memory in
      guard memory.epoch == epoch else { return }
      if verdict == .admitted { memory.admitted.set(peer, decision) } else { memory.refused.set(peer, decision) }
    }
    return verdict
  }
}
