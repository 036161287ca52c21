// Media, message contents and the small computations around them against media.json, messages.json and misc.json.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Media")
struct MediaTests {
  private static let file = Vector.file("media.json")

  @Test(arguments: MediaKind.allCases)
  func `a media key expands to the recorded keys`(kind: MediaKind) {
    let keys = MediaKeys(mediaKey: Secret(Self.file["media_key"].hex), kind: kind)
    let expected = Self.file["expanded"][kind.rawValue]
    #expect(keys.iv == expected["iv"].hex)
    #expect(keys.cipherKey == Secret(expected["cipher_key"].hex))
    #expect(keys.macKey == Secret(expected["mac_key"].hex))
    #expect(keys.referenceKey == Secret(expected["ref_key"].hex))
  }

  @Test func `a file encrypts to the recorded bytes, hashes and token, and back`() throws {
    let file = Self.file["file"]
    let keys = MediaKeys(mediaKey: Secret(Self.file["media_key"].hex), kind: .image)
    let blob = try keys.encrypt(file["plaintext"].hex)
    #expect(blob.hex == file["ciphertext_with_mac"].text)
    #expect(Digests.sha256(blob).hex == file["file_enc_sha256"].text)
    #expect(MediaKeys.uploadToken(of: blob) == file["upload_token_base64url"].text)
    #expect(try keys.decrypt(blob) == file["plaintext"].hex)
    for index in blob.indices {
      var bad = blob
      bad[index] ^= 1
      #expect(throws: ProtocolFault.authentication("media MAC")) { try keys.decrypt(bad) }
    }
    #expect(throws: ProtocolFault.truncated(.media)) { try keys.decrypt(Array(blob.prefix(25))) }
  }
}

@Suite("Messages")
struct MessageTests {
  private static let file = Vector.file("messages.json")
  private static let key = MessageKey(remote: "15550000002@s.whatsapp.net", isFromMe: false, id: "3EB0AAAA")

  @Test func `every recorded message is written byte for byte and read back`() throws {
    let own = MessageKey(remote: Self.key.remote, isFromMe: true, id: Self.key.id)
    let expected: [MessageContent] = [
      .conversation("hi"), .text("hi", reply: nil),
      .text("yes", reply: .init(id: "3EB0AAAA", participant: Self.key.remote, quoted: .conversation("question?"))),
      .reaction(to: Self.key, text: "👍", milliseconds: 1_700_000_000_000), .revoke(own),
      .deviceSent(destination: Self.key.remote, .conversation("hi")),
      .senderKey(group: "120363000000000001@g.us", distribution: [0x33, 8, 1]),
    ]
    let recorded = Self.file["messages"].list
    #expect(recorded.count == expected.count)
    for (vector, content) in zip(recorded, expected) {
      let read = try MessageContent(vector["hex"].hex)
      if case .reaction(_, _, let time) = read, case .reaction(let key, let text, _) = content {
        #expect(read == .reaction(to: key, text: text, milliseconds: time))
        #expect(read.encoded.hex == vector["hex"].text)
      } else {
        #expect(read == content)
        #expect(content.encoded.hex == vector["hex"].text)
      }
    }
  }

  @Test func `wrappers nested without end are refused`() {
    var content = MessageContent.conversation("x")
    for _ in 0..<20 { content = .deviceSent(destination: "a", content) }
    let bytes = content.encoded
    #expect(throws: ProtocolFault.self) { try MessageContent(bytes) }
  }

  @Test func `an unknown message is named by its field`() throws {
    #expect(try MessageContent([0x1A, 0]) == .other(field: 3))
    #expect(try MessageContent([]) == .other(field: 0))
  }

  @Test(arguments: Vector.file("misc.json")["padding"].list)
  func `padding comes on and off as recorded`(vector: Vector) throws {
    #expect(MessagePadding.pad(vector["message"].hex, count: Int(vector["pad"].int)) == vector["padded"].hex)
    #expect(try MessagePadding.unpad(vector["padded"].hex) == vector["message"].hex)
  }

  @Test(arguments: [[], [0], [17], [1, 2], [3, 3], [2, 1, 2]] as [[UInt8]])
  func `padding that is none is refused`(bytes: [UInt8]) {
    #expect(throws: ProtocolFault.malformed(.payload, "wrong padding")) { try MessagePadding.unpad(bytes) }
  }

  @Test(arguments: Vector.file("misc.json")["phash"].list)
  func `a participant hash is the recorded one`(vector: Vector) {
    #expect(MessageTokens.participantHash(vector["devices"].list.compactMap { JID($0.text) }) == vector["value"].text)
  }

  @Test func `the tokens and the patch MAC are the recorded ones`() throws {
    let misc = Vector.file("misc.json")
    let report = misc["reporting_token"]
    let key = MessageTokens.reportingKey(
      messageSecret: Secret(report["message_secret"].hex), id: report["stanza_id"].text,
      sender: try #require(JID(report["sender"].text)), remote: try #require(JID(report["remote"].text)))
    #expect(key == Secret(report["key"].hex))
    #expect(
      MessageTokens.reportingToken(key: Secret(report["hmac_key"].hex), content: [UInt8](report["content"].text.utf8))
        .hex
        == report["token"].text)
    #expect(MessageContent.conversation("Test").encoded.hex == report["content_extraction"][0][1].text)
    #expect(MessageContent.text("Hi", reply: nil).encoded.hex == report["content_extraction"][1][1].text)
    let contact = misc["cs_token"]
    #expect(
      MessageTokens.contactToken(
        salt: Secret([UInt8](contact["salt_utf8"].text.utf8)), lid: try #require(JID(contact["lid"].text))
      ).hex == contact["hmac"].text)
    let patch = misc["app_state_patch_mac"]
    let mac = MessageTokens.patchMAC(
      key: Secret(patch["key"].hex), snapshotMAC: patch["snapshot_mac"].hex,
      valueMACs: patch["value_mac_tails"].list.map(\.hex), version: UInt64(patch["version"].int),
      name: patch["name"].text)
    #expect(mac.hex == patch["mac"].text)
  }
}
