// Runs the tool calls of one round through the gates: allow-list, hooks, rate limit, schema, cache, handler.
// Called by Turn. Every call ends in an answer for the model and in one step of `nexo_tool_calls_total`.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
internal import HostLinux
internal import HostMetrics
internal import HostReasons
internal import HostResilience
internal import Synchronization

/// May refuse a call before it is made. Several run in order; the first refusal counts.
package protocol ToolHook: Sendable {
  /// - Returns: why the call is refused, for the model; nil lets it through.
  func refusal(tool: String, arguments: JSON, caller: ToolCaller) async -> String?
}

/// The answer to one call, as the model gets it.
struct ToolAnswer: Sendable, Equatable {
  var content: String
  var isError: Bool
}

/// The gates.
final class ToolRunner: Sendable {
  let catalogue: ToolCatalogue
  let cache: ToolCache
  private let hooks: [any ToolHook]
  private let metrics: AgentMetrics
  /// Limiters by agent and limit: a bucket lives on through reloads that do not change its limit.
  private struct LimiterKey: Hashable {
    var agent: String
    var limit: RateLimit
  }
  private let limiters = Mutex<[LimiterKey: RateLimiter<String>]>([:])

  init(catalogue: ToolCatalogue, cache: ToolCache, hooks: [any ToolHook], metrics: AgentMetrics) {
    self.catalogue = catalogue
    self.cache = cache
    self.hooks = hooks
    self.metrics = metrics
  }

  /// What an agent's model is offered: the tools that are there and allowed, by name.
  func offers(_ agent: AgentDefinition, _ tools: [String: CataloguedTool]) -> [ModelTool] {
    tools.values.filter { agent.allows(tool: $0.definition.name).allowed }.map(\.offer).sorted { $0.name < $1.name }
  }

  /// Runs the calls of one round; the answers are in the order of the calls.
  ///
  /// Calls of tools that are safe side by side run so, in the policy's number; the others run one after the other, after
  /// them: their order among themselves is the model's.
  func run(
    _ calls: [ModelToolCall], agent: AgentDefinition, policy: ToolPolicy, hasOwnPolicy: Bool, caller: ToolCaller,
    tools: [String: CataloguedTool]
  ) async -> [ToolAnswer] {
    let store = hasOwnPolicy ? agent.id : ""
    @Sendable func run(_ call: ModelToolCall) async -> ToolAnswer {
      let one = Call(runner: self, agent: agent, policy: policy, store: store, caller: caller)
      return await one.run(call, tools[call.name])
    }
    let isSafe = calls.map { call in tools[call.name].map { ToolRunner.isParallelSafe($0.definition, policy).0 } ?? true
    }
    var answers = [ToolAnswer?](repeating: nil, count: calls.count)
    await withTaskGroup(of: (Int, ToolAnswer).self) { group in
      var running = 0
      for index in calls.indices where isSafe[index] {
        if running >= policy.maxInFlight, let (done, answer) = await group.next() {
          answers[done] = answer
          running -= 1
        }
        group.addTask { (index, await run(calls[index])) }
        running += 1
      }
      for await (done, answer) in group { answers[done] = answer }
    }
    for index in calls.indices where !isSafe[index] { answers[index] = await run(calls[index]) }
    return answers.map { $0 ?? ToolAnswer(content: "not run", isError: true) }
  }

  /// Whether calls of a tool may run side by side, and the rule that says so.
  static func isParallelSafe(_ tool: ToolDefinition, _ policy: ToolPolicy) -> (Bool, rule: String) {
    if let glob = policy.parallelSafe.first(where: { Glob.matches($0, tool.name) }) {
      return (true, "parallel_safe: \(glob)")
    }
    return tool.isParallelSafe ? (true, "declared by the tool") : (false, "neither the policy nor the tool says so")
  }

  /// The limit's verdict on one more call.
  func take(_ tool: String, _ agent: AgentDefinition) -> Bool {
    guard let (_, limit) = agent.rateLimit(tool: tool) else { return true }
    let limiter = limiters.withLock { limiters in
      let key = LimiterKey(agent: agent.id, limit: limit)
      if let known = limiters[key] { return known }
      let made = RateLimiter<String>(limit)
      limiters[key] = made
      return made
    }
    return limiter.take(tool) == .allowed
  }

  /// One call on its way through the gates.
  private struct Call {
    let runner: ToolRunner
    let agent: AgentDefinition
    let policy: ToolPolicy
    let store: String
    let caller: ToolCaller

    func run(_ call: ModelToolCall, _ found: CataloguedTool?) async -> ToolAnswer {
      guard let found else {
        // The label is not the name: a model that invents names cannot grow the scrape.
        runner.metrics.toolCall(agent.id, "other", .unknown)
        return refused(.toolUnknown, "there is no tool of this name")
      }
      let (answer, outcome) = await gates(call, found)
      runner.metrics.toolCall(agent.id, found.definition.name, outcome)
      return answer
    }

    private func gates(_ call: ModelToolCall, _ found: CataloguedTool) async -> (ToolAnswer, ToolOutcome) {
      let name = found.definition.name
      guard agent.allows(tool: name).allowed else {
        return (refused(.toolNotAllowed, "this agent may not use the tool"), .blocked)
      }
      let parsed = arguments(call)
      for hook in runner.hooks {
        if let why = await hook.refusal(tool: name, arguments: parsed ?? [:], caller: caller) {
          return (refused(.toolHookRefused, why), .blocked)
        }
      }
      guard runner.take(name, agent) else {
        return (refused(.toolRateLimited, "the tool is called too often; do without it for now"), .blocked)
      }
      guard let arguments = parsed else {
        return (refused(.toolBadArguments, "arguments: must be a JSON object"), .error)
      }
      let faults = found.schema.faults(of: arguments)
      guard faults.isEmpty else {
        return (refused(.toolBadArguments, faults.joined(separator: "; ")), .error)
      }
      // By convention `to` is whom a tool that sends writes to.
      if let channel = found.definition.accountKind, let recipient = arguments["to"]?.string,
        !agent.allows(recipient: recipient, channel: channel)
      {
        return (refused(.agentsRecipientRefused, "this agent may not write to that recipient"), .blocked)
      }
      return await cachedOrCalled(arguments, found)
    }

    /// The arguments as an object; nil when the model wrote something else. Nothing at all is an empty object.
    private func arguments(_ call: ModelToolCall) -> JSON? {
      if call.arguments.utf8.allSatisfy({ $0 <= 0x20 }) { return [:] }
      guard let json = try? JSON.parse(call.arguments), json.object != nil else { return nil }
      return json
    }

    private func cachedOrCalled(_ arguments: JSON, _ found: CataloguedTool) async -> (ToolAnswer, ToolOutcome) {
      let tool = found.definition
      guard policy.cachedTools.contains(where: { Glob.matches($0, tool.name) }) else {
        return await called(arguments, found, keep: nil)
      }
      let key = ToolCacheKey(
        agent: agent.id, tool: tool.name, generation: tool.generation, arguments: arguments,
        sender: tool.isShared ? nil : "\(caller.channel)/\(caller.account)/\(caller.sender)")
      if let kept = runner.cache.find(key, store: store) {
        runner.metrics.cache(agent.id, tool.name, .hit)
        return (ToolAnswer(content: ToolRunner.text(kept), isError: false), .ok)
      }
      runner.metrics.cache(agent.id, tool.name, .miss)
      return await called(arguments, found, keep: key)
    }

    private func called(
      _ arguments: JSON, _ found: CataloguedTool, keep key: ToolCacheKey?
    ) async -> (ToolAnswer, ToolOutcome) {
      let tool = found.definition
      let began = Clock.monotonic()
      let deadline = began + min(policy.callTimeout, tool.timeout).nanoseconds
      let caller = caller
      let result = await withDeadline(deadline) { await found.tool.invoke(arguments, caller: caller) }
      runner.metrics.toolTime(agent.id, tool.name, .nanoseconds(Clock.monotonic() - began))
      // A result that comes after its deadline counts for nothing, whatever it is.
      if Clock.monotonic() >= deadline { return (refused(.toolTimeout, "the tool took too long"), .error) }
      switch result {
      case .success(let value):
        if let key { keep(value, key) }
        return (ToolAnswer(content: ToolRunner.text(value), isError: false), .ok)
      case .failure(let reason, let text): return (refused(reason, text), .error)
      }
    }

    private func keep(_ value: JSON, _ key: ToolCacheKey) {
      if policy.maxValueBytes > 0, value.bytes.count > policy.maxValueBytes { return }
      let gone = runner.cache.put(key, value, policy: policy, store: store)
      runner.metrics.cache(key.agent, key.tool, .put)
      if let gone { runner.metrics.cache(gone.agent, gone.tool, .evict) }
    }

    private func refused(_ reason: Reason, _ text: String) -> ToolAnswer {
      ToolAnswer(
        content: JSON.object(["error": .string(text), "reason": .string(reason.code)]).description, isError: true)
    }
  }

  /// A result as text for the model: a string as it is, anything else as JSON.
  static func text(_ value: JSON) -> String { value.string ?? value.description }
}
