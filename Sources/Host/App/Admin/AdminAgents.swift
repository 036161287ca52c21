// The admin console's routes about agents, tool policy and tool cache: live answers from the runtime.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostHTTP
internal import HostJSON
internal import HostReasons

/// `/admin/agents...`, `/admin/tool-policy`, `/admin/tool-cache/...`.
struct AdminAgents: Sendable {
  let runtime: AgentRuntime

  func routes() throws(RouteError) -> [Route] {
    [
      try page("GET", "/admin/agents") { runtime, _, exchange in exchange.respond(200, json: runtime.agentsJSON) },
      try page("GET", "/admin/agents/{id}") { runtime, request, exchange in
        let id = request.parameter("id") ?? ""
        guard let agent = runtime.agentJSON(id) else {
          return exchange.respond(problem: 404, .agentUnknown, "There is no agent '\(id)'.")
        }
        exchange.respond(200, json: agent)
      },
      try page("GET", "/admin/tool-policy", AdminAgents.policy),
      try page("GET", "/admin/tool-cache/stats") { runtime, _, exchange in
        let stats = runtime.toolCache.stats
        exchange.respond(
          200, json: ["entries": JSON(stats.entries), "stores": JSON(stats.perAgentStores)])
      },
      try page("POST", "/admin/tool-cache/clear") { runtime, _, exchange in
        exchange.respond(200, json: ["removed": JSON(runtime.toolCache.clear())])
      },
      try page("POST", "/admin/tool-cache/invalidate") { runtime, request, exchange in
        guard let agent = request.queryValue("agent"), let tool = request.queryValue("tool") else {
          return exchange.respond(problem: 400, .requestIncomplete, "Give agent and tool in the query.")
        }
        exchange.respond(200, json: ["removed": JSON(runtime.toolCache.invalidate(agent: agent, tool: tool))])
      },
    ]
  }

  private static func policy(_ runtime: AgentRuntime, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    let (agent, tool) = (request.queryValue("agent"), request.queryValue("tool"))
    guard agent != nil || tool != nil else { return exchange.respond(200, json: runtime.toolPolicyJSON) }
    guard let agent, let tool else {
      return exchange.respond(problem: 400, .requestIncomplete, "Give both agent and tool, or neither.")
    }
    guard let decision = runtime.toolPolicyJSON(agent: agent, tool: tool) else {
      return exchange.respond(problem: 404, .agentUnknown, "There is no agent '\(agent)'.")
    }
    exchange.respond(200, json: decision)
  }

  private func page(
    _ method: String, _ pattern: String,
    _ answer: @escaping @Sendable (AgentRuntime, HTTPRequest, HTTPExchange) -> Void
  ) throws(RouteError) -> Route {
    try Route(method, pattern, handler: HTTPPage { [runtime] request, exchange in answer(runtime, request, exchange) })
  }
}
