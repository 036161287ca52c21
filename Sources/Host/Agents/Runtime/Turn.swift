// One turn: the model is asked, its tool calls are run, and so on until it answers.
// Made by the runtime for a message or a delegation. Touches no ledger and no channel.
//
// SPDX-License-Identifier: Apache-2.0

/// What one turn works with.
struct Turn: Sendable {
  /// Rounds of tool calls in one turn (agents.md).
  static let roundLimit = 10

  let agent: AgentDefinition
  let client: ModelClient
  let runner: ToolRunner
  let policy: ToolPolicy
  let hasOwnPolicy: Bool
  let caller: ToolCaller
  /// How long an open breaker is waited for.
  let patience: Duration

  /// Runs the turn.
  ///
  /// - Returns: the answer, and the turn as the conversation remembers it. An empty answer is one too.
  func run(_ text: String, history: [ModelMessage]) async throws(ModelError) -> (answer: String, turn: [ModelMessage]) {
    var turn: [ModelMessage] = [.user(text)]
    for _ in 0..<Turn.roundLimit {
      let tools = runner.catalogue.snapshot()
      let reply = try await ask(history + turn, runner.offers(agent, tools))
      turn.append(.assistant(reply.text, calls: reply.calls))
      if reply.calls.isEmpty { return (reply.text, turn) }
      let answers = await runner.run(
        reply.calls, agent: agent, policy: policy, hasOwnPolicy: hasOwnPolicy, caller: caller, tools: tools)
      if Task.isCancelled { throw .cancelled }
      for (call, answer) in zip(reply.calls, answers) {
        turn.append(
          .toolResult(callID: call.id, name: call.name, content: answer.content, isError: answer.isError))
      }
    }
    // It gets no more tools, so it can only answer.
    let last = try await ask(history + turn, [])
    let answer =
      last.text.isEmpty ? "I could not finish this within \(Turn.roundLimit) rounds of tool calls." : last.text
    turn.append(.assistant(answer, calls: []))
    return (answer, turn)
  }

  private func ask(_ messages: [ModelMessage], _ tools: [ModelTool]) async throws(ModelError) -> ModelReply {
    let request = ModelRequest(
      model: agent.model.model, system: agent.systemPrompt, messages: messages, tools: tools)
    return try await client.complete(request, agent: agent.id, patience: patience)
  }
}
