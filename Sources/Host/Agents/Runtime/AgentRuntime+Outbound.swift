// How a reply gets out: recipient list, credential, access list and breaker, then the channel; its report settles it.
// Called by the pump of the queue `outbound`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostJSON
package import HostReasons
internal import HostResilience

/// What became of a message that was to be posted.
package enum PostVerdict: Sendable, Equatable {
  /// In the ledger: it goes out, or becomes a dead letter.
  case posted
  /// The agent may not write to this recipient.
  case recipientRefused
  /// The ledger does not take it.
  case failed(Reason)
}

extension AgentRuntime {
  /// Sends a text of the host's own over an agent's outbound topic, such as the challenge of a channel without words
  /// for it.
  ///
  /// - Parameter message: posted once for one id.
  package func post(_ message: OutboundMessage) async -> PostVerdict {
    let agent = configuration.agents.first { $0.id == message.agent }
    if let agent, !agent.allows(recipient: message.chat, channel: message.channel) { return .recipientRefused }
    do throws(LedgerError) {
      _ = try await ledger.accept(
        LedgerMessage(
          queue: AgentRuntime.outboundQueue,
          topic: ChannelTopic.name("plugin.outbound", message.channel, message.account), source: message.agent,
          session: SessionID.of(channel: message.channel, account: message.account, chat: message.chat),
          key: message.id,
          payload: message.json.bytes))
      return .posted
    } catch {
      return .failed(error.reason)
    }
  }

  /// A channel came, went or changed: replies that waited for it are tried. At a start they come before their channel.
  package func channelsChanged() { channelChanges.raise() }

  /// Between two looks. Ours.
  private static let hurryPause: Duration = .milliseconds(250)

  /// Hurries replies until the task is cancelled.
  func followChannels() async {
    var seen: UInt64 = 0
    while !Task.isCancelled {
      await channelChanges.wait(past: seen)
      seen = channelChanges.count
      // A ledger that refuses now tries them in its own time.
      try? await ledger.hurry(queue: AgentRuntime.outboundQueue, .agentsNoChannel)
      // A channel that changes without end must not have the others' replies tried without end.
      try? await Task.sleep(for: AgentRuntime.hurryPause)
    }
  }

  /// Delivers one reply.
  func deliver(_ lease: LedgerLease) async {
    guard var message = OutboundMessage(try? JSON.parse(lease.payload)) else {
      await fail(lease, .permanent(.agentsBadPayload, "the payload is no message"))
      return
    }
    let agent = configuration.agents.first { $0.id == message.agent }
    if let agent, !agent.allows(recipient: message.chat, channel: message.channel) {
      await fail(lease, .permanent(.agentsRecipientRefused, "agent \(agent.id), channel \(message.channel)"))
      return
    }
    let grant: OutboundGrant
    switch await seams.outbound.admit(agent: message.agent, channel: message.channel, account: message.account) {
    case .granted(let given): grant = given
    case .refused(let failure):
      await fail(lease, failure)
      return
    }
    message.account = grant.account
    let outgoing = message
    let report = await keeper.keeping(lease) { await self.seams.channels.deliver(outgoing) }
    grant.report(report)
    switch report {
    case .delivered: await settle { try await self.ledger.answer(lease) }
    case .failed where Task.isCancelled: await settle { try await self.ledger.release(lease) }
    case .failed(let failure): await fail(lease, failure)
    }
  }
}
