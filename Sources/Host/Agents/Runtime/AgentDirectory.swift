// What the admin console shows of agents and of the tool policy: live, as JSON.
// Called by HostApp's admin routes.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostCredentials
package import HostJSON
internal import HostLinux
internal import HostReasons
internal import HostResilience

extension AgentRuntime {
  /// `GET /admin/agents`: every agent in configuration order; those that were removed and still work come last.
  package var agentsJSON: JSON { .array(agentObjects.map { .object($0.object) }) }

  /// `GET /admin/agents/ID`; nil for an id that is not there.
  package func agentJSON(_ id: String) -> JSON? { agentObjects.first { $0.id == id }.map { .object($0.object) } }

  private var agentObjects: [(id: String, object: JSONObject)] {
    let (active, depths, providers) = (conversations.active, backlog.depths, current.providers)
    return books.all.map { record, state in
      let agent = record.definition
      let reason = AgentRuntime.reason(record, state, isOpen: providers[agent.model.provider]?.breaker.state == .open)
      return (
        agent.id,
        [
          "id": .string(agent.id), "description": .string(agent.description),
          "model": ["provider": .string(agent.model.provider), "model": .string(agent.model.model)],
          "state": .string(state.rawValue), "reason": JSON(reason?.code),
          "inbound_bindings": .array(
            agent.bindings.map {
              ["plugin": .string($0.plugin), "instance": JSON($0.instance.map { AccountLabel.shown($0) })]
            }),
          "sessions_active": JSON(active[agent.id] ?? 0), "sessions_total": JSON(record.sessions),
          "messages_processed": JSON(record.processed), "queue_depth": JSON(depths[agent.id] ?? 0),
          "last_message_at": JSON(record.lastMessageAt.map(Clock.rfc3339)),
          "started_at": .string(Clock.rfc3339(record.startedAt)),
          "allowed_tools": JSON(agent.allowedTools ?? ["*"]),
          "allowed_delegates": JSON(agent.allowedDelegates ?? ["*"]),
        ]
      )
    }
  }

  private static func reason(_ record: AgentRecord, _ state: AgentState, isOpen: Bool) -> Reason? {
    switch state {
    case .starting: .agentsStarting
    case .attached: isOpen ? .llmBreakerOpen : record.definition.bindings.isEmpty ? .agentsNoBindings : nil
    case .draining: .agentsDraining
    case .stopped: .agentsStopped
    case .failed: record.failure
    }
  }

  // MARK: Tool policy

  /// `GET /admin/tool-policy`: per agent, each known tool with what is decided for it and by which rule; and the tools
  /// that cannot be used.
  package var toolPolicyJSON: JSON {
    let tools = runner.catalogue.snapshot().values.sorted { $0.definition.name < $1.definition.name }
    let configuration = configuration
    return [
      "agents": .array(
        configuration.agents.map { agent in
          [
            "agent": .string(agent.id),
            "tools": .array(tools.map { AgentRuntime.decision(agent, $0, configuration.tools) }),
          ]
        }),
      "unusable": .array(
        runner.catalogue.unusable().map { definition, error in
          [
            "tool": .string(definition.name), "plugin": .string(definition.owner),
            "reason": .string(Reason.toolSchemaInvalid.code), "detail": .string("\(error)"),
          ]
        }),
    ]
  }

  /// `GET /admin/tool-policy?agent=A&tool=T`: the decision on one call; nil for an agent that is not there. A tool that
  /// is not there is answered, as not allowed.
  package func toolPolicyJSON(agent id: String, tool: String) -> JSON? {
    let configuration = configuration
    guard let agent = configuration.agents.first(where: { $0.id == id }) else { return nil }
    if let found = runner.catalogue.snapshot()[tool] { return AgentRuntime.decision(agent, found, configuration.tools) }
    return [
      "agent": .string(id), "tool": .string(tool), "known": false, "allowed": false,
      "reason": .string(Reason.toolUnknown.code), "rule": "no plugin that runs brings this tool",
    ]
  }

  private static func decision(_ agent: AgentDefinition, _ tool: CataloguedTool, _ policies: ToolPolicies) -> JSON {
    let (definition, policy) = (tool.definition, policies.of(agent.id))
    let source = policies.perAgent[agent.id] == nil ? "tool_policy" : "tool_policy per_agent.\(agent.id)"
    let (isAllowed, allowRule) = agent.allows(tool: definition.name)
    let (isParallel, parallelRule) = ToolRunner.isParallelSafe(definition, policy)
    let cacheGlob = policy.cachedTools.first { Glob.matches($0, definition.name) }
    let limit = agent.rateLimit(tool: definition.name)
    let isOwn = definition.timeout < policy.callTimeout
    let timeout = isOwn ? definition.timeout : policy.callTimeout
    return [
      "agent": .string(agent.id), "tool": .string(definition.name), "known": true, "plugin": .string(definition.owner),
      "allowed": .bool(isAllowed), "reason": JSON(isAllowed ? nil : Reason.toolNotAllowed.code),
      "rule": .string(allowRule), "read_only": .bool(definition.isReadOnly), "parallel_safe": .bool(isParallel),
      "parallel_rule": .string(parallelRule), "max_in_flight": JSON(policy.maxInFlight),
      "cacheable": .bool(cacheGlob != nil),
      "cache_ttl_secs": cacheGlob == nil ? .null : .integer(policy.cacheTTL.components.seconds),
      "cache_scope": cacheGlob == nil ? .null : .string(definition.isShared ? "agent" : "sender"),
      "cache_rule": .string(cacheGlob.map { "\(source) cache.tools: \($0)" } ?? "no glob of cache.tools matches"),
      "rate_limit": limit.map {
        ["rps": .number($0.limit.perSecond), "burst": .number($0.limit.burst)]
      } ?? .null,
      "rate_limit_rule": .string(limit.map { "tool_rate_limits: \($0.glob)" } ?? "no limit"),
      "timeout_ms": .integer(
        timeout.components.seconds * 1_000 + timeout.components.attoseconds / 1_000_000_000_000_000),
      "timeout_rule": .string(isOwn ? "declared by the tool" : "\(source) parallel.call_timeout_secs"),
      "unchecked_schema_keywords": JSON(tool.schema.unchecked),
    ]
  }
}
