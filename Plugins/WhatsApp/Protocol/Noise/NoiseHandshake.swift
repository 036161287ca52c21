// The client's half of the Noise XX handshake: hello out, server hello in, finish out, transport keys.
// Owned by SecureChannel; pure, so the recorded handshakes replay byte for byte. Source: protocol page, section 1.3.
//
// SPDX-License-Identifier: Apache-2.0

/// One handshake. Used once; a failed one is thrown away with its connection.
///
///     helloSent ──finish()──▶ done
///         └───finish() throws──▶ failed (every further call throws)
package struct NoiseHandshake: Sendable {
  /// What the handshake brings: the finish message to send, and the keys of the transport phase.
  package struct Outcome: Sendable {
    package let clientFinish: [UInt8]
    package let sender: TransportCipher
    package let receiver: TransportCipher
    /// The handshake hash at the end, the same on both sides.
    package let hash: [UInt8]
  }

  private enum State { case helloSent, done, failed }

  private var state = State.helloSent
  private var symmetric: SymmetricState
  private let ephemeral: KeyPair
  private let staticKey: KeyPair
  private let root: TrustedRoot

  /// Prepares a handshake.
  ///
  /// - Parameters:
  ///   - staticKey: the device's noise pair: the same for registration and every later login.
  ///   - ephemeral: a fresh pair; never used twice.
  package init(staticKey: KeyPair, ephemeral: KeyPair, root: TrustedRoot) {
    self.staticKey = staticKey
    self.ephemeral = ephemeral
    self.root = root
    symmetric = SymmetricState(prologue: ConnectionHeader.intro)
    symmetric.mixHash(ephemeral.publicKey)
  }

  /// The first message, plain; goes right behind the connection header.
  package var clientHello: [UInt8] { HandshakeMessage.clientHello(ephemeral: ephemeral.publicKey) }

  /// Takes the server hello, verifies the server, and makes the last message.
  ///
  /// - Parameters:
  ///   - message: the frame as it came.
  ///   - payload: the ``ClientPayload`` bytes; encrypted to the verified server only.
  ///   - now: unix seconds, for the certificates' validity.
  /// - Throws: ``ProtocolFault``; the handshake is then over and the connection must be closed.
  package mutating func finish(
    _ message: [UInt8], payload: [UInt8], now: Int64
  ) throws(ProtocolFault) -> Outcome {
    guard state == .helloSent else { throw .outOfOrder("finish of a handshake") }
    state = .failed
    let hello = try HandshakeMessage.ServerHello(message)
    symmetric.mixHash(hello.ephemeral)
    symmetric.mixKey(try ephemeral.agreement(with: hello.ephemeral))
    guard let serverKey = PublicKey(try symmetric.decrypt(hello.staticCiphertext)) else {
      throw .malformed(.handshake, "server static key is not 32 bytes")
    }
    symmetric.mixKey(try ephemeral.agreement(with: serverKey))
    let certificate = try symmetric.decrypt(hello.certificateCiphertext)
    try root.verify(certificate, serverKey: serverKey, now: now)
    let sealedKey = try symmetric.encrypt(staticKey.publicKey)
    symmetric.mixKey(try staticKey.agreement(with: hello.ephemeral))
    let sealedPayload = try symmetric.encrypt(payload)
    let keys = symmetric.split()
    state = .done
    return Outcome(
      clientFinish: HandshakeMessage.clientFinish(staticKey: sealedKey, payload: sealedPayload),
      sender: TransportCipher(key: keys.write), receiver: TransportCipher(key: keys.read), hash: symmetric.hash)
  }
}
