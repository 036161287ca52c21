// How an instance is, in the words that the status page, the channel, the log and the events share.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import WhatsAppProtocol

/// Why the machine does not run: what comes before a link.
enum Obstacle: String, Sendable, CaseIterable {
  /// Not configured and not linked: codes are asked for when somebody opens the page.
  case notStarted = "whatsapp.not_started"
  case locked = "whatsapp.store.locked"
  case unreadable = "whatsapp.store.unreadable"
  case folder = "whatsapp.store.folder"
  case transport = "whatsapp.transport.failed"

  var cause: String {
    switch self {
    case .notStarted: "No number is linked and none was asked for."
    case .locked: "Another host uses this session folder."
    case .unreadable: "The stored credentials are damaged."
    case .folder: "The session folder cannot be used."
    case .transport: "The websocket library could not begin."
    }
  }

  var remedy: String {
    switch self {
    case .notStarted: "Open the pairing page to link one."
    case .locked: "Stop the other host, or give this one another session_dir; it is tried again every second."
    case .unreadable: "Put back a copy of the folder, or unlink here and link again."
    case .folder: "Check the folder's path, owner and space."
    case .transport: "Check that ca_file can be read."
    }
  }
}

/// One instance's state, and what goes with it.
struct InstanceStatus: Sendable, Equatable {
  var link = LinkStatus()
  var obstacle: Obstacle?
  /// The reason of a link that is up but drops often.
  static let unstable = "whatsapp.session.unstable"

  var state: LinkState {
    switch obstacle {
    case nil: link.state
    case .notStarted: .disconnected
    case .locked, .unreadable, .folder, .transport: .failed
    }
  }

  /// A dotted code; empty when connected and well.
  var reason: String {
    if let obstacle { return obstacle.rawValue }
    if link.state == .connected { return link.isDegraded ? Self.unstable : "" }
    return link.reason?.rawValue ?? "whatsapp.state.\(link.state.rawValue)"
  }
  var cause: String? { obstacle?.cause ?? link.reason?.cause }
  var remedy: String? { obstacle?.remedy ?? link.reason?.remedy }

  var health: Health { state != .connected ? .down : link.isDegraded ? .degraded : .up }
  var qr: QRCode? { obstacle == nil ? link.qr : nil }
  var code: LinkCodeDisplay? { obstacle == nil ? link.linkCode : nil }

  /// The `pair/status` answer: every member is there, null when it does not apply. Times are milliseconds since 1970.
  var json: JSON {
    [
      "state": .string(state.rawValue), "reason": reason.isEmpty ? .null : .string(reason), "cause": JSON(cause),
      "remedy": JSON(remedy), "detail": JSON(link.detail), "our_jid": JSON(link.jid?.description),
      "last_reconnect_attempt": number(link.lastReconnectAttempt), "next_attempt": number(link.nextAttempt),
      "banned_until": number(link.bannedUntil), "degraded": .bool(link.isDegraded), "has_qr": .bool(qr != nil),
      "expires_at": number(qr?.expiresAt ?? code?.expiresAt), "code_number": number(qr.map { Int64($0.number) }),
      "codes_total": number(qr.map { Int64($0.total) }), "link_code": JSON(code?.code),
    ]
  }

  private func number(_ value: Int64?) -> JSON { value.map(JSON.integer) ?? .null }
}
