// The plugin's own metric families. Label values are instance names (the operator's configuration) and closed words.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import Synchronization
import WhatsAppProtocol

/// Handles, one for each instance.
final class WhatsAppMetrics: Sendable {
  private struct Handles {
    let connected: Gauge
    let reconnects: Counter
    let codes: Counter
    let received: Counter
    let unreadable: Counter
  }
  private let handles: [String: Handles]
  private let last = Mutex<[String: InstanceStatus]>([:])

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
    let unreadable = try host.counter(
      "whatsapp_unreadable_frames_total", help: "Frames of the server that are no stanza.", labels: ["instance"])
    handles = Dictionary(
      uniqueKeysWithValues: instances.map { name in
        _ = messages.with(name, "out")
        return (
          name,
          Handles(
            connected: connected.with(name), reconnects: reconnects.with(name), codes: codes.with(name),
            received: messages.with(name, "in"), unreadable: unreadable.with(name))
        )
      })
  }

  /// Counts what a change of status means.
  func changed(_ name: String, _ status: InstanceStatus) {
    guard let handles = handles[name] else { return }
    let before = last.withLock { $0.updateValue(status, forKey: name) }
    handles.connected.set(status.state == .connected ? 1 : 0)
    if let attempt = status.link.lastReconnectAttempt, attempt != before?.link.lastReconnectAttempt {
      handles.reconnects.add()
    }
    if let qr = status.qr, qr.text != before?.qr?.text { handles.codes.add() }
  }

  /// A message came, and was acknowledged without being read.
  func received(_ name: String) { handles[name]?.received.add() }

  /// A frame came that is no stanza.
  func unreadable(_ name: String) { handles[name]?.unreadable.add() }
}
