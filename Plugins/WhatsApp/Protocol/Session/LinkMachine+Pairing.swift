// Does what the pairing machine asks for, and answers the store.
//
// SPDX-License-Identifier: Apache-2.0

extension LinkMachine {
  /// Starts a cycle: keys are kept from an unfinished one, and made anew otherwise.
  mutating func beginPairing(phone: PhoneNumber? = nil, at now: Moment) {
    do throws(ProtocolFault) {
      if account == nil {
        let record = AccountRecord(keys: try DeviceKeys.fresh(from: random))
        account = StoredAccount(record: record)
        store(.account(record), .update)
      }
    } catch {
      return enter(.failed, .pairingMalformed, detail: error.description)
    }
    pendingPhone = phone
    linkedInThisRun = false
    enter(.starting)
    connect(.pair, at: now)
  }

  mutating func perform(_ actions: [PairingMachine.Action], at now: Moment) {
    for action in actions {
      switch action {
      case .send(let node): transmit(node, at: now)
      case .show(let code): status.qr = code
      case .showLinkCode(let display):
        status.linkCode = display
        out.append(.linkCode(.success(display)))
      case .refuseLinkCode(let refusal): out.append(.linkCode(.failure(refusal)))
      case .enter(let state, let reason): enter(state, reason)
      case .keep(let record):
        account?.record = record
        store(.account(record), .update)
      case .save(let record): store(.account(record), .link)
      case .linked(let record):
        account = StoredAccount(record: record)
        linkedInThisRun = true
        status.jid = record.link?.jid
        status.lid = record.link?.lid
        enter(.paired)
      case .login: connect(.login, at: now)
      case .end(let reason, let detail, let freshKeys): endPairing(reason, detail, freshKeys: freshKeys)
      }
    }
  }

  /// The cycle is over without a link; the owner starts the next one.
  mutating func endPairing(_ reason: LinkReason, _ detail: String?, freshKeys: Bool, state: LinkState? = nil) {
    dropConnection()
    refusePendingCode()
    if freshKeys {
      account = nil
      store(.wipe, .wipe)
    }
    let isQuiet = [LinkReason.pairingExpired, .pairingInterrupted, .pairingTimeout].contains(reason)
    enter(state ?? (isQuiet ? .disconnected : .failed), reason, detail: detail)
  }

  /// The store confirmed a ticket.
  mutating func stored(_ ticket: UInt64, at now: Moment) {
    switch (tickets.removeValue(forKey: ticket), phase) {
    case (.link?, .pairing(var machine)):
      let actions = machine.saved(at: now)
      phase = .pairing(machine)
      perform(actions, at: now)
    case (.preKeys?, .session(var machine)):
      let actions = machine.preKeysStored(at: now)
      account?.preKeys = machine.stock.keys
      phase = .session(machine)
      perform(actions, at: now)
    default: break
    }
  }

  /// The store refused a ticket. Only the link and prekeys are waited for; a failed update is made again with the next one.
  mutating func storeFailed(_ ticket: UInt64, _ detail: String, at now: Moment) {
    switch (tickets.removeValue(forKey: ticket), phase) {
    case (.link?, .pairing(var machine)):
      let actions = machine.saveFailed(at: now)
      phase = .pairing(machine)
      perform(actions, at: now)
      status.detail = detail.visible(limit: 300)
    case (.preKeys?, .session(var machine)):
      let actions = machine.preKeysNotStored(at: now)
      phase = .session(machine)
      perform(actions, at: now)
    case (.wipe?, _): status.detail = "the stored credentials could not be deleted: \(detail)".visible(limit: 300)
    default: break
    }
  }
}
