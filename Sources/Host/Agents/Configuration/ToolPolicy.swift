// config/tool_policy.yaml: which tools may run side by side, which results are kept, how long a call may take.
// Read by AgentConfiguration.load; asked by ToolRunner and explained by `/admin/tool-policy`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig

/// The policy of tools for one agent, or for all that have none of their own.
package struct ToolPolicy: Sendable, Equatable {
  package var cacheTTL: Duration = .seconds(60)
  /// Globs of tools whose results may be kept.
  package var cachedTools: [String] = []
  package var maxEntries = 1_024
  /// Bytes of one kept result as JSON; 0: any size.
  package var maxValueBytes = 262_144
  /// Globs of tools that may run side by side; tools whose author says so do in any case.
  package var parallelSafe: [String] = []
  /// Calls of one turn that run at once.
  package var maxInFlight = 4
  /// The longest that any call may take.
  package var callTimeout: Duration = .seconds(30)

  package init() {}
}

/// The policies as configured.
package struct ToolPolicies: Sendable, Equatable {
  package var base = ToolPolicy()
  /// Each is the base with the agent's own values put over it.
  package var perAgent: [String: ToolPolicy] = [:]

  package init() {}

  package func of(_ agent: String) -> ToolPolicy { perAgent[agent] ?? base }
}

/// The reader of tool_policy.yaml.
enum ToolPolicyFile {
  static func read(_ reader: ConfigReader) -> ToolPolicies {
    var policies = ToolPolicies()
    reader.load("tool_policy.yaml")?.mapping(unused: ["relevance"]) { map in
      policies.base = policy(map, over: ToolPolicy())
      for (agent, _, value) in map.value("per_agent")?.openMapping()?.all ?? [] {
        policies.perAgent[agent] = value.mapping(unused: ["relevance"]) { policy($0, over: policies.base) }
      }
    }
    return policies
  }

  private static func policy(_ map: ConfigMap, over base: ToolPolicy) -> ToolPolicy {
    var policy = base
    map.mapping("cache") { cache in
      if let ttl = cache.integer("ttl_secs", in: 0...86_400) { policy.cacheTTL = .seconds(ttl) }
      if let tools = cache.texts("tools") { policy.cachedTools = tools }
      if let entries = cache.integer("max_entries", in: 1...1_000_000) { policy.maxEntries = entries }
      if let bytes = cache.integer("max_value_bytes", in: 0...67_108_864) { policy.maxValueBytes = bytes }
    }
    if let safe = map.texts("parallel_safe") { policy.parallelSafe = safe }
    map.mapping("parallel") { parallel in
      if let count = parallel.integer("max_in_flight", in: 1...256) { policy.maxInFlight = count }
      if let seconds = parallel.integer("call_timeout_secs", in: 1...3_600) { policy.callTimeout = .seconds(seconds) }
    }
    return policy
  }
}
