// One attempt to link by code: from the request to the derived secret. Owned by PairingMachine.
// Source: protocol page, section 4.5.
//
// SPDX-License-Identifier: Apache-2.0

/// The stages of an attempt.
///
///     asking ──referenceArrived()──▶ shown ──primaryHello()──▶ finishing ──(answer)──▶ finishing
///        └── iq error or no answer: PairingMachine drops the attempt
struct LinkCodeAttempt: Sendable {
  private enum Stage: Sendable {
    case asking(id: String)
    case shown(reference: [UInt8])
    case finishing(id: String)
  }

  let phone: PhoneNumber
  private let code: LinkCode
  private var stage: Stage
  /// When the code is over, on the uptime clock.
  let expires: Duration
  /// When the pending request is over; nil while none is pending.
  private(set) var answerDeadline: Duration?

  /// Makes the code; runs PBKDF2 once.
  init(phone: PhoneNumber, id: String, expires: Duration, answerDeadline: Duration, random: Randomness)
    throws(ProtocolFault)
  {
    self.phone = phone
    code = try LinkCode(from: random)
    stage = .asking(id: id)
    self.expires = expires
    self.answerDeadline = answerDeadline
  }

  /// Whether the secret that the phone will use is the code's by now.
  var hasDerivedSecret: Bool { if case .finishing = stage { true } else { false } }

  /// Whether the code is on show, waiting to be typed.
  var isShown: Bool { if case .shown = stage { true } else { false } }

  /// The id of the request that waits for an answer.
  var pendingID: String? {
    switch stage {
    case .asking(let id), .finishing(let id): answerDeadline == nil ? nil : id
    case .shown: nil
    }
  }

  /// Asks the server for a pairing reference.
  ///
  /// - Parameter display: strictly "Browser (OS)" with common names, or the server answers 400.
  func hello(noiseKey: PublicKey, clientType: String, display: String) -> Node? {
    guard case .asking(let id) = stage else { return nil }
    let registration = Node(
      "link_code_companion_reg",
      ["jid": .jid(phone.jid), "stage": "companion_hello", "should_show_push_notification": "true"],
      [
        Node("link_code_pairing_wrapped_companion_ephemeral_pub", bytes: code.wrappedEphemeral),
        Node("companion_server_auth_key_pub", bytes: noiseKey.bytes),
        Node("companion_platform_id", content: .text(clientType)),
        Node("companion_platform_display", bytes: [UInt8](display.utf8)),
        Node("link_code_pairing_nonce", bytes: [0]),
      ])
    return .request(id: id, type: "set", xmlns: "md", [registration])
  }

  /// Takes the server's answer to the hello.
  ///
  /// - Returns: the code to show, or nil when the answer holds no reference.
  mutating func referenceArrived(_ answer: Node, at now: Moment) -> LinkCodeDisplay? {
    let reference = answer.child("link_code_companion_reg", "link_code_pairing_ref")?.payload
    guard case .asking = stage, let reference, (1...QRCodeText.referenceLimit).contains(reference.count) else {
      return nil
    }
    stage = .shown(reference: reference)
    answerDeadline = nil
    return LinkCodeDisplay(code: code.displayed, phone: phone.digits, expiresAt: now.unixMilliseconds(of: expires))
  }

  /// The server took the finish: pair-success is next.
  mutating func finishAccepted() { answerDeadline = nil }

  /// Takes the phone's half after the code was typed.
  ///
  /// - Returns: the last stanza and the secret that pair-success will be made with; nil when the notification is for another attempt.
  /// - Throws: ``ProtocolFault`` for keys of a wrong length or of low order.
  mutating func primaryHello(
    _ registration: Node, id: String, identity: KeyPair, answerDeadline: Duration, random: Randomness
  ) throws(ProtocolFault) -> (finish: Node, advSecret: Secret)? {
    guard case .shown(let reference) = stage,
      registration.child("link_code_pairing_ref")?.payload == reference
    else { return nil }
    guard let wrapped = registration.child("link_code_pairing_wrapped_primary_ephemeral_pub")?.payload,
      let primary = registration.child("primary_identity_pub")?.payload.flatMap({ PublicKey($0) })
    else { throw .malformed(.identity, "the phone's half is incomplete") }
    let completion = try code.complete(
      wrappedPrimary: wrapped, primaryIdentity: primary, identity: identity, random: random)
    stage = .finishing(id: id)
    self.answerDeadline = answerDeadline
    let body = Node(
      "link_code_companion_reg", ["jid": .jid(phone.jid), "stage": "companion_finish"],
      [
        Node("link_code_pairing_wrapped_key_bundle", bytes: completion.wrappedBundle),
        Node("companion_identity_public", bytes: identity.publicKey.bytes),
        Node("link_code_pairing_ref", bytes: reference),
      ])
    return (.request(id: id, type: "set", xmlns: "md", [body]), completion.advSecret)
  }
}
