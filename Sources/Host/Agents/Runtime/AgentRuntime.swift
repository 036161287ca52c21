// Agents at work: takes messages in, runs turns, sends replies out, and shows what it does. One per host.
// Made by HostApp, which calls `offer` for each inbound message, `apply` at reload, `drain` at shutdown, and runs `run()`.
// Intake is in AgentRuntime+Intake, turns in +Turns, replies in +Outbound, delegation in +Delegation.
//
// SPDX-License-Identifier: Apache-2.0

package import HostBroker
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostReasons
package import HostResilience
internal import Synchronization

/// Bounds of the runtime.
package struct RuntimeLimits: Sendable {
  /// Turns at once: each waits for a model most of its time.
  package var turns = 2_048
  /// Deliveries at once.
  package var deliveries = 256
  /// How long a turn waits for an open breaker before the message goes back to the ledger.
  package var patience: Duration = .seconds(240)
  /// How long the ledger keeps a message whose turn failed for a cause that may pass, before it is tried again. Longer
  /// than a turn's own retries take: a server that is down gets three requests, not a stream of them.
  package var retryAfter: Duration = .seconds(30)

  package init() {}
}

/// The agent runtime.
///
/// Every message is in the ledger before `offer` says so, and leaves it answered, expired or as a dead letter; its reply
/// enters the queue `outbound` in the same transaction. A turn may run twice after a crash; a reply goes out under the
/// same id both times.
package final class AgentRuntime: Sendable {
  /// The queues of the ledger that the runtime works off.
  package static let inboundQueue = "inbound"
  package static let outboundQueue = "outbound"

  /// One configuration in force, with what is made from it.
  struct Snapshot: Sendable {
    var configuration: AgentConfiguration
    var providers: ProviderTable
  }

  let ledger: Ledger
  let broker: any Broker
  let metrics: AgentMetrics
  let seams: AgentSeams
  let limits: RuntimeLimits
  let books: AgentBooks
  let backlog = Backlog()
  let conversations = Conversations()
  let senders = SenderLimits()
  let runner: ToolRunner
  let keeper: LeaseKeeper
  let channelChanges = Signal()
  let log = Log("agents")
  private let snapshot: Mutex<Snapshot>
  private let pumps = Mutex<(turns: LeasePump, deliveries: LeasePump)?>(nil)
  private let delegate: DelegateTool

  /// - Parameters:
  ///   - ledger: started by its owner; work begins once it is ready.
  ///   - broker: carries delegations on `agent.route.<agent>`.
  package init(
    _ configuration: AgentConfiguration, ledger: Ledger, broker: any Broker, metrics: AgentMetrics, seams: AgentSeams,
    limits: RuntimeLimits = RuntimeLimits()
  ) {
    self.ledger = ledger
    keeper = LeaseKeeper(ledger)
    self.broker = broker
    self.metrics = metrics
    self.seams = seams
    books = AgentBooks(fault: { seams.outbound.fault(of: $0) })
    self.limits = limits
    delegate = DelegateTool(broker: broker)
    let catalogue = ToolCatalogue([HostTools(delegate: delegate)] + seams.toolSources)
    runner = ToolRunner(catalogue: catalogue, cache: ToolCache(), hooks: seams.toolHooks, metrics: metrics)
    let providers = ProviderTable(configuration.providers, metrics: metrics, before: nil)
    snapshot = Mutex(Snapshot(configuration: configuration, providers: providers))
    introduce(configuration)
    showBreakers()
  }

  /// The configuration in force.
  package var configuration: AgentConfiguration { current.configuration }
  var current: Snapshot { snapshot.withLock { $0 } }
  /// The kept results of tools, for `/admin/tool-cache`.
  package var toolCache: ToolCache { runner.cache }

  /// Puts a new configuration in force. Turns that run keep the one they began with; no message is lost, since which
  /// agent gets a message is decided when its turn begins. An agent that is gone finishes its turns.
  package func apply(_ configuration: AgentConfiguration) {
    let before = current.providers
    let providers = ProviderTable(configuration.providers, metrics: metrics, before: before)
    snapshot.withLock { $0 = Snapshot(configuration: configuration, providers: providers) }
    introduce(configuration)
    log.info("agents configured", ["agents": "\(configuration.agents.count)"])
  }

  private func introduce(_ configuration: AgentConfiguration) {
    books.apply(configuration.agents)
    delegate.apply(configuration.agents)
    // Applied in spite of its findings, or by a caller that checks nothing: then it shows as failed.
    for agent in configuration.agents {
      let provider = configuration.providers[agent.model.provider]
      if provider == nil { books.failed(agent.id, .agentsUnknownProvider) }
      if let provider, provider.needsKey, provider.key == nil { books.failed(agent.id, .llmKeyMissing) }
    }
  }

  /// Works until the task is cancelled, or drained. Cancelling gives turns back to the ledger; ``drain(within:)`` before
  /// it lets them finish.
  package func run() async {
    guard books.phase == .starting else { return }
    let turns = LeasePump(ledger, queue: AgentRuntime.inboundQueue, limit: limits.turns) { await self.work($0) }
    let deliveries = LeasePump(ledger, queue: AgentRuntime.outboundQueue, limit: limits.deliveries) {
      await self.deliver($0)
    }
    pumps.withLock { $0 = (turns, deliveries) }
    books.enter(.running)
    log.info("agents attached", ["agents": "\(attachedCount)"])
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await turns.run() }
      group.addTask { await deliveries.run() }
      let others = [
        { @Sendable in await self.answerDelegations() }, { @Sendable in await self.tidy() },
        { @Sendable in await self.keeper.run() }, { @Sendable in await self.followChannels() },
      ]
      group.addTask {
        await withTaskGroup(of: Void.self) { inner in
          for other in others { inner.addTask { await other() } }
          await inner.waitForAll()
        }
      }
      // Both pumps end by drain(); the rest ends with them.
      await group.next()
      await group.next()
      group.cancelAll()
    }
    books.enter(.stopped)
  }

  /// Takes no new message, lets running turns finish and their replies go out; then `run()` ends.
  ///
  /// - Returns: whether everything had finished in time. What had not, is given back by cancelling `run()`.
  @discardableResult
  package func drain(within grace: Duration) async -> Bool {
    let deadline = Clock.monotonic() + grace.nanoseconds
    books.enter(.draining)
    guard let (turns, deliveries) = pumps.withLock({ $0 }) else { return true }
    turns.stop()
    let isDone = await turns.isIdle(by: deadline)
    deliveries.stop()
    let isSent = await deliveries.isIdle(by: deadline)
    if isDone { await deliveries.flush(by: deadline) }
    return isDone && isSent
  }

  /// Agents that take messages now: `agents_running` of `/ready`.
  package var attachedCount: Int { books.all.count { $0.state == .attached } }

  /// Drops what memory need not keep.
  private func tidy() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(60))
      backlog.prune(olderThan: ledger.policy.life + .seconds(60))
    }
  }

  /// A row of `circuit_breaker_state` for each provider that an agent uses.
  private func showBreakers() {
    metrics.registry.sample(Families.circuitBreakerState) { [weak self] rows in
      for breaker in self?.breakers ?? [] { rows.set(breaker.name, to: Double(breaker.gauge)) }
    }
  }

  /// The breakers of the providers that agents use.
  package var breakers: [CircuitBreaker] {
    let current = current
    let used = Set(current.configuration.agents.map(\.model.provider))
    return current.providers.all.filter { used.contains($0.settings.name) }.map(\.breaker)
  }
}
