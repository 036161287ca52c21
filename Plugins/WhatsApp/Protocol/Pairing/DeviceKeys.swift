// The keys of this companion device: made once before pairing, kept for the life of the link.
// Made by LinkMachine, stored in AccountRecord, offered in ClientPayload and in the QR text.
//
// SPDX-License-Identifier: Apache-2.0

/// A prekey that identifies itself by its signature; never rotated (protocol page, section 5.3).
package struct SignedPreKey: Sendable, Equatable {
  /// 1 to 2^24-1; 24 bits on the wire.
  package let id: UInt32
  package let pair: KeyPair
  /// XEdDSA by the identity key over `05 || public key`, 64 bytes.
  package let signature: [UInt8]

  package init(id: UInt32, pair: KeyPair, signature: [UInt8]) {
    self.id = id
    self.pair = pair
    self.signature = signature
  }
}

/// Everything secret about the device itself.
package struct DeviceKeys: Sendable, Equatable {
  /// The static key of the Noise handshake: the device's identity to the server.
  package let noise: KeyPair
  /// The Signal identity: what the phone signs and other devices trust.
  package let identity: KeyPair
  /// 14 bits, as libsignal makes them.
  package let registrationID: UInt32
  package let signedPreKey: SignedPreKey
  /// Shared with the phone through the QR code; authenticates `pair-success`.
  package var advSecret: Secret

  package init(
    noise: KeyPair, identity: KeyPair, registrationID: UInt32, signedPreKey: SignedPreKey, advSecret: Secret
  ) {
    self.noise = noise
    self.identity = identity
    self.registrationID = registrationID
    self.signedPreKey = signedPreKey
    self.advSecret = advSecret
  }

  /// Makes a new device.
  ///
  /// - Throws: ``ProtocolFault/primitive(_:)`` only.
  package static func fresh(from random: Randomness) throws(ProtocolFault) -> DeviceKeys {
    let identity = KeyPair(from: random)
    let pair = KeyPair(from: random)
    let signature = try XEdDSA.sign(pair.publicKey.typed, with: identity, random: random)
    return DeviceKeys(
      noise: KeyPair(from: random), identity: identity,
      registrationID: UInt32(truncatingIfNeeded: random.number(in: 1...16380)),
      signedPreKey: SignedPreKey(id: 1, pair: pair, signature: signature), advSecret: random.secret(32))
  }
}
