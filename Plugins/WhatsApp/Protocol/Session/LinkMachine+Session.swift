// Does what the session machine asks for, and what an end of the stream means.
//
// SPDX-License-Identifier: Apache-2.0

extension LinkMachine {
  mutating func perform(_ actions: [SessionMachine.Action], at now: Moment) {
    for action in actions {
      switch action {
      case .send(let node): transmit(node, at: now)
      case .update(let record):
        account?.record = record
        status.lid = record.link?.lid
        store(.account(record), .update)
      case .addPreKeys(let keys, let record):
        account?.record = record
        store(.addPreKeys(keys, record), .preKeys)
      case .preKeysUploaded(let ids):
        if case .session(let machine) = phase { account?.preKeys = machine.stock.keys }
        store(.preKeysUploaded(ids), .update)
      case .loggedIn: break
      case .live:
        reconnection.reset()
        enter(.connected)
      case .inbound(let stanza): out.append(.inbound(stanza))
      case .unlinked(let confirmed):
        wipeAndEnd(.loggedOut, confirmed ? .unlinkedByOwner : .unlinkedUnconfirmed, detail: nil)
      case .lost(let reason, let detail): fail(reason, detail, at: now)
      }
    }
  }

  /// The server ended the stream and said how.
  mutating func streamEnded(_ end: StreamEnd, at now: Moment) {
    switch phase {
    case .pairing(let machine): pairingStreamEnded(machine, end, at: now)
    case .session(var machine):
      let isRemoval = if case .stop(.loggedOut, _, _) = end.consequence { true } else { false }
      let actions = machine.ended(deviceRemoved: isRemoval)
      phase = .session(machine)
      if actions.isEmpty { sessionStreamEnded(end, at: now) } else { perform(actions, at: now) }
    case .idle, .connecting, .handshaking, .waiting, .ended: break
    }
  }

  private mutating func sessionStreamEnded(_ end: StreamEnd, at now: Moment) {
    switch end.consequence {
    case .reconnectNow: fail(.restartRequired, end.detail, at: now)
    case .backOff(let reason, let pause): fail(reason, end.detail, at: now, pause: pause)
    case .banned(let time):
      dropConnection()
      let until = now.uptime + time
      phase = .waiting(until: until)
      enter(.banned, .bannedTemporarily, detail: end.detail)
      status.bannedUntil = now.unixMilliseconds(of: until)
      status.nextAttempt = status.bannedUntil
    case .stop(let state, let reason, let wipe):
      guard wipe else {
        dropConnection()
        return enter(state, reason, detail: end.detail)
      }
      // A link that the server never accepted was cut in the middle of its making.
      let isIncomplete = reason == .loggedOut && account?.record.link?.isConfirmed == false
      wipeAndEnd(state, isIncomplete ? .pairingIncomplete : reason, detail: end.detail)
      // Nobody saw it fail when the cut was in an earlier run: offer new codes instead of an old story.
      if isIncomplete, !linkedInThisRun { beginPairing(at: now) }
    }
  }

  private mutating func pairingStreamEnded(_ machine: PairingMachine, _ end: StreamEnd, at now: Moment) {
    if machine.expectsRestart { return closedByServer(at: now) }
    switch end.consequence {
    case .reconnectNow, .backOff(.streamEnded, _): closedByServer(at: now)
    case .backOff(let reason, _): endPairing(reason, end.detail, freshKeys: false, state: .disconnected)
    case .banned(let time):
      endPairing(.bannedTemporarily, end.detail, freshKeys: false, state: .banned)
      status.bannedUntil = now.unixMilliseconds(of: now.uptime + time)
    case .stop(let state, let reason, let wipe):
      // Nobody was logged in, so nobody was logged out: the registration itself was refused.
      let shown = state == .loggedOut ? LinkState.failed : state
      endPairing(reason == .loggedOut ? .clientRefused : reason, end.detail, freshKeys: wipe, state: shown)
    }
  }

  /// The server ended an unpaired stream: close our side too, and let the machine say what that means.
  private mutating func closedByServer(at now: Moment) {
    out.append(.close(connection: connection))
    closed("stream end", at: now)
  }

  /// Deletes everything and stops until the owner acts.
  mutating func wipeAndEnd(_ state: LinkState, _ reason: LinkReason, detail: String?) {
    dropConnection()
    account = nil
    status.jid = nil
    status.lid = nil
    store(.wipe, .wipe)
    enter(state, reason, detail: detail)
  }
}
