// How a message gets in: binding, limit, gate, queue, ledger. What is refused here never enters the books.
// Called by HostApp for each message that a channel brings.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostCredentials
internal import HostJSON
internal import HostLinux
internal import HostMetrics
package import HostReasons
internal import HostResilience
internal import Synchronization

/// What became of a message that was offered.
package enum IntakeVerdict: Sendable, Equatable {
  /// It is on disk: acknowledge it.
  case accepted(id: String)
  /// It was accepted before: acknowledge it; nothing else happens.
  case duplicate(id: String)
  /// Not for an agent, or not let in. Acknowledge it; offering it again changes nothing.
  case refused(Reason)
  /// Not now: the channel keeps it and offers it again.
  case busy(Reason, retryAfter: Duration)
}

extension AgentRuntime {
  /// How long a channel should wait before it offers a message again.
  private static let retryLater: Duration = .seconds(1)

  /// Takes one inbound message. When this returns ``IntakeVerdict/accepted(id:)``, the message survives a crash.
  package func offer(_ message: InboundMessage) async -> IntakeVerdict {
    switch books.phase {
    case .starting: return .busy(.agentsStarting, retryAfter: AgentRuntime.retryLater)
    case .running: break
    case .draining, .stopped: return .busy(.agentsDraining, retryAfter: AgentRuntime.retryLater)
    }
    guard let (agent, binding) = configuration.agent(channel: message.channel, instance: message.account) else {
      metrics.messageRefused("", .unbound)
      return .refused(.agentsUnboundChannel)
    }
    guard !message.isFromMe, message.text.contains(where: { !$0.isWhitespace }) else {
      metrics.messageRefused(agent.id, .ignored)
      return .refused(.agentsIgnored)
    }
    guard senders.take(agent, message) else {
      metrics.messageRefused(agent.id, .rateLimited)
      return .refused(.agentsRateLimited)
    }
    let verdict = await admit(message, agent, binding)
    // It comes again, or came before: each message counts once against its sender, however often it is offered.
    switch verdict {
    case .busy, .duplicate: senders.giveBack(agent, message)
    case .accepted, .refused: break
    }
    return verdict
  }

  /// What gate, queue and ledger say.
  private func admit(
    _ message: InboundMessage, _ agent: AgentDefinition, _ binding: InboundBinding
  ) async -> IntakeVerdict {
    switch await seams.inbound.judge(message, agent: agent.id, autoChallenge: binding.autoChallenge) {
    case .admitted: return await store(message, agent)
    case .notPaired(let reason):
      metrics.messageRefused(agent.id, .notPaired)
      return .refused(reason)
    case .unavailable(let reason): return .busy(reason, retryAfter: AgentRuntime.retryLater)
    }
  }

  private func store(_ message: InboundMessage, _ agent: AgentDefinition) async -> IntakeVerdict {
    let session = SessionID.of(channel: message.channel, account: message.account, chat: message.chat)
    let key =
      message.id.isEmpty
      ? UUIDText.random()
      : SessionID.make("message", [message.channel, message.account, message.chat, message.id])
    let kept = agent.debounce > .zero ? message.text : nil
    let place = backlog.add(key, session: session, agent: agent.id, text: kept, cap: agent.queueCap)
    guard place != .full else {
      metrics.messageRefused(agent.id, .queueFull)
      return .busy(.agentsQueueFull, retryAfter: AgentRuntime.retryLater)
    }
    do throws(LedgerError) {
      let acceptance = try await ledger.accept(
        LedgerMessage(
          queue: AgentRuntime.inboundQueue,
          topic: ChannelTopic.name("plugin.inbound", message.channel, message.account), source: message.channel,
          session: session, key: key, payload: message.json.bytes))
      switch acceptance {
      case .accepted(let id): return .accepted(id: id)
      case .duplicate(let id):
        // The place of one that still waits stays until its turn.
        if place == .taken { backlog.remove(key, session: session) }
        return .duplicate(id: id)
      }
    } catch {
      if place == .taken { backlog.remove(key, session: session) }
      return error.isTransient
        ? .busy(error.reason, retryAfter: AgentRuntime.retryLater) : .refused(error.reason)
    }
  }
}

/// Topics of channels.
enum ChannelTopic {
  /// `plugin.inbound.<channel>[.<instance>]`. What a topic cannot hold becomes `_`; an account whose label is itself a number
  /// or an address goes by its fingerprint, since topics are logged.
  static func name(_ prefix: String, _ channel: String, _ account: String) -> String {
    let words = [channel, AccountLabel.shown(account)].filter { !$0.isEmpty }.map { word in
      let bytes = word.utf8.map { byte in
        let isAllowed = byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: "*") && byte != UInt8(ascii: ">")
        return isAllowed && byte != UInt8(ascii: ".") ? byte : UInt8(ascii: "_")
      }
      return String(decoding: bytes.prefix(100), as: UTF8.self)
    }
    return ([prefix] + words).joined(separator: ".")
  }
}

/// The limits of senders, by agent.
final class SenderLimits: Sendable {
  private struct Entry {
    var limit: RateLimit
    var limiter: RateLimiter<String>
  }
  private let entries = Mutex<[String: Entry]>([:])

  /// Takes one message of a sender off his limit.
  func take(_ agent: AgentDefinition, _ message: InboundMessage) -> Bool {
    guard let limiter = limiter(of: agent) else { return true }
    return limiter.take(SenderLimits.key(message)) == .allowed
  }

  /// The message was not taken after all.
  func giveBack(_ agent: AgentDefinition, _ message: InboundMessage) {
    limiter(of: agent)?.giveBack(SenderLimits.key(message))
  }

  private func limiter(of agent: AgentDefinition) -> RateLimiter<String>? {
    guard let limit = agent.senderRateLimit else { return nil }
    return entries.withLock { entries in
      if let known = entries[agent.id], known.limit == limit { return known.limiter }
      let made = RateLimiter<String>(limit)
      entries[agent.id] = Entry(limit: limit, limiter: made)
      return made
    }
  }

  private static func key(_ message: InboundMessage) -> String {
    "\(message.channel)\u{0}\(message.account)\u{0}\(message.sender)"
  }
}
