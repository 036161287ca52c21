// Linking by an eight-character code instead of a picture: the code, and the key exchange that it protects.
// Used by LinkCodeAttempt. Source: protocol page, section 4.5; vector link_code.json.
//
// SPDX-License-Identifier: Apache-2.0

/// One code with the ephemeral key that is wrapped under it. Never used for a second attempt.
package struct LinkCode: Sendable {
  /// PBKDF2 rounds: the protocol's figure (2 << 16). About 50 ms of the calling thread.
  package static let rounds: Int32 = 131_072
  /// Length of a wrapped key: salt 32, counter block 16, key 32.
  package static let wrappedLength = 80

  /// Eight characters, without the dash. As good as a password while it is valid: shown to the owner only.
  package let code: String
  /// `salt || iv || AES-CTR(our ephemeral public key)`, for the phone.
  package let wrappedEphemeral: [UInt8]
  private let ephemeral: KeyPair

  /// What the exchange gives once the phone has answered.
  package struct Completion: Sendable {
    /// For `link_code_pairing_wrapped_key_bundle`.
    package let wrappedBundle: [UInt8]
    /// Takes the place of the random ADV secret.
    package let advSecret: Secret
  }

  /// Makes a new code. Runs PBKDF2 once.
  package init(from random: Randomness) throws(ProtocolFault) {
    try self.init(
      code: Self.encode(random.bytes(5)), ephemeral: KeyPair(from: random), salt: random.bytes(32), iv: random.bytes(16)
    )
  }

  /// The same with everything given, for the vectors.
  package init(code: String, ephemeral: KeyPair, salt: [UInt8], iv: [UInt8]) throws(ProtocolFault) {
    self.code = code
    self.ephemeral = ephemeral
    let key = try KeyedDigests.pbkdf2(password: code, salt: salt, rounds: Self.rounds)
    wrappedEphemeral = salt + iv + (try AESCTR.apply(ephemeral.publicKey, key: key, iv: iv))
  }

  /// As people read it: `XXXX-XXXX`.
  package var displayed: String { "\(code.prefix(4))-\(code.dropFirst(4))" }

  /// Crockford-like base32 without 0, I, O and U, most significant bits first; five bytes give eight characters.
  package static func encode(_ bytes: [UInt8]) -> String {
    let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTVWXYZ")
    let value = bytes.prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return String((0..<8).map { alphabet[Int(value >> UInt64(35 - 5 * $0) & 31)] })
  }

  /// Takes the phone's answer. Runs PBKDF2 once.
  ///
  /// - Throws: ``ProtocolFault`` for wrong lengths and low-order keys. A code mistyped on the phone does not show here: the secrets
  ///   then differ, and pair-success fails its MAC.
  package func complete(
    wrappedPrimary: [UInt8], primaryIdentity: PublicKey, identity: KeyPair, random: Randomness
  ) throws(ProtocolFault) -> Completion {
    guard wrappedPrimary.count == Self.wrappedLength else {
      throw .malformed(.identity, "wrapped key is not 80 bytes")
    }
    let key = try KeyedDigests.pbkdf2(password: code, salt: Array(wrappedPrimary[..<32]), rounds: Self.rounds)
    let raw = try AESCTR.apply(wrappedPrimary[48...], key: key, iv: Array(wrappedPrimary[32..<48]))
    guard let primary = PublicKey(raw) else { throw .malformed(.identity, "wrapped key is not 32 bytes") }
    let shared = try ephemeral.agreement(with: primary)
    let advRandom = random.secret(32)
    let salt = random.bytes(32)
    let nonce = random.bytes(12)
    let bundleKey = KeyedDigests.hkdf(
      shared, salt: salt, info: "link_code_pairing_key_bundle_encryption_key", count: 32)
    let bundle = Secret.joined([Secret(identity.publicKey), Secret(primaryIdentity), advRandom])
    let sealed = try AESGCM.seal(bundle, key: bundleKey, nonce: nonce, additional: [UInt8]())
    let material = Secret.joined([shared, try identity.agreement(with: primaryIdentity), advRandom])
    return Completion(
      wrappedBundle: salt + nonce + sealed,
      advSecret: KeyedDigests.hkdf(material, salt: [UInt8](), info: "adv_secret", count: 32))
  }
}
