// What each stanza means to an unpaired device. Called by LinkMachine for everything that is no ping and no end of the stream.
//
// SPDX-License-Identifier: Apache-2.0

extension PairingMachine {
  /// Takes a stanza. Known ones are answered as the protocol asks; unknown ones end the pairing with their name.
  package mutating func receive(_ stanza: Node, at now: Moment) -> [Action] {
    switch stanza.tag {
    case "iq": return iq(stanza, at: now)
    case "notification":
      let acknowledgement = Node.acknowledgement(of: stanza).map { [Action.send($0)] } ?? []
      return acknowledgement + notification(stanza, at: now)
    case "ib": return information(stanza)
    default: return unexpected(stanza.tag)
    }
  }

  private mutating func iq(_ stanza: Node, at now: Moment) -> [Action] {
    switch stanza.text("type") {
    case "result", "error": return answer(stanza, at: now)
    case "set" where stanza.child("pair-device") != nil: return pairDevice(stanza, at: now)
    case "set" where stanza.child("pair-success") != nil: return pairSuccess(stanza, at: now)
    // A question changes nothing here: it is answered, and the linking goes on.
    case "get": return [.send(.error(to: stanza, code: "405", text: "not-allowed"))]
    default: return unexpected("iq \(stanza.children.first?.tag ?? stanza.text("xmlns") ?? "empty")")
    }
  }

  /// A batch of references. A second batch takes the place of the first.
  private mutating func pairDevice(_ stanza: Node, at now: Moment) -> [Action] {
    switch phase {
    case .awaitingReferences, .offering: break
    case .saving, .restarting, .over: return []
    }
    let references = stanza.child("pair-device")?.children.filter { $0.tag == "ref" }.compactMap { reference in
      reference.payload.flatMap { String(validating: $0, as: UTF8.self) }
    }
    guard let rotation = QRRotation(references: references ?? [], at: now, speed: settings.timings.codeSpeed)
    else {
      return [.send(.error(to: stanza, code: "400", text: "bad-request"))]
        + end(.pairingMalformed, "pair-device without refs")
    }
    phase = .offering
    self.rotation = rotation
    let answer: [Action] = [.send(.result(to: stanza))]
    guard attempt == nil, passkeyUntil == nil else { return answer }
    let shown = showCurrent(orEnd: .pairingMalformed)
    guard case .offering = phase, let phone = pendingPhone else { return answer + shown }
    pendingPhone = nil
    return answer + shown + requestCode(phone, at: now)
  }

  /// The phone's statement. Verified, countersigned and saved before it is answered.
  private mutating func pairSuccess(_ stanza: Node, at now: Moment) -> [Action] {
    switch phase {
    case .offering: break
    case .awaitingReferences: return unexpected("iq pair-success")
    // The protocol page, section 4.7: a second one after success is ignored.
    case .saving, .restarting, .over: return []
    }
    do throws(IdentityRefusal) {
      let link = try self.link(from: stanza, at: now)
      record.link = link.link
      if let time = stanza.number("t") {
        record.serverTimeOffset = Int64(clamping: time).subtractingClamped(now.unixSeconds)
      }
      let reply = Node.result(
        to: stanza,
        [
          Node(
            "pair-device-sign", [:],
            [Node("device-identity", ["key-index": .text("\(link.identity.keyIndex)")], bytes: link.identity.reply)])
        ])
      phase = .saving(
        reply: reply, request: stanza, until: now.uptime + settings.timings.store, isConnected: true)
      return [.enter(.scanned, nil), .save(record)]
    } catch {
      let reason: LinkReason =
        switch error {
        case .hmacMismatch: .hmacMismatch
        case .signatureMismatch: .signatureMismatch
        case .hosted: .hostedAccount
        case .malformed: .pairingMalformed
        }
      return [.send(.error(to: stanza, code: error.code, text: error.text))] + end(reason, nil, freshKeys: true)
    }
  }

  private func link(
    from stanza: Node, at now: Moment
  ) throws(IdentityRefusal) -> (link: AccountRecord.Link, identity: DeviceIdentity) {
    guard let success = stanza.child("pair-success"),
      let container = success.child("device-identity")?.payload
    else { throw .malformed }
    let identity = try DeviceIdentity.accept(
      container, keys: record.keys, hosted: settings.hostedAccounts, random: random)
    let servers = identity.isHosted ? [JID.Server.user, JID.Server.hosted] : [JID.Server.user]
    guard let jid = success.child("device")?.jid("jid"), jid.device > 0, servers.contains(jid.server),
      (5...20).contains(jid.user.utf8.count), UInt64(jid.user) != nil
    else { throw .malformed }
    let link = AccountRecord.Link(
      jid: jid, lid: success.child("device")?.jid("lid"), identity: identity.stored, accountKey: identity.accountKey,
      platform: success.child("platform")?.text("name")?.visible(limit: 64) ?? "",
      businessName: success.child("biz")?.text("name")?.visible(limit: 128) ?? "")
    return (link, identity)
  }

  /// An answer to one of our requests; answers to requests that were given up are none of our business.
  private mutating func answer(_ stanza: Node, at now: Moment) -> [Action] {
    guard var attempt, let pending = attempt.pendingID, pending == stanza.text("id") else { return [] }
    if let (code, text) = stanza.requestError {
      return dropAttempt(code == "429" ? .rateLimited : .refused(code: code, text: text), at: now)
    }
    if attempt.hasDerivedSecret {
      attempt.finishAccepted()
      self.attempt = attempt
      return []
    }
    guard let display = attempt.referenceArrived(stanza, at: now) else { return dropAttempt(.failed, at: now) }
    self.attempt = attempt
    return [.enter(.waitingCode, nil), .showLinkCode(display)]
  }

  private mutating func notification(_ stanza: Node, at now: Moment) -> [Action] {
    let type = stanza.text("type") ?? ""
    switch type {
    case "companion_reg_refresh": return refresh(stanza)
    case "link_code_companion_reg": return linkCode(stanza, at: now)
    case "passkey_prologue_request", "crsc_continuation": return passkeyRequest(at: now)
    default: return Self.harmlessNotifications.contains(type) ? [] : unexpected("notification \(type)")
    }
  }

  /// Known notifications that mean nothing to an unpaired device (protocol page, section 5.5).
  private static let harmlessNotifications: Set<String> = [
    "account_sync", "business", "contacts", "devices", "disappearing_mode", "encrypt", "mediaretry", "mex",
    "newsletter",
    "picture", "privacy_token", "psa", "registration", "server_sync", "status", "w:gp2",
  ]

  /// The server orders a new ADV secret (protocol page, section 4.3): same reference, same keys, new fourth field.
  private mutating func refresh(_ stanza: Node) -> [Action] {
    guard case .offering = phase else { return [] }
    let isWellFormed = stanza.children.contains { ["companion_reg_refresh", "pair-device-rotate-qr"].contains($0.tag) }
    guard isWellFormed, attempt?.hasDerivedSecret != true, passkeyUntil == nil else { return [] }
    record.keys.advSecret = random.secret(32)
    let kept: [Action] = [.keep(record)]
    return attempt == nil ? kept + showCurrent(orEnd: .pairingExpired) : kept
  }

  private mutating func linkCode(_ stanza: Node, at now: Moment) -> [Action] {
    guard case .offering = phase, var attempt, let registration = stanza.child("link_code_companion_reg") else {
      return []
    }
    switch registration.text("stage") {
    case "primary_hello":
      do throws(ProtocolFault) {
        let deadline = now.uptime + settings.timings.request
        guard
          let (finish, secret) = try attempt.primaryHello(
            registration, id: ids.next(), identity: record.keys.identity, answerDeadline: deadline, random: random)
        else { return [] }
        self.attempt = attempt
        record.keys.advSecret = secret
        return [.enter(.scanned, nil), .keep(record), .send(finish)]
      } catch {
        return dropAttempt(.failed, at: now)
      }
    case "refresh_code": return attempt.isShown ? requestCode(attempt.phone, at: now) : []
    default: return unexpected("link_code_companion_reg \(registration.text("stage") ?? "")")
    }
  }

  /// The account wants its passkey (protocol page, section 4.6), which a machine without one cannot give.
  private mutating func passkeyRequest(at now: Moment) -> [Action] {
    guard case .offering = phase, passkeyUntil == nil else { return [] }
    passkeyUntil = now.uptime + settings.timings.passkey
    return [.enter(.passkeyRequired, .passkeyRequired)]
  }

  /// Known information (protocol page, section 5.1).
  private static let information: Set<String> = [
    "downgrade_webclient", "edge_routing", "offline", "offline_preview", "offline_batch", "dirty", "thread_metadata",
    "client_expiration",
  ]

  private mutating func information(_ stanza: Node) -> [Action] {
    // A later server may add to what is known; what is wholly unknown may be a gate.
    let isKnown = stanza.children.contains { Self.information.contains($0.tag) }
    for child in stanza.children {
      switch child.tag {
      case "downgrade_webclient": return end(.noMultidevice, nil)
      case "edge_routing":
        if let routing = child.child("routing_info")?.payload, routing.count <= RoutingInformation.limit {
          record.routing = routing
        }
      default: if !isKnown { return unexpected("ib \(child.tag)") }
      }
    }
    return []
  }

  /// Fails closed, with the name of what nobody here knows.
  private mutating func unexpected(_ name: String) -> [Action] {
    switch phase {
    case .awaitingReferences, .offering: end(.unexpectedEvent, name.visible(limit: 96), freshKeys: true)
    // The link is verified and being saved or saved: nothing that comes now can change what was linked.
    case .saving, .restarting, .over: []
    }
  }
}

/// Bounds of what the server may have us send back to it.
enum RoutingInformation {
  /// Bytes; ours. Seen ones are under 20.
  static let limit = 1024
}
