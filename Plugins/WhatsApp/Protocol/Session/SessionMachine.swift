// A linked device's connection: login, prekeys, going active, living, unlinking. A pure state machine: LinkMachine feeds it
// stanzas, time and confirmations, and does what it returns. Messages are acknowledged and handed on, not read.
// Stanzas are in SessionMachine+Stanzas.swift. Source: protocol page, section 5.
//
// SPDX-License-Identifier: Apache-2.0

/// The life of one login behind its handshake.
///
///     loggingIn ──success()──▶ preparing ──activate()──▶ activating ──answer()──▶ live
///         │                      │  prekeys: counting ─▶ storing ─▶ uploading      │ unlink()
///         │                      │  (also from live, on notification)              ▼
///         └── tick(): timeout ──▶ over ◀── answer(), ended(), tick() ─────────── unlinking
package struct SessionMachine: Sendable {
  /// What LinkMachine must do, in order.
  package enum Action: Sendable, Equatable {
    case send(Node)
    /// Save the record; nobody waits for it.
    case update(AccountRecord)
    /// Save durably, then call ``SessionMachine/preKeysStored(at:)`` or ``SessionMachine/preKeysNotStored(at:)``.
    case addPreKeys([PreKey], AccountRecord)
    case preKeysUploaded([UInt32])
    /// The server accepted the login.
    case loggedIn
    /// The device is active: the channel is connected.
    case live
    /// A stanza for the message layer, already acknowledged unless the settings leave that to it.
    case inbound(Node)
    /// The account is unlinked; `confirmed` by the server or not.
    case unlinked(confirmed: Bool)
    /// The session is useless; connect again.
    case lost(LinkReason, detail: String)
  }

  enum Phase: Sendable, Equatable {
    case loggingIn(until: Duration)
    case preparing
    case activating(id: String, until: Duration)
    case live
    case unlinking(id: String, until: Duration)
    case over
  }

  /// Prekeys are looked after beside the phases.
  enum PreKeyStep: Sendable, Equatable {
    case idle
    case counting(id: String, until: Duration)
    case storing([PreKey], until: Duration)
    case uploading(id: String, ids: [UInt32], until: Duration)
  }

  let settings: LinkSettings
  let random: Randomness
  var ids: StanzaIDs
  var phase: Phase
  var preKeyStep = PreKeyStep.idle
  package internal(set) var record: AccountRecord
  package internal(set) var stock: PreKeyStock

  /// Starts behind the handshake; the login payload is in it.
  package init(
    account: StoredAccount, settings: LinkSettings, ids: StanzaIDs, random: Randomness, at now: Moment
  ) {
    record = account.record
    stock = PreKeyStock(account.preKeys)
    self.settings = settings
    self.ids = ids
    self.random = random
    phase = .loggingIn(until: now.uptime + settings.timings.login)
  }

  /// Whether the channel is connected.
  package var isLive: Bool { phase == .live }

  /// Whether the owner asked to unlink.
  package var isUnlinking: Bool { if case .unlinking = phase { true } else { false } }

  /// When ``tick(at:)`` has something to do.
  package var deadline: Duration? {
    let phaseDeadline: Duration? =
      switch phase {
      case .loggingIn(let until), .activating(_, let until), .unlinking(_, let until): until
      case .preparing, .live, .over: nil
      }
    let preKeyDeadline: Duration? =
      switch preKeyStep {
      case .counting(_, let until), .storing(_, let until), .uploading(_, _, let until): until
      case .idle: nil
      }
    return [phaseDeadline, preKeyDeadline].compactMap(\.self).min()
  }

  /// Moves on with the time: whatever was not answered in time is given up.
  package mutating func tick(at now: Moment) -> [Action] {
    switch phase {
    case .loggingIn(let until) where until <= now.uptime: return lose(.loginTimeout, "no success")
    case .activating(_, let until) where until <= now.uptime: return lose(.loginTimeout, "no answer to active")
    case .unlinking(_, let until) where until <= now.uptime:
      phase = .over
      return [.unlinked(confirmed: false)]
    default: break
    }
    switch preKeyStep {
    case .counting(_, let until) where until <= now.uptime, .storing(_, let until) where until <= now.uptime,
      .uploading(_, _, let until) where until <= now.uptime:
      return preKeysDone(failed: true, at: now)
    default: return []
    }
  }

  /// Unlinks the account. Only from ``isLive``; otherwise nothing happens and false comes back.
  package mutating func unlink(at now: Moment) -> [Action]? {
    guard phase == .live, let jid = record.link?.jid else { return nil }
    let id = ids.next()
    phase = .unlinking(id: id, until: now.uptime + settings.timings.logout)
    return [.send(.removeCompanion(id: id, jid: jid))]
  }

  /// The connection or stream ended while unlinking.
  package mutating func ended(deviceRemoved: Bool) -> [Action] {
    guard isUnlinking else { return [] }
    phase = .over
    return [.unlinked(confirmed: deviceRemoved)]
  }

  /// The new prekeys are on disk: only now may the server give them away.
  package mutating func preKeysStored(at now: Moment) -> [Action] {
    guard case .storing(let keys, _) = preKeyStep else { return [] }
    stock.add(keys)
    return upload(at: now)
  }

  /// The new prekeys are not on disk: none is uploaded, so that nobody uses a key that we would not have.
  package mutating func preKeysNotStored(at now: Moment) -> [Action] {
    guard case .storing = preKeyStep else { return [] }
    return preKeysDone(failed: true, at: now)
  }

  mutating func lose(_ reason: LinkReason, _ detail: String) -> [Action] {
    phase = .over
    preKeyStep = .idle
    return [.lost(reason, detail: detail)]
  }

  /// Asks the server for its count, unless that is going on.
  mutating func countPreKeys(at now: Moment) -> [Action] {
    guard preKeyStep == .idle else { return [] }
    let id = ids.next()
    preKeyStep = .counting(id: id, until: now.uptime + settings.timings.request)
    return [.send(PreKeyStock.count(id: id))]
  }

  mutating func refill(serverCount: UInt64, at now: Moment) -> [Action] {
    // The answer to an upload was lost, but the server has the keys: they must not be given to it a second time.
    let known = stock.knownAfterAll(serverCount: serverCount)
    stock.markUploaded(known)
    let marked: [Action] = known.isEmpty ? [] : [.preKeysUploaded(known)]
    guard let shortage = stock.shortage(serverCount: serverCount) else {
      return marked + preKeysDone(failed: false, at: now)
    }
    return marked + make(shortage, at: now)
  }

  private mutating func make(_ shortage: Int, at now: Moment) -> [Action] {
    guard shortage > 0 else { return upload(at: now) }
    let keys = PreKeyStock.make(shortage, nextID: &record.nextPreKeyID, random: random)
    preKeyStep = .storing(keys, until: now.uptime + settings.timings.store)
    return [.addPreKeys(keys, record)]
  }

  private mutating func upload(at now: Moment) -> [Action] {
    let keys = Array(stock.waiting.prefix(PreKeyStock.firstBatch))
    let id = ids.next()
    preKeyStep = .uploading(id: id, ids: keys.map(\.id), until: now.uptime + settings.timings.request)
    return [.send(PreKeyStock.upload(id: id, keys: record.keys, preKeys: keys))]
  }

  /// The prekeys are as they should be, or could not be brought there; a login goes on either way, the next one tries again.
  mutating func preKeysDone(failed: Bool, at now: Moment) -> [Action] {
    preKeyStep = .idle
    guard phase == .preparing else { return [] }
    let id = ids.next()
    phase = .activating(id: id, until: now.uptime + settings.timings.request)
    return [.send(.request(id: id, type: "set", xmlns: "passive", [Node("active")]))]
  }
}
