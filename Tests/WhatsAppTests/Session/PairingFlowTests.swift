// Pairing from the first byte to the saved link, and every way in which it must not succeed, under a simulated clock.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

extension Harness {
  /// The code on show, as a phone reads it.
  func shownCode() throws -> QRCodeText { try #require(status.qr.flatMap { QRCodeText($0.text) }) }

  /// Starts unpaired and goes up to the first code.
  static func showingCode(hosted: HostedAccountPolicy = .accept) -> Harness {
    let harness = Harness(hosted: hosted)
    harness.feed(.start(nil))
    return harness
  }

  func scan(_ phone: PhoneDouble = PhoneDouble()) throws { push(try phone.pairSuccess(shownCode())) }

  static var streamRestart: Node { Node("stream:error", ["code": "515"]) }

  /// Pairs and logs in.
  static func connected() throws -> Harness {
    let harness = showingCode()
    try harness.scan()
    harness.push(streamRestart)
    try #require(harness.status.state == .connected)
    return harness
  }
}

@Suite("Pairing")
struct PairingFlowTests {
  @Test func `a fresh instance shows the first of six codes and answers pair-device`() throws {
    let harness = Harness.showingCode()
    #expect(harness.status.state == .waitingQR)
    #expect(harness.status.qr?.number == 1)
    #expect(harness.status.qr?.total == 6)
    #expect(
      harness.server.received.first == Node("iq", ["to": .jid(.whatsAppServer), "type": "result", "id": "srv-1"]))
    #expect(harness.disk?.record.link == nil)
  }

  @Test func `scanning links, and the link is on disk before the server is answered`() throws {
    let harness = Harness.showingCode()
    harness.holdsStore = true
    let answers = harness.server.received.count
    try harness.scan()
    #expect(harness.status.state == .scanned)
    #expect(harness.server.received.count == answers)
    let (ticket, change) = try #require(harness.held.last)
    harness.holdsStore = false
    harness.confirm(ticket, change)
    #expect(harness.status.state == .paired)
    #expect(harness.status.jid == JID("15550000001:3@s.whatsapp.net"))
    let reply = try #require(harness.server.received.last?.child("pair-device-sign", "device-identity"))
    #expect(reply.text("key-index") == "5")
    let identity = try ProtobufFields(try #require(reply.payload))
    #expect(identity.bytes(2) == nil && identity.bytes(4)?.count == 64)
    let link = try #require(harness.disk?.record.link)
    #expect(try ProtobufFields(link.identity).bytes(2) == link.accountKey.bytes)
    #expect(link.platform == "android" && link.businessName == "Shop" && !link.isConfirmed)
    #expect(harness.disk?.record.serverTimeOffset == 60)
  }

  @Test(arguments: ["515", "close", "silence"])
  func `after the link the login follows, whichever way the connection ends`(way: String) throws {
    let harness = Harness.showingCode()
    try harness.scan()
    switch way {
    case "515": harness.push(Harness.streamRestart)
    case "close": harness.drop()
    default: harness.pass(25)
    }
    #expect(harness.status.state == .connected)
    #expect(harness.server.payload?.unsigned(1) == 15_550_000_001)
    #expect(harness.server.payload?.unsigned(18) == 3)
    #expect(harness.opens.count == 2)
    #expect(harness.statuses.map(\.state) == [.starting, .waitingQR, .scanned, .paired, .connected])
    #expect(harness.disk?.record.link?.isConfirmed == true)
  }

  @Test func `codes rotate at 60 and then every 20 seconds, and after 160 the cycle is over until the owner asks`()
    throws
  {
    let harness = Harness.showingCode()
    var shown: [Int] = []
    for _ in 0..<8 {
      shown.append(harness.status.qr?.number ?? 0)
      harness.pass(shown.count == 1 ? 60 : 20)
    }
    #expect(shown == [1, 2, 3, 4, 5, 6, 0, 0])
    #expect(harness.status.state == .disconnected)
    #expect(harness.status.reason == .pairingExpired)
    #expect(harness.status.nextAttempt == nil)
    #expect(harness.closes == harness.opens)
    harness.pass(3600)
    #expect(harness.opens.count == 1)
    harness.feed(.pair)
    #expect(harness.status.state == .waitingQR)
    #expect(harness.status.qr?.number == 1)
  }

  @Test func `every rotation is published at its second`() {
    let harness = Harness.showingCode()
    harness.pass(200)
    let seen = harness.statuses.compactMap(\.qr).map { ($0.expiresAt - Moment.at(0).unixMilliseconds) / 1000 }
    #expect(seen == [60, 80, 100, 120, 140, 160])
  }

  @Test(arguments: [
    (PairingFault.badMAC, LinkReason.hmacMismatch, "401", "hmac-mismatch"),
    (.badSignature, .signatureMismatch, "401", "signature-mismatch"),
    (.badJID, .pairingMalformed, "500", "internal-error"),
    (.hosted, .hostedAccount, "401", "hosted-account"),
  ])
  func `a bad statement is refused with its error, and the keys are never used again`(
    fault: PairingFault, reason: LinkReason, code: String, text: String
  ) throws {
    let harness = Harness.showingCode(hosted: .refuse)
    let before = try harness.shownCode()
    let phone = PhoneDouble()
    harness.push(
      try phone.pairSuccess(
        before, jid: fault == .badJID ? "15550000001@s.whatsapp.net" : "15550000001:3@s.whatsapp.net",
        hosted: fault == .hosted, badMAC: fault == .badMAC, badSignature: fault == .badSignature))
    #expect(harness.status.state == .failed)
    #expect(harness.status.reason == reason)
    #expect(
      harness.server.received.last
        == Node(
          "iq", ["to": .jid(.whatsAppServer), "type": "error", "id": "srv-2"],
          [Node("error", ["code": .text(code), "text": .text(text)])]))
    #expect(harness.disk == nil)
    #expect(harness.status.qr == nil)
    harness.feed(.pair)
    #expect(try harness.shownCode().identityKey != before.identityKey)
    #expect(try harness.shownCode().noiseKey != before.noiseKey)
  }

  enum PairingFault { case badMAC, badSignature, badJID, hosted }

  @Test func `a hosted account is linked where the policy accepts it`() throws {
    let harness = Harness.showingCode(hosted: .accept)
    harness.push(try PhoneDouble().pairSuccess(harness.shownCode(), hosted: true))
    #expect(harness.status.state == .paired)
  }

  @Test func `a second pair-success is ignored`() throws {
    let harness = Harness.showingCode()
    let success = try PhoneDouble().pairSuccess(harness.shownCode())
    harness.push(success)
    let answers = harness.server.received.count
    let link = harness.disk
    harness.push(success)
    harness.push(
      try PhoneDouble().pairSuccess(try #require(QRCodeText(Vector.file("qr.json")["with_url"].text)), badMAC: true))
    #expect(harness.status.state == .paired)
    #expect(harness.server.received.count == answers)
    #expect(harness.disk == link)
  }

  @Test func `a link that cannot be saved is refused towards the server and leaves nothing`() throws {
    let harness = Harness.showingCode()
    harness.storeFails = true
    try harness.scan()
    #expect(harness.status.state == .failed)
    #expect(harness.status.reason == .storeFailed)
    #expect(harness.server.received.last?.child("error")?.text("code") == "500")
    harness.storeFails = false
    harness.feed(.pair)
    #expect(harness.disk?.record.link == nil)
  }

  @Test func `a store that never answers ends the pairing`() throws {
    let harness = Harness.showingCode()
    harness.holdsStore = true
    try harness.scan()
    harness.pass(31)
    #expect(harness.status.state == .failed)
    #expect(harness.status.reason == .storeFailed)
  }

  @Test func `a connection lost while the link is being saved still leads to the login`() throws {
    let harness = Harness.showingCode()
    harness.holdsStore = true
    try harness.scan()
    harness.drop()
    harness.holdsStore = false
    let (ticket, change) = try #require(harness.held.last)
    harness.confirm(ticket, change)
    #expect(harness.status.state == .connected)
  }

  @Test(arguments: ["companion_reg_refresh", "pair-device-rotate-qr"])
  func `a refresh gives the same reference a new secret, and pairing then succeeds with the new one only`(child: String)
    throws
  {
    let harness = Harness.showingCode()
    let before = try harness.shownCode()
    harness.push(
      Node(
        "notification", ["from": .jid(.whatsAppServer), "type": "companion_reg_refresh", "id": "n1", "t": "1"],
        [Node(child)]))
    let after = try harness.shownCode()
    #expect(after.reference == before.reference && after.noiseKey == before.noiseKey)
    #expect(after.identityKey == before.identityKey && after.advSecret != before.advSecret)
    #expect(harness.disk?.record.keys.advSecret == after.advSecret)
    #expect(
      harness.server.received.last
        == Node(
          "ack", ["class": "notification", "id": "n1", "to": .jid(.whatsAppServer), "type": "companion_reg_refresh"]))
    harness.push(try PhoneDouble().pairSuccess(after))
    #expect(harness.status.state == .paired)
  }

  @Test func `a malformed refresh is acknowledged and changes nothing`() throws {
    let harness = Harness.showingCode()
    let before = try harness.shownCode()
    harness.push(Node("notification", ["from": .jid(.whatsAppServer), "type": "companion_reg_refresh", "id": "n1"]))
    #expect(try harness.shownCode() == before)
    #expect(harness.server.received.last?.tag == "ack")
  }

  @Test func `a passkey request is acknowledged, shown, and given up after its five minutes`() {
    let harness = Harness.showingCode()
    harness.push(
      Node(
        "notification", ["from": .jid(.whatsAppServer), "type": "passkey_prologue_request", "id": "n1"],
        [Node("passkey_request_options", bytes: [UInt8]("{}".utf8))]))
    #expect(harness.status.state == .passkeyRequired)
    #expect(harness.status.reason == .passkeyRequired)
    #expect(harness.server.received.last?.tag == "ack")
    harness.pass(299)
    #expect(harness.status.state == .passkeyRequired)
    harness.pass(2)
    #expect(harness.status.state == .failed)
    #expect(harness.disk == nil)
  }

  @Test(arguments: [
    (Node("message", ["from": "1@lid", "id": "x"]), "message"), (Node("success"), "success"),
    (Node("iq", ["type": "set", "id": "9"], [Node("brand-new-gate")]), "iq brand-new-gate"),
    (Node("notification", ["type": "new_gate", "id": "9", "from": "s.whatsapp.net"]), "notification new_gate"),
    (Node("ib", [:], [Node("new_thing")]), "ib new_thing"),
  ])
  func `an unknown event stops the pairing and is named`(stanza: Node, name: String) {
    let harness = Harness.showingCode()
    harness.push(stanza)
    #expect(harness.status.state == .failed)
    #expect(harness.status.reason == .unexpectedEvent)
    #expect(harness.status.detail == name)
    #expect(harness.disk == nil)
  }

  @Test func `a question, and known information with more in it, do not stop the pairing`() {
    let harness = Harness.showingCode()
    let code = harness.status.qr
    harness.push(Node("iq", ["type": "get", "id": "q", "xmlns": "later"], [Node("mystery")]))
    #expect(harness.server.received.last?.child("error")?.text("code") == "405")
    harness.push(Node("ib", [:], [Node("dirty", ["type": "groups"]), Node("new_thing")]))
    #expect(harness.status.state == .waitingQR && harness.status.qr == code)
  }

  @Test func `an unreadable stanza stops the pairing`() {
    let harness = Harness.showingCode()
    harness.feed(.received(connection: harness.opens[0], bytes: harness.server.sealRaw([0, 0xF1, 0xF1])))
    #expect(harness.status.reason == .unexpectedEvent)
  }

  @Test func `a phone without multi-device is named as the reason`() {
    let harness = Harness.showingCode()
    harness.push(Node("ib", ["from": .jid(.whatsAppServer)], [Node("downgrade_webclient")]))
    #expect(harness.status.reason == .noMultidevice)
  }

  @Test func `the server closing with the last code on show is the expiry, before that an interruption`() {
    let early = Harness.showingCode()
    early.drop()
    #expect(early.status.reason == .pairingInterrupted)
    let late = Harness.showingCode()
    late.pass(150)
    late.push(Node("xmlstreamend"))
    #expect(late.status.reason == .pairingExpired)
  }

  @Test(arguments: [
    ("405", LinkState.outdated, LinkReason.clientOutdated), ("428", .failed, .registrationRefused),
    ("401", .failed, .clientRefused), ("503", .disconnected, .serverTrouble), ("406", .banned, .banned),
  ])
  func `a refused registration is shown and not tried again by itself`(
    code: String, state: LinkState, reason: LinkReason
  ) {
    let harness = Harness()
    harness.server.greeting = { _ in [Node("failure", ["reason": .text(code)])] }
    harness.feed(.start(nil))
    harness.pass(3600)
    #expect(harness.status.state == state)
    #expect(harness.status.reason == reason)
    #expect(harness.opens.count == 1)
  }

  @Test func `a server that never sends references is given up`() {
    let harness = Harness()
    harness.server.greeting = { _ in [] }
    harness.feed(.start(nil))
    harness.pass(31)
    #expect(harness.status.reason == .pairingTimeout)
  }

  @Test func `a websocket that does not open, and a server that does not answer, are given up`() {
    let silent = Harness()
    silent.answersOpen = false
    silent.feed(.start(nil))
    #expect(silent.status.state == .starting)
    silent.pass(21)
    #expect(silent.status.reason == .connectTimeout)
    let mute = Harness()
    mute.server.tamper = { _ in [] }
    mute.feed(.start(nil))
    mute.pass(21)
    #expect(mute.status.reason == .handshakeTimeout)
  }

  @Test func `an expired certificate and a forged hello are different reasons`() {
    let expired = Harness()
    expired.server.notAfter = 1_740_000_000
    expired.feed(.start(nil))
    #expect(expired.status.state == .failed)
    #expect(expired.status.reason == .certificateRefused)
    #expect(expired.status.detail?.contains("expired") == true)
    let forged = Harness()
    forged.server.tamper = { hello in hello.dropLast() + [hello.last.map { $0 ^ 1 } ?? 0] }
    forged.feed(.start(nil))
    #expect(forged.status.reason == .handshakeFailed)
  }

  @Test func `pings go out before pairing too, and their answers keep the cycle alive`() {
    let harness = Harness.showingCode()
    harness.pass(100)
    #expect(harness.server.received.filter { $0.text("xmlns") == "w:p" }.count >= 3)
    #expect(harness.status.state == .waitingQR)
  }
}
