// Linking by code, from the request to the link, with the phone's half played by the test.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Linking by code")
struct LinkCodeFlowTests {
  private let reference = [UInt8]("ref-1".utf8)

  /// An instance whose server answers the hello with a reference.
  private func harness() -> Harness {
    let harness = Harness.showingCode()
    harness.server.respond = { [reference] node in
      guard node.child("link_code_companion_reg")?.text("stage") == "companion_hello", let id = node["id"] else {
        return ServerDouble.standardAnswer(node)
      }
      return [
        Node(
          "iq", ["from": .jid(.whatsAppServer), "type": "result", "id": id],
          [Node("link_code_companion_reg", [:], [Node("link_code_pairing_ref", bytes: reference)])])
      ]
    }
    return harness
  }

  private func registration(_ harness: Harness, _ stage: String) -> Node? {
    harness.server.received.last { $0.child("link_code_companion_reg")?.text("stage") == stage }?
      .child("link_code_companion_reg")
  }

  /// What the phone sends after its owner typed `code`, and the secret that both sides have once the bundle is opened.
  private func typed(
    _ code: String, on phone: PhoneDouble, in harness: Harness, reference: [UInt8]? = nil
  ) throws -> (Node, (Node) throws -> Secret) {
    let plain = code.filter { $0 != "-" }
    let hello = try #require(registration(harness, "companion_hello"))
    let wrapped = try #require(hello.child("link_code_pairing_wrapped_companion_ephemeral_pub")?.payload)
    let key = try KeyedDigests.pbkdf2(password: plain, salt: Array(wrapped[..<32]), rounds: LinkCode.rounds)
    let companion = try #require(
      PublicKey(try AESCTR.apply(wrapped[48...], key: key, iv: Array(wrapped[32..<48]))))
    let ephemeral = KeyPair(from: .system)
    let own = try LinkCode(
      code: plain, ephemeral: ephemeral, salt: Randomness.system.bytes(32), iv: Randomness.system.bytes(16))
    let notification = Node(
      "notification", ["from": .jid(.whatsAppServer), "type": "link_code_companion_reg", "id": "n9"],
      [
        Node(
          "link_code_companion_reg", ["stage": "primary_hello"],
          [
            Node("link_code_pairing_ref", bytes: reference ?? self.reference),
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", bytes: own.wrappedEphemeral),
            Node("primary_identity_pub", bytes: phone.account.publicKey.bytes),
          ])
      ])
    return (
      notification,
      { finish in
        let bundle = try #require(finish.child("link_code_pairing_wrapped_key_bundle")?.payload)
        let identity = try #require(finish.child("companion_identity_public")?.payload.flatMap { PublicKey($0) })
        let shared = try ephemeral.agreement(with: companion)
        let bundleKey = KeyedDigests.hkdf(
          shared, salt: Array(bundle[..<32]), info: "link_code_pairing_key_bundle_encryption_key", count: 32)
        let opened = try AESGCM.open(
          bundle[44...], key: bundleKey, nonce: Array(bundle[32..<44]), additional: [UInt8]())
        #expect(Array(opened[..<32]) == identity.bytes && Array(opened[32..<64]) == phone.account.publicKey.bytes)
        let material = Secret.joined([shared, try phone.account.agreement(with: identity), Secret(opened[64...])])
        return KeyedDigests.hkdf(material, salt: [UInt8](), info: "adv_secret", count: 32)
      }
    )
  }

  @Test func `a code is shown, typed, and links`() throws {
    let harness = harness()
    harness.feed(.requestCode(phone: "+1 555 000 0044"))
    #expect(harness.status.state == .waitingCode)
    #expect(harness.status.qr == nil)
    let shown = try #require(harness.status.linkCode)
    #expect(harness.codes == [.success(shown)])
    #expect(shown.code.wholeMatch(of: /[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}/) != nil)
    #expect(shown.phone == "15550000044")
    let hello = try #require(registration(harness, "companion_hello"))
    #expect(hello.jid("jid") == JID("15550000044@s.whatsapp.net"))
    #expect(hello.child("companion_platform_display")?.payload == [UInt8]("Chrome (Linux)".utf8))
    let phone = PhoneDouble()
    let (notification, secret) = try typed(shown.code, on: phone, in: harness)
    let code = try #require(QRCodeText(Vector.file("qr.json")["with_url"].text))
    harness.push(notification)
    #expect(harness.status.state == .scanned)
    #expect(harness.server.received.contains { $0.tag == "ack" && $0.text("id") == "n9" })
    let finish = try #require(registration(harness, "companion_finish"))
    #expect(finish.child("link_code_pairing_ref")?.payload == reference)
    let derived = try secret(finish)
    #expect(harness.disk?.record.keys.advSecret == derived)
    // A refresh must not clobber the derived secret.
    harness.push(
      Node(
        "notification", ["from": .jid(.whatsAppServer), "type": "companion_reg_refresh", "id": "n1"],
        [Node("companion_reg_refresh")]))
    #expect(harness.disk?.record.keys.advSecret == derived)
    let keys = try #require(harness.disk?.record.keys)
    let scanned = try #require(QRCodeText(reference: code.reference, keys: keys, clientType: "1"))
    harness.push(try phone.pairSuccess(scanned))
    harness.push(Harness.streamRestart)
    #expect(harness.status.state == .connected)
  }

  @Test func `a phone's answer for another reference is acknowledged and ignored`() throws {
    let harness = harness()
    harness.feed(.requestCode(phone: "15550000044"))
    let shown = try #require(harness.status.linkCode)
    harness.push(try typed(shown.code, on: PhoneDouble(), in: harness, reference: [1]).0)
    #expect(harness.status.state == .waitingCode)
    #expect(harness.server.received.last?.tag == "ack")
  }

  @Test(arguments: [
    ("400", LinkCodeRefusal.refused(code: "400", text: "bad-request")), ("429", .rateLimited),
  ])
  func `the server's refusal is typed, and the picture comes back`(code: String, refusal: LinkCodeRefusal) {
    let harness = Harness.showingCode()
    harness.server.respond = { node in
      [Node("iq", ["type": "error", "id": node["id"]], [Node("error", ["code": .text(code), "text": "bad-request"])])]
    }
    harness.feed(.requestCode(phone: "15550000044"))
    #expect(harness.codes == [.failure(refusal)])
    #expect(harness.status.state == .waitingQR)
    #expect(harness.status.qr != nil)
  }

  @Test func `a request that is never answered is given up, and the picture comes back`() {
    let harness = Harness.showingCode()
    harness.server.respond = { node in
      node.child("link_code_companion_reg") != nil ? [] : ServerDouble.standardAnswer(node)
    }
    harness.feed(.requestCode(phone: "15550000044"))
    harness.pass(76)
    #expect(harness.codes == [.failure(.noAnswer)])
    #expect(harness.status.qr?.number == 2)
  }

  @Test func `a bad number is refused without a word to the server`() {
    let harness = harness()
    let sent = harness.server.received.count
    harness.feed(.requestCode(phone: "055"))
    #expect(harness.codes == [.failure(.invalidNumber(.leadingZero))])
    #expect(harness.server.received.count == sent)
  }

  @Test func `a code is good for the rest of the cycle, and then the cycle is over`() throws {
    let harness = harness()
    harness.pass(30)
    harness.feed(.requestCode(phone: "15550000044"))
    #expect(harness.status.linkCode?.expiresAt == Moment.at(160).unixMilliseconds)
    harness.pass(129)
    #expect(harness.status.state == .waitingCode)
    harness.pass(2)
    #expect(harness.status.reason == .pairingExpired)
  }

  @Test func `a code asked for near the end of a cycle, or without one, starts a new cycle`() {
    let late = harness()
    late.pass(110)
    late.feed(.requestCode(phone: "15550000044"))
    #expect(late.opens.count == 2)
    #expect(late.status.state == .waitingCode)
    let idle = harness()
    idle.pass(200)
    idle.feed(.requestCode(phone: "15550000044"))
    #expect(idle.status.state == .waitingCode)
    #expect(idle.codes.count == 1)
  }

  @Test func `the server may order a new code, but not without end`() throws {
    let harness = harness()
    harness.feed(.requestCode(phone: "15550000044"))
    var seen: Set<String> = []
    for _ in 0..<12 {
      if let code = harness.status.linkCode?.code { seen.insert(code) }
      harness.push(
        Node(
          "notification", ["from": .jid(.whatsAppServer), "type": "link_code_companion_reg", "id": "n"],
          [Node("link_code_companion_reg", ["stage": "refresh_code"])]))
    }
    #expect(seen.count == 8)
  }

  @Test func `a connection lost while a code was asked for answers the request`() {
    let harness = Harness()
    harness.answersOpen = false
    harness.feed(.requestCode(phone: "15550000044"))
    harness.drop("refused")
    #expect(harness.codes == [.failure(.noAnswer)])
    #expect(harness.status.reason == .connectFailed)
  }
}
