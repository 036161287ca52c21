// How a message is answered: its lease is kept while the turn runs, then it is settled in the ledger.
// Called by the pump of the queue `inbound`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostJSON
internal import HostLog
internal import HostReasons

extension AgentRuntime {
  /// A reply's text, bytes: a payload of the ledger takes 1 MiB, and no channel takes more.
  private static let replyLimit = 256 << 10

  /// Works on one inbound message.
  func work(_ lease: LedgerLease) async {
    backlog.remove(lease.key, session: lease.session)
    if backlog.takeAbsorbed(lease.key) {
      await settle { try await self.ledger.answer(lease) }
      return
    }
    guard let message = InboundMessage(try? JSON.parse(lease.payload)) else {
      await fail(lease, .permanent(.agentsBadPayload, "the payload is no message"))
      return
    }
    let snapshot = current
    guard let (agent, _) = snapshot.configuration.agent(channel: message.channel, instance: message.account) else {
      await fail(lease, .permanent(.agentsUnboundChannel, "no agent is bound to the account any more"))
      return
    }
    if let reason = books.fault(of: agent.id) {
      // Kept, not refused: it is answered if somebody mends the agent in time, and can be replayed afterwards.
      await fail(lease, .transient(reason, "agent \(agent.id) is failed", retryAfter: limits.retryAfter))
      return
    }
    guard let client = snapshot.providers[agent.model.provider] else {
      books.failed(agent.id, .agentsUnknownProvider)
      await fail(lease, .permanent(.agentsUnknownProvider, "the agent's provider is not defined"))
      return
    }
    books.began(agent.id)
    await answer(lease, message, agent, client, snapshot.configuration.tools)
    books.ended(agent.id)
  }

  private func answer(
    _ lease: LedgerLease, _ message: InboundMessage, _ agent: AgentDefinition, _ client: ModelClient,
    _ policies: ToolPolicies
  ) async {
    var texts = [message.text]
    var absorbed: [String] = []
    if agent.debounce > .zero {
      // Cut short by cancellation only; the turn then notices too.
      try? await Task.sleep(for: agent.debounce)
      let gathered = backlog.gather(session: lease.session)
      texts += gathered.map(\.text)
      absorbed = gathered.map(\.key)
    }
    let (history, isNew) = conversations.open(lease.session, agent: agent.id)
    if isNew { books.openedSession(agent.id) }
    if lease.delivery == 1 {
      for _ in texts { metrics.messageProcessed(agent.id) }
      books.processed(agent.id, count: texts.count)
      seams.outbound.took(agent: agent.id, channel: message.channel, account: message.account)
    }
    let turn = Turn(
      agent: agent, client: client, runner: runner, policy: policies.of(agent.id),
      hasOwnPolicy: policies.perAgent[agent.id] != nil,
      caller: ToolCaller(
        agent: agent.id, session: lease.session, channel: message.channel, account: message.account,
        sender: message.sender), patience: limits.patience)
    let text = texts.joined(separator: "\n")
    let result = await keeper.keeping(lease) { () async -> Result<(answer: String, turn: [ModelMessage]), ModelError> in
      do throws(ModelError) { return .success(try await turn.run(text, history: history)) } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let (answer, said)):
      books.succeeded(agent.id)
      if await reply(answer, to: message, lease, agent) {
        conversations.add(said, to: lease.session, agent: agent.id)
      } else {
        backlog.giveBack(absorbed)
      }
    case .failure(let error):
      backlog.giveBack(absorbed)
      await settle(error, lease, agent)
    }
  }

  /// Settles a message as answered; the reply enters the queue `outbound` in the same transaction.
  private func reply(
    _ answer: String, to message: InboundMessage, _ lease: LedgerLease, _ agent: AgentDefinition
  ) async -> Bool {
    var emitting: [LedgerMessage] = []
    if !answer.isEmpty {
      let key = SessionID.make("reply", [lease.key])
      let reply = OutboundMessage(
        agent: agent.id, channel: message.channel, account: message.account, id: key, chat: message.chat,
        replyTo: message.id, text: String(decoding: answer.utf8.prefix(AgentRuntime.replyLimit), as: UTF8.self))
      emitting = [
        LedgerMessage(
          queue: AgentRuntime.outboundQueue,
          topic: ChannelTopic.name("plugin.outbound", message.channel, message.account), source: agent.id,
          session: lease.session, key: key, payload: reply.json.bytes)
      ]
    }
    let messages = emitting
    return await settle { try await self.ledger.answer(lease, emitting: messages) }
  }

  private func settle(_ error: ModelError, _ lease: LedgerLease, _ agent: AgentDefinition) async {
    if error == .cancelled {
      await settle { try await self.ledger.release(lease) }
      return
    }
    if case .keyRefused = error { books.failed(agent.id, error.reason) }
    log.warning(
      "turn failed",
      [
        "agent": agent.id, "provider": agent.model.provider, "session.id": lease.session, "reason": error.reason.code,
        "delivery": "\(lease.delivery)",
      ])
    let wait = max(error.retryAfter ?? .zero, limits.retryAfter)
    await fail(
      lease,
      error.isTransient
        ? .transient(error.reason, "\(error)", retryAfter: wait) : .permanent(error.reason, "\(error)"))
  }

  func fail(_ lease: LedgerLease, _ failure: LedgerFailure) async {
    await settle { try await self.ledger.fail(lease, failure) }
  }

  /// Settles a message, waiting out troubles of the store: the work is done and should not be done again.
  ///
  /// - Returns: false when somebody else holds the message, or the host stops first; it is then delivered again.
  @discardableResult
  func settle(_ body: @Sendable () async throws -> Void) async -> Bool {
    while true {
      do {
        try await body()
        return true
      } catch let error as LedgerError where error.isTransient {
        do { try await Task.sleep(for: .seconds(1)) } catch { return false }
      } catch {
        return false
      }
    }
  }
}
