// The broker's families: each reason for a drop by what it names, and no label from outside.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostLinux
import HostMetrics
import HostReasons
import Testing

@Suite("Families of the broker", .timeLimit(.minutes(1)))
struct BrokerFamiliesTests {
  let registry = MetricsRegistry()

  /// The samples of the broker's families.
  func samples() -> Set<String> {
    registry.runSamplers()
    return Set(
      String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
        .filter { $0.hasPrefix("nexo_broker_") || $0.hasPrefix("circuit_breaker_state") })
  }

  @Test func `what a ledger takes, gives out, drops and gives up is counted, and what waits is shown`() async throws {
    let site = try LedgerSite()
    let metrics = BrokerMetrics(registry)
    var policy = LedgerPolicy()
    policy.inFlightLimit = 1
    let ledger = try Ledger(site.path, policy: policy, metrics: metrics, clock: { site.wall.now })
    let broker = LocalBroker(metrics: metrics, refusal: { ledger.status.reason })
    BrokerMetrics.sample(registry, broker: broker, ledger: ledger)
    #expect(samples().isSuperset(of: ["nexo_broker_ready 0", #"circuit_breaker_state{breaker="nats"} 1"#]))
    try await ledger.start()
    #expect(samples().isSuperset(of: ["nexo_broker_ready 1", #"circuit_breaker_state{breaker="nats"} 0"#]))

    _ = try await ledger.accept(message("dies"))
    await #expect(throws: LedgerError.backlogFull(queue: "inbound")) { try await ledger.accept(message("too many")) }
    let lease = try #require(await ledger.next(queue: "inbound")?.first)
    try await ledger.fail(lease, .permanent(.booting, "no"))
    _ = try await ledger.accept(message("expires"))
    site.wall.advance(.seconds(901))
    let cleaning = Task { await ledger.run() }
    let expired = #"nexo_broker_dropped_total{topic="plugin.inbound",reason="expired"} 1"#
    while !samples().contains(expired) { try await Task.sleep(for: .milliseconds(10)) }
    cleaning.cancel()
    await cleaning.value
    #expect(
      samples().isSuperset(of: [
        #"nexo_broker_published_total{topic="plugin.inbound"} 2"#,
        #"nexo_broker_delivered_total{topic="plugin.inbound"} 1"#,
        #"nexo_broker_dropped_total{topic="plugin.inbound",reason="queue_full"} 1"#, expired,
        #"nexo_broker_dead_letters_total{topic="plugin.inbound"} 1"#,
      ]))
    await ledger.close()
  }

  @Test func `what the bus cannot place is counted by why, and a thousand invented topics are one label`() async throws
  {
    let broker = LocalBroker(metrics: BrokerMetrics(registry))
    func event(_ topic: String, _ size: Int = 1) -> BrokerEvent {
      BrokerEvent(topic: topic, source: "test", payload: [UInt8](repeating: 0x31, count: size))
    }
    let later = Clock.monotonic() + 30_000_000_000
    await #expect(throws: BrokerError.noSubscriber(topic: "agent.route.nobody")) {
      try await broker.request(event("agent.route.nobody"), until: later)
    }
    #expect(throws: BrokerError.invalidTopic) { try broker.publish(event("agent..route")) }
    #expect(throws: BrokerError.payloadTooLarge(bytes: (1 << 20) + 1)) {
      try broker.publish(event("agent.events.x", (1 << 20) + 1))
    }
    let slow = try broker.subscribe(#require(TopicPattern("plugin.lifecycle.*")), name: "slow", capacity: 1)
    try broker.publish(event("plugin.lifecycle.a"))
    #expect(throws: BrokerError.full(subscriber: "slow")) { try broker.publish(event("plugin.lifecycle.b")) }
    for number in 0..<1_000 { try broker.publish(event("made.up\(number)")) }
    let samples = samples()
    #expect(
      samples.isSuperset(of: [
        #"nexo_broker_dropped_total{topic="agent.route",reason="no_subscriber"} 1"#,
        #"nexo_broker_dropped_total{topic="other",reason="invalid"} 1"#,
        #"nexo_broker_dropped_total{topic="agent.events",reason="invalid"} 1"#,
        #"nexo_broker_dropped_total{topic="plugin.lifecycle",reason="queue_full"} 1"#,
      ]))
    let topics = Set(
      samples.compactMap { line in
        line.ranges(of: "topic=\"").first.map { String(line[$0.upperBound...].prefix { $0 != "\"" }) }
      })
    #expect(topics.isSubset(of: Set(BrokerMetrics.labels + ["other"])), "\(topics)")
    #expect(slow.depth == 1)
  }
}
