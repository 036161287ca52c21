// A whole runtime for tests: ledger in a folder, local broker, registry, and a channel that keeps what it is handed.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostLinux
import HostMetrics
import HostReasons
import HostResilience
import HostStore
import Synchronization
import TestSupport
import Testing

@testable import HostAgents

/// A channel port that keeps what it delivers.
final class FakeChannels: ChannelPort {
  private let sent = Mutex<[OutboundMessage]>([])
  private let reports = Mutex<[DeliveryReport]>([])
  private let changed = Signal()

  /// What the next deliveries report; afterwards all succeed.
  func script(_ reports: [DeliveryReport]) { self.reports.withLock { $0 = reports } }
  /// Whether a scripted report is still to be given.
  var isScripted: Bool { reports.withLock { !$0.isEmpty } }

  func deliver(_ message: OutboundMessage) async -> DeliveryReport {
    let report = reports.withLock { $0.isEmpty ? DeliveryReport.delivered : $0.removeFirst() }
    if report == .delivered { sent.withLock { $0.append(message) } }
    changed.raise()
    return report
  }

  var delivered: [OutboundMessage] { sent.withLock { $0 } }

  /// Waits until so many messages were delivered, or a minute passed.
  @discardableResult
  func wait(for count: Int) async -> [OutboundMessage] {
    let deadline = Clock.monotonic() + 60_000_000_000
    while Clock.monotonic() < deadline {
      let seen = changed.count
      if delivered.count >= count { break }
      await changed.wait(past: seen, until: deadline)
    }
    return delivered
  }
}

/// One runtime in a folder of its own.
final class AgentSite: Sendable {
  let folder: TemporaryFolder
  let ledger: Ledger
  let broker = LocalBroker()
  let registry = MetricsRegistry()
  let channels = FakeChannels()
  let runtime: AgentRuntime

  init(
    _ configuration: AgentConfiguration = AgentConfiguration(), tools: [any AgentTool] = [],
    hooks: [any ToolHook] = [], inbound: any InboundGate = OpenInboundGate(),
    outbound: any OutboundGate = OpenOutboundGate(), limits: RuntimeLimits = RuntimeLimits(),
    policy: LedgerPolicy = LedgerPolicy()
  ) throws {
    folder = try TemporaryFolder("agents")
    ledger = try Ledger(folder.file("state/ledger.sqlite"), policy: policy)
    let seams = AgentSeams(
      channels: channels, inbound: inbound, outbound: outbound, toolSources: [FixedTools(tools)], toolHooks: hooks)
    runtime = AgentRuntime(
      configuration, ledger: ledger, broker: broker, metrics: AgentMetrics(registry), seams: seams, limits: limits)
  }

  /// Runs `body` beside the runtime, then drains it, and audits the ledger.
  func run(_ body: @Sendable (AgentSite) async throws -> Void) async throws {
    try await ledger.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.runtime.run() }
      group.addTask { await self.ledger.run() }
      while runtime.attachedCount == 0, runtime.books.phase == .starting { await Task.yield() }
      try await body(self)
      #expect(await runtime.drain(within: .seconds(30)))
      group.cancelAll()
    }
    let audit = try await ledger.verify()
    #expect(audit.faults == [])
    await ledger.close()
  }

  /// Offers a text of a sender in his own chat.
  @discardableResult
  func say(
    _ text: String, from sender: String = "ana", id: String = UUIDText.random(), channel: String = "test",
    account: String = "main"
  ) async -> IntakeVerdict {
    await runtime.offer(
      InboundMessage(channel: channel, account: account, id: id, chat: sender, sender: sender, text: text))
  }

  /// Offers a text and waits for one more delivery, whose text it returns.
  func ask(_ text: String, from sender: String = "ana") async -> String {
    let before = channels.delivered.count
    await say(text, from: sender)
    return await channels.wait(for: before + 1).last?.text ?? ""
  }

  /// The scrape's lines of one family.
  func lines(_ family: String) -> [String] {
    registry.runSamplers()
    return String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix(family) }
  }
}

extension AgentDefinition {
  /// An echo agent bound to every channel.
  static func echo(_ id: String = "echo", _ change: (inout AgentDefinition) -> Void = { _ in }) -> AgentDefinition {
    var agent = AgentDefinition(id: id, model: ModelChoice(provider: "echo", model: "echo"))
    agent.bindings = [InboundBinding(plugin: "*")]
    change(&agent)
    return agent
  }
}
