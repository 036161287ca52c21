// The agents: state and why, model, what they listen to, what they did.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostCredentials
internal import HostJSON

/// `GET /admin/agents` as a table.
struct AgentsSection: ConsoleSection {
  let runtime: AgentRuntime

  let id = "agents"
  let title = "Agents"

  func body() async -> HTML {
    .table(
      ["Agent", "State", "Model", "Listens to", "Sessions", "Messages", "Waiting", "Last message"],
      (runtime.agentsJSON.array ?? []).map(row),
      empty: "No agents are configured. Without config/agents.yaml there is one, echo, bound to every channel.")
  }

  private func row(_ agent: JSON) -> [HTML] {
    let model = [agent["model"]?["provider"]?.string, agent["model"]?["model"]?.string].compactMap { $0 }
    let bindings = (agent["inbound_bindings"]?.array ?? []).map { binding in
      [binding["plugin"]?.string, binding["instance"]?.string].compactMap { $0 }.map(AccountLabel.shown).joined(
        separator: ".")
    }
    let description: HTML = agent["description"]?.string.map { $0.isEmpty ? "" : "<small>\($0)</small>" } ?? ""
    let (active, total) = (agent["sessions_active"]?.integer ?? 0, agent["sessions_total"]?.integer ?? 0)
    return [
      "<b>\(agent["id"]?.string ?? "")</b>\(description)",
      AgentsSection.state(agent) + " " + .reason(agent["reason"]?.string),
      "\(model.filter { !$0.isEmpty }.joined(separator: " / "))",
      bindings.isEmpty ? "<span class=\"quiet\">nothing</span>" : "\(bindings.joined(separator: ", "))",
      "\(active) <span class=\"quiet\">of \(total)</span>",
      "\(agent["messages_processed"]?.integer ?? 0)", "\(agent["queue_depth"]?.integer ?? 0)",
      .moment(agent["last_message_at"]?.string),
    ]
  }

  private static func state(_ agent: JSON) -> HTML {
    let word = agent["state"]?.string ?? ""
    switch AgentState(rawValue: word) {
    case .attached: return .badge(word, agent["reason"]?.string == nil ? .good : .warning)
    case .starting, .draining: return .badge(word, .warning)
    case .failed, nil: return .badge(word, .bad)
    case .stopped: return .badge(word, .quiet)
    }
  }
}
