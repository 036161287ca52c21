// Families of models, tools, agents and breakers: what a conversation moves.
// Fed by HostAgents and HostResilience's users. The names are the seed's (spec/metrics.md), so some lack a unit or `_total`.
//
// SPDX-License-Identifier: Apache-2.0

/// How a completion request ended.
package enum LLMOutcome: String, ClosedLabel {
  case ok
  case error
}

/// How a tool call ended. ``unknown`` goes with `tool="other"`, so that a model that invents names cannot grow the scrape.
package enum ToolOutcome: String, ClosedLabel {
  case ok
  case error
  case blocked
  case unknown
}

/// What happened in the cache of tool results.
package enum ToolCacheEvent: String, ClosedLabel {
  case hit
  case miss
  case put
  case evict
}

/// Why an inbound message did not reach an agent.
package enum MessageRefusal: String, ClosedLabel {
  /// Over the agent's `sender_rate_limit`.
  case rateLimited = "rate_limited"
  /// Over the agent's `queue_cap`; pushed back to the channel.
  case queueFull = "queue_full"
  /// The pairing gate did not let the sender in.
  case notPaired = "not_paired"
  /// No agent is bound to the account; `agent` is then empty.
  case unbound
  /// Without text, or written by the account itself.
  case ignored
}

extension Families {
  /// The families of this file.
  static let agents: [FamilySpec] = [
    llmRequests.spec, llmLatency.spec, messagesProcessed.spec, messagesRefused.spec, toolCalls.spec,
    toolCacheEvents.spec, toolLatency.spec,
    circuitBreakerState.spec,
  ]

  /// Counts completion requests that reached the wire, each attempt once. Labels: `agent`, `provider`, `model`, `outcome`.
  package static let llmRequests = CounterSpec<String, String, String, LLMOutcome>(
    "llm_requests_total", ["agent", "provider", "model", "outcome"],
    help: "Completion requests to language models, by how they ended.")

  /// Observes a completion request's time in ms, failures included. Labels: `agent`, `provider`, `model`.
  package static let llmLatency = HistogramSpec<String, String, String>(
    "llm_latency_ms", ["agent", "provider", "model"],
    help: "Time of completion requests in milliseconds, failures included.", bounds: millisecondBounds)

  /// Counts inbound messages that passed gate, limits and binding filter. Labels: `agent`.
  package static let messagesProcessed = CounterSpec<String>(
    "messages_processed_total", ["agent"], help: "Inbound messages that reached an agent.")

  /// Counts inbound messages that did not reach an agent. Labels: `agent`, `reason`.
  package static let messagesRefused = CounterSpec<String, MessageRefusal>(
    "nexo_messages_refused_total", ["agent", "reason"],
    help: "Inbound messages that limits, gate or bindings kept from an agent, by reason.")

  /// Counts tool calls. Labels: `agent`, `outcome`, `tool`.
  package static let toolCalls = CounterSpec<String, ToolOutcome, String>(
    "nexo_tool_calls_total", ["agent", "outcome", "tool"], help: "Tool calls, by how they ended.")

  /// Counts what the cache of tool results did. Labels: `agent`, `event`, `tool`.
  package static let toolCacheEvents = CounterSpec<String, ToolCacheEvent, String>(
    "nexo_tool_cache_events_total", ["agent", "event", "tool"], help: "Events of the cache of tool results.")

  /// Observes a tool handler's time in ms; not for refusals and cache hits. Labels: `agent`, `tool`.
  package static let toolLatency = HistogramSpec<String, String>(
    "nexo_tool_latency_ms", ["agent", "tool"],
    help: "Time of tool handlers in milliseconds, refusals and cache hits left out.", bounds: millisecondBounds)

  /// 0 closed, 1 open; a row for every breaker in the process, sampled at scrape. A plugin with a breaker joins.
  package static let circuitBreakerState = GaugeSpec<String>(
    "circuit_breaker_state", ["breaker"], help: "State of each circuit breaker: 0 closed, 1 open.",
    preset: [["nats"]], isJoinable: true)
}
