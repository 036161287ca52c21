// `delegate`: asks another agent and returns its answer, over the broker's topic `agent.route.<agent>`.
// Answered by AgentRuntime+Delegation of whichever host has that agent.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import Synchronization

/// The host's own tools. Delegation is not offered where nobody is there to delegate to.
struct HostTools: ToolSource {
  let delegate: DelegateTool
  var tools: [any AgentTool] { delegate.hasTargets ? [TimeTool(), delegate] : [TimeTool()] }
}

/// Delegation as a tool.
final class DelegateTool: AgentTool {
  static let name = "delegate"
  static let topicPrefix = "agent.route."
  /// Agents that may ask each other in one chain.
  private static let depthLimit = 4
  /// As long as a turn may take; the policy's `call_timeout_secs` is shorter unless the operator raises it.
  private static let timeout: Duration = .seconds(300)

  private let broker: any Broker
  private let agents = Mutex<[AgentDefinition]>([])

  init(broker: any Broker) { self.broker = broker }

  func apply(_ agents: [AgentDefinition]) { self.agents.withLock { $0 = agents } }

  var hasTargets: Bool { agents.withLock { $0.count > 1 } }

  var definition: ToolDefinition {
    ToolDefinition(
      name: DelegateTool.name, description: "Asks another agent to do something and returns its answer.\(listing)",
      inputSchema: """
        {"type":"object","properties":{"agent":{"type":"string","description":"The other agent's id."},\
        "message":{"type":"string","minLength":1,"description":"What it should do, with all it needs to know."}},\
        "required":["agent","message"],"additionalProperties":false}
        """,
      owner: "host", timeout: DelegateTool.timeout)
  }

  private var listing: String {
    let lines = agents.withLock { $0 }.prefix(50).map { agent in
      "\n- \(agent.id)" + (agent.description.isEmpty ? "" : ": \(agent.description.prefix(200))")
    }
    return lines.isEmpty ? "" : " Agents:" + lines.joined()
  }

  func invoke(_ arguments: JSON, caller: ToolCaller) async -> ToolResult {
    let target = arguments["agent"]?.string ?? ""
    let known = agents.withLock { $0 }
    guard let agent = known.first(where: { $0.id == caller.agent }), known.contains(where: { $0.id == target }) else {
      return .failure(.agentsDelegationRefused, "there is no agent of this id")
    }
    guard agent.allows(delegate: target) else {
      return .failure(.agentsDelegationRefused, "this agent may not delegate to that one")
    }
    guard !caller.chain.contains(target), caller.chain.count < DelegateTool.depthLimit else {
      return .failure(.agentsDelegationRefused, "that agent is asking already; answer yourself")
    }
    let question: JSON = [
      "from": .string(caller.agent), "chain": JSON(caller.chain), "session": .string(caller.session),
      "channel": .string(caller.channel), "account": .string(caller.account), "sender": .string(caller.sender),
      "text": .string(arguments["message"]?.string ?? ""),
    ]
    let event = BrokerEvent(
      topic: DelegateTool.topicPrefix + target, source: caller.agent, sessionID: caller.session,
      payload: question.bytes)
    do throws(BrokerError) {
      let deadline = Clock.monotonic() + DelegateTool.timeout.nanoseconds
      let reply = try? JSON.parse(try await broker.request(event, until: deadline).payload)
      if let text = reply?["text"]?.string { return .success(.string(text)) }
      return .failure(.agentsDelegationFailed, "the agent failed: \(reply?["reason"]?.string ?? "no answer")")
    } catch {
      return .failure(.agentsDelegationFailed, "the agent did not answer")
    }
  }
}
