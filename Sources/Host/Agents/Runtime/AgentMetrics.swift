// The families that agents, models and tools move.
// Made once by HostApp and handed to AgentRuntime.
//
// SPDX-License-Identifier: Apache-2.0

package import HostMetrics

/// Handles of the families of agents, models and tools.
package final class AgentMetrics: Sendable {
  package let registry: MetricsRegistry
  private let requests: CounterFamily<String, String, String, LLMOutcome>
  private let latency: HistogramFamily<String, String, String>
  private let processed: CounterFamily<String>
  private let refused: CounterFamily<String, MessageRefusal>
  private let toolCalls: CounterFamily<String, ToolOutcome, String>
  private let toolCache: CounterFamily<String, ToolCacheEvent, String>
  private let toolLatency: HistogramFamily<String, String>

  package init(_ registry: MetricsRegistry) {
    self.registry = registry
    requests = registry.counter(Families.llmRequests)
    latency = registry.histogram(Families.llmLatency)
    processed = registry.counter(Families.messagesProcessed)
    refused = registry.counter(Families.messagesRefused)
    toolCalls = registry.counter(Families.toolCalls)
    toolCache = registry.counter(Families.toolCacheEvents)
    toolLatency = registry.histogram(Families.toolLatency)
  }

  func request(_ agent: String, _ provider: String, _ model: String, _ outcome: LLMOutcome, _ time: Duration) {
    requests.with(agent, provider, model, outcome).inc()
    latency.with(agent, provider, model).observeMilliseconds(time)
  }
  func messageProcessed(_ agent: String) { processed.with(agent).inc() }
  func messageRefused(_ agent: String, _ reason: MessageRefusal) { refused.with(agent, reason).inc() }
  func toolCall(_ agent: String, _ tool: String, _ outcome: ToolOutcome) { toolCalls.with(agent, outcome, tool).inc() }
  func cache(_ agent: String, _ tool: String, _ event: ToolCacheEvent) { toolCache.with(agent, event, tool).inc() }
  func toolTime(_ agent: String, _ tool: String, _ time: Duration) {
    toolLatency.with(agent, tool).observeMilliseconds(time)
  }
}
