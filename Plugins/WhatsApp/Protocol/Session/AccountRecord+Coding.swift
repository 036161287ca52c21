// The stored form of an account and of its prekeys: protobuf with a version and a check sum.
// Called by the plugin's store. A record that does not read back whole is refused, never half taken.
//
// SPDX-License-Identifier: Apache-2.0

extension AccountRecord {
  /// Version of the stored form; a reader refuses what is newer.
  package static let formatVersion: UInt32 = 1

  /// The bytes to store: SHA-256 of the rest, then the rest. Credential-grade: a file of mode 0600, nothing else.
  package func serialized() -> [UInt8] {
    let body = [UInt8].protobuf {
      $0.unsigned(1, Self.formatVersion)
      $0.bytes(2, keys.noise.privateKey.exposed())
      $0.bytes(3, keys.identity.privateKey.exposed())
      $0.unsigned(4, keys.registrationID)
      $0.unsigned(5, keys.signedPreKey.id)
      $0.bytes(6, keys.signedPreKey.pair.privateKey.exposed())
      $0.bytes(7, keys.signedPreKey.signature)
      $0.bytes(8, keys.advSecret.exposed())
      if let link { $0.bytes(9, Self.encoded(link)) }
      $0.bytes(10, routing)
      $0.unsigned(11, UInt64(bitPattern: serverTimeOffset))
      $0.unsigned(12, nextPreKeyID)
    }
    return Digests.sha256(body) + body
  }

  /// Reads stored bytes.
  ///
  /// - Throws: ``ProtocolFault`` of the layer `record` for a wrong check sum, a newer version or a missing part.
  package init(serialized bytes: [UInt8]) throws(ProtocolFault) {
    let body = bytes.dropFirst(32)
    guard constantTimeEqual(Digests.sha256(body), bytes.prefix(32)) else {
      throw .malformed(.record, "check sum does not match")
    }
    let fields = try ProtobufFields(body)
    guard fields.unsigned32(1) == Self.formatVersion else { throw .malformed(.record, "unknown format version") }
    guard let noise = fields.pair(2), let identity = fields.pair(3), let signed = fields.pair(6),
      let registration = fields.unsigned32(4), let signedID = fields.unsigned32(5), let signature = fields.bytes(7),
      let secret = fields.bytes(8), secret.count == 32, let nextID = fields.unsigned32(12)
    else { throw .malformed(.record, "a key is missing") }
    self.init(
      keys: DeviceKeys(
        noise: noise, identity: identity, registrationID: registration,
        signedPreKey: SignedPreKey(id: signedID, pair: signed, signature: signature), advSecret: Secret(secret)),
      link: try fields.message(9).map { fields throws(ProtocolFault) in try Self.link(fields) },
      routing: fields.bytes(10), serverTimeOffset: Int64(bitPattern: fields.unsigned(11) ?? 0), nextPreKeyID: nextID)
  }

  private static func encoded(_ link: Link) -> [UInt8] {
    .protobuf {
      $0.string(1, link.jid.description)
      $0.string(2, link.lid?.description)
      $0.bytes(3, link.identity)
      $0.bytes(4, link.accountKey.bytes)
      $0.string(5, link.platform)
      $0.string(6, link.businessName)
      $0.string(7, link.pushName)
      $0.flag(8, link.isConfirmed)
    }
  }

  private static func link(_ fields: ProtobufFields) throws(ProtocolFault) -> Link {
    guard let jid = fields.string(1).flatMap({ JID($0) }), let identity = fields.bytes(3),
      let key = fields.bytes(4).flatMap({ PublicKey($0) })
    else { throw .malformed(.record, "the link is incomplete") }
    return Link(
      jid: jid, lid: fields.string(2).flatMap { JID($0) }, identity: identity, accountKey: key,
      platform: fields.string(5) ?? "", businessName: fields.string(6) ?? "", pushName: fields.string(7) ?? "",
      isConfirmed: fields.flag(8) ?? false)
  }
}

extension ProtobufFields {
  fileprivate func pair(_ number: UInt32) -> KeyPair? { bytes(number).flatMap { KeyPair(privateKey: Secret($0)) } }
}
