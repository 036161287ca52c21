// The plugin's own metric families. Label values are instance names (the operator's configuration) and closed words.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Handles, one for each instance.
struct WhatsAppMetrics: Sendable {
  private let connected: [String: Gauge]

  /// Declares the families; every series is there from the start, with 0.
  init(_ host: PluginHost, _ instances: [String]) throws {
    let connected = try host.gauge(
      "whatsapp_connected", help: "Whether the instance is connected to WhatsApp.", labels: ["instance"])
    let reconnects = try host.counter(
      "whatsapp_reconnects_total", help: "Attempts to connect again after a link was lost.", labels: ["instance"])
    let codes = try host.counter(
      "whatsapp_pairing_codes_total", help: "QR codes shown for linking.", labels: ["instance"])
    let messages = try host.counter(
      "whatsapp_messages_total", help: "Messages carried.", labels: ["instance", "direction"])
    self.connected = Dictionary(uniqueKeysWithValues: instances.map { ($0, connected.with($0)) })
    for name in instances {
      _ = reconnects.with(name)
      _ = codes.with(name)
      for direction in ["in", "out"] { _ = messages.with(name, direction) }
    }
  }

  /// Sets the gauges; called before a scrape.
  func show(_ instances: InstanceTable) {
    for (name, gauge) in connected { gauge.set(instances[name]?.status.state == .connected ? 1 : 0) }
  }
}
