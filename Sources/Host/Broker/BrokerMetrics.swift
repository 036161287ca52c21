// The broker's families: what it took, delivered, dropped and gave up, and what waits.
// Fed by the bus and the ledger; the depth of each queue is sampled at scrape.
//
// SPDX-License-Identifier: Apache-2.0

package import HostMetrics

/// Handles of the `nexo_broker_*` families.
package final class BrokerMetrics: Sendable {
  private let publishedFamily: CounterFamily<String>
  private let deliveredFamily: CounterFamily<String>
  private let droppedFamily: CounterFamily<String, BrokerDropReason>
  private let deadFamily: CounterFamily<String>

  package init(_ registry: MetricsRegistry) {
    publishedFamily = registry.counter(Families.brokerPublished)
    deliveredFamily = registry.counter(Families.brokerDelivered)
    droppedFamily = registry.counter(Families.brokerDropped)
    deadFamily = registry.counter(Families.brokerDeadLetters)
  }

  package func published(_ topic: String) { publishedFamily.with(BrokerMetrics.label(topic)).inc() }
  package func delivered(_ topic: String) { deliveredFamily.with(BrokerMetrics.label(topic)).inc() }
  package func dropped(_ topic: String, _ reason: BrokerDropReason) {
    droppedFamily.with(BrokerMetrics.label(topic), reason).inc()
  }
  package func deadLettered(_ topic: String) { deadFamily.with(BrokerMetrics.label(topic)).inc() }

  /// Has every scrape show what waits: in the ledger's queues (as of a second ago) and in the subscribers', and
  /// whether the broker is ready: `circuit_breaker_state{breaker="nats"}` is 1 while it refuses to take messages.
  package static func sample(_ registry: MetricsRegistry, broker: LocalBroker, ledger: Ledger) {
    registry.sample(Families.brokerQueueDepth) { rows in
      for counts in ledger.lastCounts { rows.set("ledger.\(counts.queue)", to: Double(counts.inFlight)) }
      for (name, depth) in broker.depths { rows.set("bus.\(name)", to: Double(depth)) }
    }
    registry.sample(Families.circuitBreakerState) { rows in rows.set("nats", to: Double(broker.gauge)) }
    registry.sample(Families.brokerReady) { rows in rows.set(to: broker.isReady ? 1 : 0) }
  }

  /// The label `topic`: the first two segments where they are the host's own words, else `other`. A plugin or a
  /// model that invents topics cannot grow the scrape.
  package static func label(_ topic: String) -> String {
    for known in labels where topic.hasPrefix(known) {
      let end = topic.utf8.dropFirst(known.utf8.count).first
      if end == nil || end == UInt8(ascii: ".") { return known }
    }
    return "other"
  }

  /// The topics of the specification (agents.md).
  package static let labels = [
    "plugin.inbound", "plugin.outbound", "plugin.lifecycle", "agent.route", "agent.events", "control.reload",
    "events.runtime",
  ]
}
