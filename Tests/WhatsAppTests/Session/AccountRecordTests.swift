// The stored form of an account: whole or not at all.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Account record")
struct AccountRecordTests {
  private func record() throws -> AccountRecord {
    let key = KeyPair(from: .system).publicKey
    return AccountRecord(
      keys: try DeviceKeys.fresh(from: .system),
      link: .init(
        jid: JID(user: "15550000001", device: 3, server: "s.whatsapp.net"), lid: JID("100000000000001:3@lid"),
        identity: [1, 2, 3], accountKey: key, platform: "android", businessName: "ñ", pushName: "x", isConfirmed: true),
      routing: [1], serverTimeOffset: -5, nextPreKeyID: 813)
  }

  @Test func `a record reads back as it was, with and without a link`() throws {
    var record = try record()
    #expect(try AccountRecord(serialized: record.serialized()) == record)
    record.link = nil
    record.routing = nil
    #expect(try AccountRecord(serialized: record.serialized()) == record)
  }

  @Test func `a record cut or changed anywhere is refused`() throws {
    let bytes = try record().serialized()
    for index in bytes.indices {
      var bad = bytes
      bad[index] ^= 1
      #expect(throws: ProtocolFault.self, "byte \(index)") { try AccountRecord(serialized: bad) }
      #expect(throws: ProtocolFault.self, "cut at \(index)") { try AccountRecord(serialized: Array(bytes[..<index])) }
    }
  }

  @Test func `a record of a newer format is refused`() throws {
    let body = ProtobufWriter.build { $0.unsigned(1, AccountRecord.formatVersion + 1) }
    #expect(throws: ProtocolFault.malformed(.record, "unknown format version")) {
      try AccountRecord(serialized: Digests.sha256(body) + body)
    }
  }

  @Test func `prekey ids rise, wrap below 2^24 and never are 0`() {
    var next: UInt32 = PreKeyStock.idLimit - 2
    let ids = PreKeyStock.make(4, nextID: &next, random: .system).map(\.id)
    #expect(ids == [0xFF_FFFE, 0xFF_FFFF, 1, 2])
    #expect(next == 3)
  }

  @Test func `every reason has a code, a cause and a remedy of its own`() {
    for reason in LinkReason.allCases {
      #expect(reason.rawValue.hasPrefix("whatsapp."))
      #expect(reason.cause != reason.rawValue && reason.cause.hasSuffix("."))
      #expect(reason.remedy.hasSuffix("."))
    }
    #expect(Set(LinkReason.allCases.map(\.cause)).count == LinkReason.allCases.count)
  }
}
