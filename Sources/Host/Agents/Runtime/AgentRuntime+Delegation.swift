// Agents that ask each other, over `agent.route.<agent>`: the tool `delegate` asks, this side answers.
// Not durable by itself: it is part of a turn whose message is in the ledger.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import HostResilience

extension AgentRuntime {
  /// Events that may wait for an answerer.
  private static let waitingDelegations = 1_024

  /// Answers delegations until the task is cancelled.
  func answerDelegations() async {
    guard let pattern = TopicPattern("\(DelegateTool.topicPrefix)*"),
      let events = try? broker.subscribe(
        pattern, name: "agents", capacity: AgentRuntime.waitingDelegations, overflow: .pushBack)
    else { return }
    await withDiscardingTaskGroup { group in
      for await event in events { group.addTask { await self.answer(event) } }
    }
  }

  private func answer(_ event: BrokerEvent) async {
    let id = String(event.topic.dropFirst(DelegateTool.topicPrefix.count))
    let result = await delegated(to: id, try? JSON.parse(event.payload))
    try? broker.reply(to: event, source: id, payload: result.bytes)
  }

  private func delegated(to id: String, _ question: JSON?) async -> JSON {
    let snapshot = current
    guard let agent = snapshot.configuration.agents.first(where: { $0.id == id }),
      let client = snapshot.providers[agent.model.provider], let text = question?["text"]?.string,
      let session = question?["session"]?.string
    else { return ["reason": .string(Reason.agentsDelegationRefused.code)] }
    if let reason = books.fault(of: id) { return ["reason": .string(reason.code)] }
    let own = SessionID.make("delegation", [session, id])
    let chain = question?["chain"]?.array?.compactMap(\.string) ?? []
    let caller = ToolCaller(
      agent: id, session: own, channel: question?["channel"]?.string ?? "", account: question?["account"]?.string ?? "",
      sender: question?["sender"]?.string ?? "", chain: chain + [id])
    books.began(id)
    defer { books.ended(id) }
    let (history, isNew) = conversations.open(own, agent: id)
    if isNew { books.openedSession(id) }
    let policies = snapshot.configuration.tools
    let turn = Turn(
      agent: agent, client: client, runner: runner, policy: policies.of(id),
      hasOwnPolicy: policies.perAgent[id] != nil, caller: caller, patience: limits.patience)
    do throws(ModelError) {
      let (answer, said) = try await turn.run(text, history: history)
      books.succeeded(id)
      conversations.add(said, to: own, agent: id)
      return ["text": .string(answer)]
    } catch {
      if case .keyRefused = error { books.failed(id, error.reason) }
      return ["reason": .string(error.reason.code)]
    }
  }
}
