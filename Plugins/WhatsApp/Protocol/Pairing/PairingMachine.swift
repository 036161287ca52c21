// Links an unpaired device: references, codes, the phone's statement, the saved link. A pure state machine: LinkMachine feeds
// it stanzas, time and confirmations, and does what it returns. Anything unknown ends the pairing with its name.
// The stanzas' handling is in PairingMachine+Stanzas.swift. Source: protocol page, section 4.
//
// SPDX-License-Identifier: Apache-2.0

/// The life of one unpaired connection behind its handshake.
///
///     awaitingReferences ──pairDevice()──▶ offering ──pairSuccess()──▶ saving ──saved()──▶ restarting ──closed()──▶ over
///           │                              │ ▲  │ ▲                     │                      └──tick()──▶ over
///           │                tick(): rotate ┘ │  └─┘ requestCode(),      └──saveFailed()──▶ over
///           │                                 │      primaryHello(), passkeyRequest(), refresh()
///           └── tick(), closed(), end() ──▶ over ◀── tick(): codes used up, closed(), end()
package struct PairingMachine: Sendable {
  /// What LinkMachine must do, in order.
  package enum Action: Sendable, Equatable {
    case send(Node)
    /// A code to draw.
    case show(QRCode)
    /// A code to type. The picture is hidden meanwhile.
    case showLinkCode(LinkCodeDisplay)
    case refuseLinkCode(LinkCodeRefusal)
    case enter(LinkState, LinkReason?)
    /// Keep the unpaired keys; nobody waits for it.
    case keep(AccountRecord)
    /// Save the link durably, then call ``PairingMachine/saved(at:)`` or ``PairingMachine/saveFailed(at:)``.
    case save(AccountRecord)
    /// The link is saved and answered.
    case linked(AccountRecord)
    /// Connect again, with the login payload.
    case login
    /// Over without a link. `freshKeys`: these keys must not be used again.
    case end(LinkReason, detail: String?, freshKeys: Bool)
  }

  enum Phase: Sendable {
    case awaitingReferences(until: Duration)
    case offering
    case saving(reply: Node, request: Node, until: Duration, isConnected: Bool)
    case restarting(until: Duration)
    case over
  }

  let settings: LinkSettings
  let random: Randomness
  var ids: StanzaIDs
  var phase: Phase
  var rotation: QRRotation?
  var attempt: LinkCodeAttempt?
  /// A number that asked for a code before the references were there.
  var pendingPhone: PhoneNumber?
  var passkeyUntil: Duration?
  private var codesMade = 0
  /// The keys that are offered; after ``Action/save(_:)`` with the link.
  package internal(set) var record: AccountRecord

  /// Starts behind the handshake.
  ///
  /// - Parameter phone: a number that wants a code as soon as there are references.
  package init(
    record: AccountRecord, settings: LinkSettings, ids: StanzaIDs, random: Randomness, phone: PhoneNumber? = nil,
    at now: Moment
  ) {
    self.record = record
    self.settings = settings
    self.ids = ids
    self.random = random
    pendingPhone = phone
    phase = .awaitingReferences(until: now.uptime + settings.timings.references)
  }

  /// When ``tick(at:)`` has something to do.
  package var deadline: Duration? {
    switch phase {
    case .awaitingReferences(let until), .restarting(let until): until
    case .saving(_, _, let until, _): until
    case .offering:
      [passkeyUntil ?? attempt?.expires ?? rotation?.deadline, attempt?.answerDeadline].compactMap(\.self).min()
    case .over: nil
    }
  }

  /// How long a code that is asked for now would stay good on this connection; nil when none can be asked for.
  package func codeTime(at now: Moment) -> Duration? {
    switch phase {
    case .awaitingReferences: settings.timings.codeLifetime
    case .offering: rotation?.remaining(at: now)
    case .saving, .restarting, .over: nil
    }
  }

  /// Moves on with the time.
  package mutating func tick(at now: Moment) -> [Action] {
    switch phase {
    case .awaitingReferences(let until) where until <= now.uptime:
      return end(.pairingTimeout, "no pair-device")
    case .saving(_, _, let until, _) where until <= now.uptime:
      return saveFailed(at: now)
    case .restarting(let until) where until <= now.uptime:
      phase = .over
      return [.login]
    case .offering: return offeringTick(at: now)
    case .awaitingReferences, .saving, .restarting, .over: return []
    }
  }

  private mutating func offeringTick(at now: Moment) -> [Action] {
    if let passkeyUntil { return passkeyUntil <= now.uptime ? end(.passkeyRequired, nil, freshKeys: true) : [] }
    if let attempt {
      if let deadline = attempt.answerDeadline, deadline <= now.uptime {
        return dropAttempt(.noAnswer, at: now)
      }
      return attempt.expires <= now.uptime ? end(.pairingExpired, nil, freshKeys: attempt.hasDerivedSecret) : []
    }
    guard rotation?.advance(to: now) == true else { return [] }
    return showCurrent(orEnd: .pairingExpired)
  }

  /// Most link codes of one connection: the server may order new ones, and each costs it and us.
  private static let codeLimit = 8

  /// Asks for a link code, in place of one that may be on show. Runs PBKDF2 (about 50 ms).
  package mutating func requestCode(_ phone: PhoneNumber, at now: Moment) -> [Action] {
    switch phase {
    case .awaitingReferences:
      pendingPhone = phone
      return []
    case .offering:
      guard codesMade < Self.codeLimit else { return [.refuseLinkCode(.rateLimited)] }
      codesMade += 1
      let expires = now.uptime + (rotation?.remaining(at: now) ?? settings.timings.codeLifetime)
      do throws(ProtocolFault) {
        let attempt = try LinkCodeAttempt(
          phone: phone, id: ids.next(), expires: expires, answerDeadline: now.uptime + settings.timings.request,
          random: random)
        self.attempt = attempt
        let hello = attempt.hello(
          noiseKey: record.keys.noise.publicKey, clientType: settings.clientType, display: settings.codeDisplayName)
        return hello.map { [.send($0)] } ?? []
      } catch {
        return [.refuseLinkCode(.failed)]
      }
    case .saving, .restarting, .over: return [.refuseLinkCode(.alreadyLinked)]
    }
  }

  /// The link is on disk: answer the server, and tell everybody.
  package mutating func saved(at now: Moment) -> [Action] {
    guard case .saving(let reply, _, _, let isConnected) = phase else { return [] }
    guard isConnected else {
      phase = .over
      return [.linked(record), .login]
    }
    phase = .restarting(until: now.uptime + settings.timings.restart)
    return [.send(reply), .linked(record)]
  }

  /// The link is not on disk: the server must not think it is.
  package mutating func saveFailed(at now: Moment) -> [Action] {
    guard case .saving(_, let request, _, let isConnected) = phase else { return [] }
    let refusal = Node.error(to: request, code: "500", text: IdentityRefusal.malformed.text)
    return (isConnected ? [.send(refusal)] : []) + end(.storeFailed, nil, freshKeys: true)
  }

  /// The connection ended, by 515 or by closing: after the link that is the way it goes on.
  package mutating func closed(at now: Moment) -> [Action] {
    switch phase {
    case .awaitingReferences: return end(.pairingInterrupted, nil)
    case .offering:
      if passkeyUntil != nil { return end(.passkeyRequired, nil, freshKeys: true) }
      let derived = attempt?.hasDerivedSecret ?? false
      let isOver = rotation?.isLast ?? true
      return end(isOver ? .pairingExpired : .pairingInterrupted, nil, freshKeys: derived)
    case .saving(let reply, let request, let until, _):
      phase = .saving(reply: reply, request: request, until: until, isConnected: false)
      return []
    case .restarting:
      phase = .over
      return [.login]
    case .over: return []
    }
  }

  /// Whether the end of the connection is part of the plan.
  package var expectsRestart: Bool {
    switch phase {
    case .saving, .restarting: true
    case .awaitingReferences, .offering, .over: false
    }
  }

  mutating func end(_ reason: LinkReason, _ detail: String?, freshKeys: Bool = false) -> [Action] {
    phase = .over
    let refusal: [Action] = attempt == nil && pendingPhone == nil ? [] : [.refuseLinkCode(.noAnswer)]
    attempt = nil
    pendingPhone = nil
    return refusal + [.end(reason, detail: detail?.visible(limit: 300), freshKeys: freshKeys)]
  }

  /// The attempt is over; the picture comes back.
  mutating func dropAttempt(_ refusal: LinkCodeRefusal, at now: Moment) -> [Action] {
    let derived = attempt?.hasDerivedSecret ?? false
    attempt = nil
    if derived { return [.refuseLinkCode(refusal)] + end(.pairingTimeout, "companion_finish", freshKeys: true) }
    _ = rotation?.advance(to: now)
    return [.refuseLinkCode(refusal)] + showCurrent(orEnd: .pairingExpired)
  }

  mutating func showCurrent(orEnd reason: LinkReason) -> [Action] {
    guard let rotation, rotation.reference != nil else { return end(reason, nil) }
    guard let code = rotation.code(keys: record.keys, clientType: settings.clientType) else {
      return end(.pairingMalformed, "unusable reference")
    }
    return [.enter(.waitingQR, nil), .show(code)]
  }
}
