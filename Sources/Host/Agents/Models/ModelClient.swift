// Asks a provider until it answers or nothing more can be done: retries, breaker, metrics.
// One per provider, made by ProviderTable, shared by all agents that use it. The formats are the providers' own.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostReasons
package import HostResilience
internal import Synchronization

/// A provider with its breaker.
package final class ModelClient: Sendable {
  package let settings: ProviderSettings
  package let breaker: CircuitBreaker
  let provider: any ModelProvider
  private let metrics: AgentMetrics
  private let log = Log("models")

  /// A `Retry-After` up to here is waited for in the turn; a longer one is left to the ledger, which holds no task for it.
  static let longestWaitInTurn: Duration = .seconds(60)

  init(_ settings: ProviderSettings, _ provider: any ModelProvider, breaker: CircuitBreaker, metrics: AgentMetrics) {
    self.settings = settings
    self.provider = provider
    self.breaker = breaker
    self.metrics = metrics
  }

  /// Asks for one answer.
  ///
  /// - Parameters:
  ///   - agent: for the metrics.
  ///   - patience: how long an open breaker is waited for.
  /// - Throws: the last attempt's error.
  func complete(
    _ request: ModelRequest, agent: String, patience: Duration
  ) async throws(ModelError) -> ModelReply {
    let deadline = Clock.monotonic() + patience.nanoseconds
    var attempts = 0
    while true {
      let permit = try await admission(until: deadline)
      attempts += 1
      do throws(ModelError) {
        let reply = try await attempt(request, agent: agent)
        note(breaker.record(.success, permit), nil)
        return reply
      } catch {
        note(breaker.record(error.breakerOutcome, permit), error)
        guard attempts < error.attemptsAllowed, !Task.isCancelled else { throw error }
        let asked = error.retryAfter ?? .zero
        guard asked <= ModelClient.longestWaitInTurn else { throw error }
        try await ModelClient.sleep(settings.backoff.delay(after: attempts, atLeast: asked))
      }
    }
  }

  /// Waits until the breaker lets a call through.
  private func admission(until deadline: UInt64) async throws(ModelError) -> BreakerPermit {
    while true {
      if let permit = breaker.ask() { return permit }
      let wait = breaker.retryAfter
      guard Clock.monotonic() + wait.nanoseconds < deadline else { throw .breakerOpen(retryAfter: wait) }
      // Jitter: all who wait must not come back in one instant.
      try await ModelClient.sleep(wait + .milliseconds(Int.random(in: 10...250)))
    }
  }

  private func attempt(_ request: ModelRequest, agent: String) async throws(ModelError) -> ModelReply {
    let gathered = Mutex(ModelReply())
    let began = ContinuousClock.now
    do throws(ModelError) {
      try await provider.stream(request) { event in gathered.withLock { $0.take(event) } }
      metrics.request(agent, settings.name, request.model, .ok, ContinuousClock.now - began)
      return gathered.withLock { $0.whole }
    } catch {
      if error != .cancelled {
        metrics.request(agent, settings.name, request.model, .error, ContinuousClock.now - began)
      }
      throw error
    }
  }

  private static func sleep(_ duration: Duration) async throws(ModelError) {
    do { try await Task.sleep(for: duration) } catch { throw .cancelled }
  }

  private func note(_ change: CircuitBreaker.Change?, _ error: ModelError?) {
    guard let change else { return }
    if change.to == .open {
      log.warning(
        "model provider left alone",
        ["provider": settings.name, "breaker": breaker.name, "reason": (error?.reason ?? .llmBreakerOpen).code])
    } else {
      log.info("model provider's breaker changed", ["provider": settings.name, "breaker.state": "\(change.to)"])
    }
  }
}

/// The clients of one configuration.
struct ProviderTable: Sendable {
  private let clients: [String: ModelClient]

  /// - Parameter before: the table that this one replaces: what did not change keeps its client, and each provider its
  ///   breaker, so that a reload does not send everybody at a server that is down.
  init(_ settings: [String: ProviderSettings], metrics: AgentMetrics, before: ProviderTable?) {
    clients = settings.mapValues { settings in
      let old = before?.clients[settings.name]
      if let old, old.settings == settings { return old }
      let sameServer = old?.settings.baseURL == settings.baseURL
      let breaker = sameServer ? old?.breaker : nil
      return ModelClient(
        settings, ProviderTable.provider(settings), breaker: breaker ?? CircuitBreaker("llm.\(settings.name)"),
        metrics: metrics)
    }
  }

  subscript(name: String) -> ModelClient? { clients[name] }
  var all: [ModelClient] { Array(clients.values) }

  private static func provider(_ settings: ProviderSettings) -> any ModelProvider {
    switch settings.kind {
    case .echo: EchoProvider(name: settings.name)
    case .openai: OpenAIProvider(settings: settings)
    case .anthropic: AnthropicProvider(settings: settings)
    }
  }
}
