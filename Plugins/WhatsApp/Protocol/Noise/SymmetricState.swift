// The running hash, chaining key and cipher of a Noise handshake. Used by NoiseHandshake only.
// Source: Noise Protocol Framework, section 5.2; protocol page, section 1.3.
//
// SPDX-License-Identifier: Apache-2.0

/// Noise's SymmetricState with AES-256-GCM and SHA-256.
package struct SymmetricState: Sendable {
  /// The handshake hash: everything both sides saw so far.
  package private(set) var hash: [UInt8]
  private(set) var chainingKey: Secret
  private var key: Secret
  private var counter: UInt32 = 0

  /// Exactly 32 bytes long with its padding, so that Noise uses it as it is instead of hashing it.
  package static let protocolName = [UInt8]("Noise_XX_25519_AESGCM_SHA256".utf8) + [0, 0, 0, 0]

  /// Starts with the protocol name as hash, chaining key and first cipher key.
  package init(prologue: [UInt8]) {
    hash = Self.protocolName
    chainingKey = Secret(Self.protocolName)
    key = Secret(Self.protocolName)
    mixHash(prologue)
  }

  package mutating func mixHash(_ data: some ByteView) { hash = Digests.sha256(hash, data) }

  /// Draws the next chaining and cipher key from a shared secret; the nonce starts at 0 again.
  package mutating func mixKey(_ shared: Secret) {
    let output = KeyedDigests.hkdf(shared, salt: chainingKey, info: "", count: 64)
    chainingKey = output.slice(0..<32)
    key = output.slice(32..<64)
    counter = 0
  }

  /// Encrypts under the hash and adds the ciphertext to it.
  package mutating func encrypt(_ plaintext: some ByteView) throws(ProtocolFault) -> [UInt8] {
    let sealed = try AESGCM.seal(plaintext, key: key, nonce: try nextNonce(), additional: hash)
    mixHash(sealed)
    return sealed
  }

  /// Checks and decrypts under the hash; the ciphertext is added to it only when it was good.
  package mutating func decrypt(_ ciphertext: some ByteView) throws(ProtocolFault) -> [UInt8] {
    let plain = try AESGCM.open(ciphertext, key: key, nonce: try nextNonce(), additional: hash)
    mixHash(ciphertext)
    return plain
  }

  /// The two transport keys: what the initiator writes with, then what it reads with.
  package func split() -> (write: Secret, read: Secret) {
    let output = KeyedDigests.hkdf([UInt8](), salt: chainingKey, info: "", count: 64)
    return (output.slice(0..<32), output.slice(32..<64))
  }

  private mutating func nextNonce() throws(ProtocolFault) -> [UInt8] {
    guard counter < UInt32.max else { throw .exhausted }
    defer { counter += 1 }
    return noiseNonce(counter)
  }
}

/// The 12-byte nonce of a counter: eight zero bytes, then 32 bits big-endian.
func noiseNonce(_ counter: UInt32) -> [UInt8] { [UInt8](repeating: 0, count: 8) + counter.bigEndianBytes }
