// Everything that the agent runtime is configured with: agents, model providers, tool policies.
// Loaded by HostApp at start and on SIGHUP and handed to AgentRuntime.apply; checked whole, so that all faults show at once.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
internal import HostCredentials
internal import HostReasons

/// One accepted configuration of agents.
package struct AgentConfiguration: Sendable, Equatable {
  package var agents: [AgentDefinition]
  package var providers: [String: ProviderSettings]
  package var tools: ToolPolicies

  package init(
    agents: [AgentDefinition] = [.builtIn],
    providers: [String: ProviderSettings] = [
      "echo": ProviderSettings(name: "echo", kind: .echo, baseURL: "")
    ], tools: ToolPolicies = ToolPolicies()
  ) {
    self.agents = agents
    self.providers = providers
    self.tools = tools
  }

  /// Reads agents.yaml, agents.d/*.yaml, llm.yaml and tool_policy.yaml of one folder.
  ///
  /// Every fault goes into the reader's report; with an error in it, the result must not be applied. Without any file
  /// that defines agents, the built-in one is there.
  package static func load(_ reader: ConfigReader, environment: [String: String]) -> AgentConfiguration {
    let configuration = AgentConfiguration(
      agents: AgentsFile.read(reader) ?? [.builtIn], providers: ModelsFile.read(reader, environment: environment),
      tools: ToolPolicyFile.read(reader))
    configuration.check(reader.report)
    return configuration
  }

  /// The findings that need more than one file to see.
  private func check(_ report: ConfigReport) {
    var taken: [String: String] = [:]
    for agent in agents {
      if let provider = providers[agent.model.provider] {
        if provider.needsKey, provider.key == nil {
          report.error(
            .llmKeyMissing, at: agent.mark, "agent \(agent.id): provider \(provider.name) has no key",
            remedy: "Set api_key in llm.yaml, or the variable \(provider.kind.variables.key).")
        }
      } else {
        let near = Suggestion.nearest(to: agent.model.provider, in: providers.keys.sorted())
        report.error(
          .agentsUnknownProvider, at: agent.mark,
          "agent \(agent.id): no provider \"\(agent.model.provider)\" is defined",
          remedy: near.map { "Did you mean \"\($0)\"?" } ?? "Known: \(providers.keys.sorted().joined(separator: ", "))."
        )
      }
      for binding in agent.bindings {
        let place = binding.instance.map { "\(binding.plugin).\($0)" } ?? binding.plugin
        if let owner = taken[place], owner != agent.id {
          report.warning(
            .agentsShadowedBinding, at: agent.mark,
            "agent \(agent.id): \(AgentConfiguration.shown(binding)) is bound to agent \(owner) already and stays with it",
            remedy: "Remove one of the two bindings.")
        }
        taken[place] = taken[place] ?? agent.id
      }
      for delegate in agent.allowedDelegates ?? [] where !delegate.contains("*") {
        if !agents.contains(where: { $0.id == delegate }) {
          report.warning(
            .agentsUnknownDelegate, at: agent.mark,
            "agent \(agent.id): may delegate to \(delegate), which is not there",
            remedy: "Correct the id, or remove it.")
        }
      }
    }
    for agent in tools.perAgent.keys.sorted() where !agents.contains(where: { $0.id == agent }) {
      report.warning(
        .configUnknownKey, at: nil, "tool_policy.yaml: per_agent.\(agent) names no agent",
        remedy: "Correct the id, or remove it.")
    }
  }

  private static func shown(_ binding: InboundBinding) -> String {
    binding.instance.map { "\(AccountKey(binding.plugin, $0))" } ?? binding.plugin
  }

  /// The agent that gets the messages of an account: the most specific binding, the first of equals.
  package func agent(channel: String, instance: String) -> (agent: AgentDefinition, binding: InboundBinding)? {
    var best: (agent: AgentDefinition, binding: InboundBinding, fit: Int)?
    for agent in agents {
      for binding in agent.bindings {
        guard let fit = binding.fit(channel: channel, instance: instance), fit > best?.fit ?? -1 else { continue }
        best = (agent, binding, fit)
      }
    }
    return best.map { ($0.agent, $0.binding) }
  }
}
