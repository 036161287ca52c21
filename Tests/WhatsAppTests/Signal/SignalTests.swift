// The Signal layer's receiving half against messages that Go libsignal made (signal_capture.json).
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Signal")
struct SignalTests {
  private let file = Vector.file("signal_capture.json")
  private var recipient: Vector { file["recipient"] }

  private func session(_ message: PreKeySignalMessage) throws -> SignalSession {
    let preKey = try #require(message.preKeyID)
    let oneTime: KeyPair? = recipient["prekeys"]["\(preKey)"]["priv"].pair
    try #require(oneTime != nil)
    return try SignalSession(
      opening: message, identity: try #require(recipient["identity_priv"].pair),
      signedPreKey: try #require(recipient["signed_prekey_priv"].pair),
      preKey: oneTime)
  }

  @Test func `the recipient's signed prekey is signed by its identity`() throws {
    let identity = try #require(recipient["identity_pub"].key)
    #expect(
      XEdDSA.verify(recipient["signed_prekey_sig"].hex, of: [5] + recipient["signed_prekey_pub"].hex, by: identity))
  }

  @Test func `a recorded prekey message opens a session and decrypts`() throws {
    let recorded = file["messages"][0]
    let message = try PreKeySignalMessage(recorded["ciphertext"].hex)
    #expect(message.identityKey == file["sender"]["identity_pub"].key)
    #expect(Int64(message.registrationID) == file["sender"]["registration_id"].int)
    #expect(Int64(message.signedPreKeyID) == recipient["signed_prekey_id"].int)
    var session = try session(message)
    let content = try MessageContent(MessagePadding.unpad(session.decrypt(message.message)))
    #expect(
      content == .conversation(recorded["expect_text"].text)
        || content == .text(recorded["expect_text"].text, reply: nil))
    #expect(throws: ProtocolFault.outOfOrder("message with a used counter")) { try session.decrypt(message.message) }
  }

  @Test func `a prekey message with any byte changed does not decrypt, and the session stays as it was`() throws {
    let good = file["messages"][0]["ciphertext"].hex
    var session = try session(try PreKeySignalMessage(good))
    let inner = try #require(try ProtobufFields(good.dropFirst()).bytes(4))
    for index in inner.indices {
      var bad = inner
      bad[index] ^= 1
      #expect(throws: ProtocolFault.self, "byte \(index)") { try session.decrypt(SignalMessage(bad)) }
    }
    #expect(throws: Never.self) { try session.decrypt(SignalMessage(inner)) }
  }

  @Test func `a recorded sender key decrypts the first group message, once`() throws {
    let group = file["group"]
    guard case .senderKey(let name, let distribution) = try MessageContent(group["skdm_message_protobuf"].hex) else {
      Issue.record("no sender key")
      return
    }
    #expect(name == group["group_id"].text)
    #expect(distribution == group["axolotl_skdm"].hex)
    var chain = SenderKeyChain(try SenderKeyDistribution(distribution))
    let message = try SenderKeyMessage(group["skmsg"].hex)
    let content = try MessageContent(MessagePadding.unpad(chain.decrypt(message)))
    #expect(
      content == .conversation(group["expect_text"].text) || content == .text(group["expect_text"].text, reply: nil))
    #expect(throws: ProtocolFault.outOfOrder("group message with a used counter")) { try chain.decrypt(message) }
  }

  @Test func `a group message with any byte changed is refused`() throws {
    let group = file["group"]
    let good = group["skmsg"].hex
    var chain = SenderKeyChain(try SenderKeyDistribution(group["axolotl_skdm"].hex))
    for index in good.indices {
      var bad = good
      bad[index] ^= 1
      #expect(throws: ProtocolFault.self, "byte \(index)") { try chain.decrypt(SenderKeyMessage(bad)) }
    }
  }
}
