// One direction of the transport phase: a key and a counter that moves on by one per frame, good or bad.
// Owned by SecureChannel. Source: protocol page, section 1.3, "Transport phase".
//
// SPDX-License-Identifier: Apache-2.0

/// AES-256-GCM under a 32-bit counter, with no additional data.
package struct TransportCipher: Sendable {
  private let key: Secret
  private var counter: UInt32

  /// - Parameter counter: where to start; other than 0 only in tests of the end of the range.
  package init(key: Secret, counter: UInt32 = 0) {
    self.key = key
    self.counter = counter
  }

  /// Encrypts the next frame.
  ///
  /// - Throws: ``ProtocolFault/exhausted`` before a nonce would come a second time.
  package mutating func seal(_ plaintext: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    try AESGCM.seal(plaintext, key: key, nonce: try nextNonce(), additional: [UInt8]())
  }

  /// Decrypts the next frame. The counter moves on also when the tag does not match; the connection is then lost anyway.
  package mutating func open(_ ciphertext: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    try AESGCM.open(ciphertext, key: key, nonce: try nextNonce(), additional: [UInt8]())
  }

  private mutating func nextNonce() throws(ProtocolFault) -> [UInt8] {
    guard counter < UInt32.max else { throw .exhausted }
    defer { counter += 1 }
    return noiseNonce(counter)
  }
}
