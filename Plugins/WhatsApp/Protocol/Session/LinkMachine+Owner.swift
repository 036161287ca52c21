// What the owner and the host ask of an instance: start, pair, code, logout, stop.
//
// SPDX-License-Identifier: Apache-2.0

extension LinkMachine {
  mutating func start(_ stored: StoredAccount?, at now: Moment) {
    guard case .idle = phase else { return }
    account = stored
    guard let link = stored?.record.link else { return beginPairing(at: now) }
    status.jid = link.jid
    status.lid = link.lid
    enter(.starting)
    connect(.login, at: now)
  }

  /// New codes for an unpaired instance; for a linked one that stopped or waits, a new attempt. Never disturbs a living link.
  mutating func pair(at now: Moment) {
    guard account?.record.link != nil else {
      if case .pairing(let machine) = phase, machine.expectsRestart { return }
      return beginPairing(at: now)
    }
    switch phase {
    case .idle, .ended, .waiting:
      enter(.disconnected, status.reason)
      resume(at: now)
    case .connecting, .handshaking, .pairing, .session: break
    }
  }

  /// How much life a connection must have left to show a code on it; a person needs about that to type it.
  private static let usefulCodeTime: Duration = .seconds(60)

  mutating func requestCode(_ text: String, at now: Moment) {
    do throws(LinkCodeRefusal) {
      let phone = try PhoneNumber(text)
      guard account?.record.link == nil else { throw .alreadyLinked }
      switch phase {
      case .pairing(var machine):
        if machine.expectsRestart { throw .alreadyLinked }
        guard let time = machine.codeTime(at: now), time >= Self.usefulCodeTime / max(1, settings.timings.codeSpeed)
        else {
          return beginPairing(phone: phone, at: now)
        }
        let actions = machine.requestCode(phone, at: now)
        phase = .pairing(machine)
        perform(actions, at: now)
      case .connecting, .handshaking: pendingPhone = phone
      case .idle, .waiting, .ended, .session: beginPairing(phone: phone, at: now)
      }
    } catch {
      out.append(.linkCode(.failure(error)))
    }
  }

  /// Unlinks. On a living link the server is asked first; otherwise what is here goes at once.
  mutating func logout(at now: Moment) {
    if case .session(var machine) = phase, let actions = machine.unlink(at: now) {
      phase = .session(machine)
      return perform(actions, at: now)
    }
    if case .session(let machine) = phase, machine.isUnlinking { return }
    let wasLinked = account?.record.link != nil
    refusePendingCode()
    wipeAndEnd(.loggedOut, wasLinked ? .unlinkedUnconfirmed : .unlinkedByOwner, detail: nil)
  }

  /// Closes and forgets everything but the store.
  mutating func stop() {
    dropConnection()
    refusePendingCode()
    phase = .idle
    enter(.disconnected, .stopped)
  }
}
