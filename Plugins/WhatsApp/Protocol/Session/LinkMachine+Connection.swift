// Connections: opening, handshake, bytes in and out, losing and trying again.
//
// SPDX-License-Identifier: Apache-2.0

extension LinkMachine {
  /// Opens a new connection; whatever connection there was is given up.
  mutating func connect(_ purpose: Purpose, at now: Moment) {
    dropConnection()
    self.purpose = purpose
    connection += 1
    phase = .connecting(until: now.uptime + settings.timings.connect)
    out.append(.open(connection: connection))
  }

  /// Closes the connection, if there is one, without a word.
  mutating func dropConnection() {
    switch phase {
    case .connecting, .handshaking, .pairing, .session: out.append(.close(connection: connection))
    case .idle, .waiting, .ended: break
    }
    // Events of the closed connection that are still on their way carry its number and find another.
    connection += 1
    channel = nil
    keepalive = nil
    phase = .ended
  }

  mutating func opened(at now: Moment) {
    guard case .connecting = phase, let account else { return }
    do throws(ProtocolFault) {
      var channel = SecureChannel(payload: try payload(for: account.record))
      let handshake = NoiseHandshake(
        staticKey: account.record.keys.noise, ephemeral: KeyPair(from: random), root: settings.root)
      let hello = try channel.open(handshake, routing: account.record.routing)
      self.channel = channel
      phase = .handshaking(until: now.uptime + settings.timings.handshake)
      out.append(.transmit(connection: connection, bytes: hello))
    } catch {
      fail(.handshakeFailed, error.description, at: now)
    }
  }

  private func payload(for record: AccountRecord) throws(ProtocolFault) -> [UInt8] {
    guard purpose == .login, let jid = record.link?.jid, let user = UInt64(jid.user) else {
      return try ClientPayload.registration(keys: record.keys, version: settings.version, device: settings.device)
    }
    return ClientPayload.login(username: user, device: UInt32(jid.device), version: settings.version)
  }

  mutating func received(_ bytes: [UInt8], at now: Moment) {
    guard var channel else { return }
    let number = connection
    let events = channel.receive(bytes, now: now.unixSeconds)
    self.channel = channel
    // An event may end the connection; those behind it are then of the past.
    for event in events where number == connection {
      switch event {
      case .established(let finish):
        out.append(.transmit(connection: connection, bytes: finish))
        established(at: now)
      case .stanza(let stanza): take(stanza, at: now)
      case .unreadable(let fault): unreadable(fault, at: now)
      case .broken(let fault): broken(fault, at: now)
      }
    }
  }

  /// The server sent a stanza in a form that we do not know. An unpaired device stops at what it does not know; a linked one
  /// goes on, because the same stanza would come again on every connection.
  private mutating func unreadable(_ fault: ProtocolFault, at now: Moment) {
    if case .pairing(let machine) = phase, !machine.expectsRestart {
      endPairing(.unexpectedEvent, "unreadable stanza: \(fault)", freshKeys: true)
    } else {
      out.append(.unreadable(fault))
    }
  }

  private mutating func broken(_ fault: ProtocolFault, at now: Moment) {
    switch (fault, phase) {
    case (.certificate, _): fail(.certificateRefused, fault.description, at: now)
    case (_, .handshaking): fail(.handshakeFailed, fault.description, at: now)
    default: fail(.protocolError, fault.description, at: now)
    }
  }

  private mutating func established(at now: Moment) {
    guard let account else { return }
    var ids = StanzaIDs(from: random)
    keepalive = Keepalive(ids: ids.split(), at: now, random: random)
    switch purpose {
    case .pair:
      phase = .pairing(
        PairingMachine(
          record: account.record, settings: settings, ids: ids, random: random, phone: pendingPhone, at: now))
      pendingPhone = nil
    case .login:
      phase = .session(SessionMachine(account: account, settings: settings, ids: ids, random: random, at: now))
    }
  }

  private mutating func take(_ stanza: Node, at now: Moment) {
    if keepalive?.answered(stanza, at: now, random: random) == true { return }
    if stanza.isPing { return transmit(.result(to: stanza), at: now) }
    if let end = StreamEnd(stanza, timings: settings.timings) { return streamEnded(end, at: now) }
    switch phase {
    case .pairing(var machine):
      let actions = machine.receive(stanza, at: now)
      phase = .pairing(machine)
      perform(actions, at: now)
    case .session(var machine):
      let actions = machine.receive(stanza, at: now)
      phase = .session(machine)
      perform(actions, at: now)
    case .idle, .connecting, .handshaking, .waiting, .ended: break
    }
  }

  mutating func transmit(_ node: Node, at now: Moment) {
    guard var channel, channel.isReady else { return }
    do throws(ProtocolFault) {
      let bytes = try channel.send(node)
      self.channel = channel
      out.append(.transmit(connection: connection, bytes: bytes))
    } catch {
      fail(.protocolError, error.description, at: now)
    }
  }

  /// The websocket closed by itself.
  mutating func closed(_ detail: String, at now: Moment) {
    switch phase {
    case .idle, .waiting, .ended: break
    case .connecting: fail(.connectFailed, detail, at: now)
    case .handshaking: fail(.connectionLost, detail, at: now)
    case .pairing(var machine):
      let actions = machine.closed(at: now)
      phase = .pairing(machine)
      // While the link is being saved the machine outlives its connection.
      channel = nil
      keepalive = nil
      perform(actions, at: now)
    case .session(var machine):
      let actions = machine.ended(deviceRemoved: false)
      phase = .session(machine)
      if actions.isEmpty { fail(.connectionLost, detail, at: now) } else { perform(actions, at: now) }
    }
  }

  /// The connection is useless. A linked device tries again; an unpaired one waits for the owner.
  mutating func fail(_ reason: LinkReason, _ detail: String?, at now: Moment, pause: Duration = .zero) {
    if case .pairing(let machine) = phase, machine.expectsRestart, account?.record.link == nil {
      // The link is being saved: only the connection is lost, the machine goes on when the store answers.
      channel = nil
      keepalive = nil
      return closed(detail ?? reason.rawValue, at: now)
    }
    if isLive { reconnection.dropped(at: now) }
    dropConnection()
    guard account?.record.link != nil else {
      let isRefusal = reason == .certificateRefused || reason == .handshakeFailed || reason == .protocolError
      refusePendingCode()
      return enter(isRefusal ? .failed : .disconnected, reason, detail: detail)
    }
    waitAndRetry(reason, detail, pause: pause, at: now)
  }

  mutating func waitAndRetry(_ reason: LinkReason, _ detail: String?, pause: Duration, at now: Moment) {
    let usual = reconnection.nextPause(cap: settings.timings.backoffCap, random: random)
    // A refused certificate does not get better by asking often.
    let least = reason == .certificateRefused ? settings.timings.backoffCap : pause
    let until = now.uptime + max(usual, least)
    phase = .waiting(until: until)
    enter(.disconnected, reason, detail: detail)
    status.nextAttempt = now.unixMilliseconds(of: until)
    if until <= now.uptime { resume(at: now) }
  }

  /// The pause is over.
  mutating func resume(at now: Moment) {
    if status.state == .banned { enter(.disconnected, .bannedTemporarily) }
    status.lastReconnectAttempt = now.unixMilliseconds
    status.nextAttempt = nil
    connect(.login, at: now)
  }

  mutating func refusePendingCode() {
    guard pendingPhone != nil else { return }
    pendingPhone = nil
    out.append(.linkCode(.failure(.noAnswer)))
  }
}
