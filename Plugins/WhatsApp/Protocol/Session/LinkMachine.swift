// One instance, whole: connecting, handshake, pairing or login, living, reconnecting, ending. A pure state machine: the
// plugin's transport thread feeds it events with the time, and does the actions that come back, in order.
// Connections are in LinkMachine+Connection.swift, the two kinds of session in +Pairing and +Session, the owner's wishes in +Owner.
//
// SPDX-License-Identifier: Apache-2.0

/// The instance's link to WhatsApp.
///
///     idle ──start()──▶ connecting ──opened()──▶ handshaking ──established()──▶ pairing or session
///      ▲                  ▲   ▲                        │                          │     │
///      │ stop()           │   └── resume() ── waiting ◀┴──── lost(): linked ──────┘     │
///      │                  └── pair(), requestCode(), login after pairing ──┐            │
///      └───────────────────────────────── ended ◀── end(): owner must act ──┴────────────┘
///
/// Every event of a connection carries its number; those of an older connection are ignored.
package struct LinkMachine: Sendable {
  /// What happened.
  package enum Event: Sendable {
    /// The store was read. Starts the login, or a pairing when there is no link.
    case start(StoredAccount?)
    /// A new pairing cycle, or for a stopped link a new attempt.
    case pair
    /// A code for this phone number, as typed.
    case requestCode(phone: String)
    case logout
    /// The host stops the plugin.
    case stop
    /// The websocket is open.
    case opened(connection: UInt64)
    case received(connection: UInt64, bytes: [UInt8])
    /// The websocket is closed, or could not be opened. `detail`: bounded by the machine.
    case closed(connection: UInt64, detail: String)
    /// The store change of that ticket is durable, or was not made.
    case stored(ticket: UInt64)
    case storeFailed(ticket: UInt64, detail: String)
    /// The message layer wants to send. Dropped unless the link is live; see ``Action/notSent(_:)``.
    case send(Node)
    /// ``LinkMachine/nextWake`` has come.
    case tick
  }

  /// What to do, in order.
  package enum Action: Sendable, Equatable {
    /// Open a websocket under this number; the machine has given up every older one.
    case open(connection: UInt64)
    case transmit(connection: UInt64, bytes: [UInt8])
    /// Close that websocket after what was transmitted. No event is awaited.
    case close(connection: UInt64)
    /// Make the change, then report the ticket. Changes are made in order.
    case store(ticket: UInt64, change: StoreChange)
    /// The status changed.
    case publish(LinkStatus)
    /// The answer to the last ``Event/requestCode(phone:)``.
    case linkCode(Result<LinkCodeDisplay, LinkCodeRefusal>)
    /// A stanza for the message layer.
    case inbound(Node)
    /// A frame of the server's that is no stanza; for a log and a counter.
    case unreadable(ProtocolFault)
    /// A stanza that could not be sent because the link is not live.
    case notSent(Node)
  }

  enum Purpose: Sendable, Equatable { case pair, login }

  enum Phase: Sendable {
    case idle
    case connecting(until: Duration)
    case handshaking(until: Duration)
    case pairing(PairingMachine)
    case session(SessionMachine)
    case waiting(until: Duration)
    case ended
  }

  enum StorePurpose: Sendable { case link, preKeys, update, wipe }

  let settings: LinkSettings
  let random: Randomness
  var phase = Phase.idle
  var purpose = Purpose.pair
  var connection: UInt64 = 0
  var channel: SecureChannel?
  var keepalive: Keepalive?
  var reconnection = Reconnection()
  /// What is stored, or will be when the pending tickets are done.
  var account: StoredAccount?
  var pendingPhone: PhoneNumber?
  var tickets: [UInt64: StorePurpose] = [:]
  var lastTicket: UInt64 = 0
  /// Whether the present link was made since the start, by people who are looking at the page.
  var linkedInThisRun = false
  var out: [Action] = []

  /// What everybody outside may know.
  package internal(set) var status = LinkStatus()

  package init(settings: LinkSettings, random: Randomness = .system) {
    self.settings = settings
    self.random = random
  }

  /// When to send ``Event/tick``, on the uptime clock; nil when nothing is waited for. Asked again after every event.
  package var nextWake: Duration? {
    let phaseDeadline: Duration? =
      switch phase {
      case .idle, .ended: nil
      case .connecting(let until), .handshaking(let until), .waiting(let until): until
      case .pairing(let machine): machine.deadline
      case .session(let machine): machine.deadline
      }
    return [phaseDeadline, keepalive?.deadline, status.isDegraded ? reconnection.degradedUntil : nil]
      .compactMap(\.self).min()
  }

  /// Takes an event. Never blocks, except for PBKDF2 (about 50 ms) around link codes.
  ///
  /// - Returns: what to do, in order. A ``Action/publish(_:)`` comes last, at the start and when the status changed.
  package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
    let before = status
    dispatch(event, at: now)
    status.isDegraded = reconnection.isDegraded(at: now)
    let isStart = if case .start = event { true } else { false }
    if status != before || isStart { out.append(.publish(status)) }
    defer { out = [] }
    return out
  }

  private mutating func dispatch(_ event: Event, at now: Moment) {
    switch event {
    case .start(let stored): start(stored, at: now)
    case .pair: pair(at: now)
    case .requestCode(let phone): requestCode(phone, at: now)
    case .logout: logout(at: now)
    case .stop: stop()
    case .opened(let number): if number == connection { opened(at: now) }
    case .received(let number, let bytes): if number == connection { received(bytes, at: now) }
    case .closed(let number, let detail): if number == connection { closed(detail, at: now) }
    case .stored(let ticket): stored(ticket, at: now)
    case .storeFailed(let ticket, let detail): storeFailed(ticket, detail, at: now)
    case .send(let node): if isLive { transmit(node, at: now) } else { out.append(.notSent(node)) }
    case .tick: tick(at: now)
    }
  }

  /// Whether the channel is connected.
  package var isLive: Bool { if case .session(let machine) = phase { machine.isLive } else { false } }

  private mutating func tick(at now: Moment) {
    switch phase {
    case .connecting(let until) where until <= now.uptime: fail(.connectTimeout, nil, at: now)
    case .handshaking(let until) where until <= now.uptime: fail(.handshakeTimeout, nil, at: now)
    case .waiting(let until) where until <= now.uptime: resume(at: now)
    case .pairing(var machine):
      let actions = machine.tick(at: now)
      phase = .pairing(machine)
      perform(actions, at: now)
    case .session(var machine):
      let actions = machine.tick(at: now)
      phase = .session(machine)
      perform(actions, at: now)
    default: break
    }
    switch keepalive?.tick(at: now) {
    case .ping(let id)?: transmit(.request(id: id, type: "get", xmlns: "w:p"), at: now)
    case .dead?: fail(.keepaliveLost, nil, at: now)
    case .nothing?, nil: break
    }
  }

  /// Hands a change to the store.
  mutating func store(_ change: StoreChange, _ purpose: StorePurpose) {
    lastTicket += 1
    tickets[lastTicket] = purpose
    out.append(.store(ticket: lastTicket, change: change))
  }

  /// Enters a state: what belonged to the old one is cleared.
  mutating func enter(_ state: LinkState, _ reason: LinkReason? = nil, detail: String? = nil) {
    status.state = state
    status.reason = reason
    status.detail = detail?.visible(limit: 300)
    status.qr = nil
    status.linkCode = nil
    status.nextAttempt = nil
    status.bannedUntil = nil
  }
}
