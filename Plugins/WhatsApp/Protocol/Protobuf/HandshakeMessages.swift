// The protobuf messages of the Noise handshake: hello, finish, and the server's certificate chain.
// Only the fields that the handshake uses; newer optional ones are skipped (protocol page, section 1.3 and 1.4).
//
// SPDX-License-Identifier: Apache-2.0

/// `HandshakeMessage`, as far as a client writes and reads it.
package enum HandshakeMessage {
  /// Field 2, clientHello with the ephemeral key alone.
  package static func clientHello(ephemeral: PublicKey) -> [UInt8] {
    .protobuf { $0.message(2) { $0.bytes(1, ephemeral.bytes) } }
  }

  /// Field 4, clientFinish: both parts are ciphertext.
  package static func clientFinish(staticKey: [UInt8], payload: [UInt8]) -> [UInt8] {
    .protobuf {
      $0.message(4) {
        $0.bytes(1, staticKey)
        $0.bytes(2, payload)
      }
    }
  }

  /// Field 3, serverHello.
  package struct ServerHello: Sendable, Equatable {
    package let ephemeral: PublicKey
    package let staticCiphertext: [UInt8]
    package let certificateCiphertext: [UInt8]

    /// Reads it out of a handshake message; all three parts must be there.
    package init(_ bytes: [UInt8]) throws(ProtocolFault) {
      guard let hello = try ProtobufFields(bytes).message(3) else {
        throw .malformed(.handshake, "no server hello in the message")
      }
      guard let ephemeral = hello.bytes(1).flatMap({ PublicKey($0) }) else {
        throw .malformed(.handshake, "server ephemeral key is not 32 bytes")
      }
      guard let key = hello.bytes(2), key.count == 48 else {
        throw .malformed(.handshake, "encrypted server key is not 48 bytes")
      }
      guard let certificate = hello.bytes(3) else { throw .malformed(.handshake, "no certificate") }
      self.ephemeral = ephemeral
      staticCiphertext = key
      certificateCiphertext = certificate
    }
  }
}

/// One link of `CertChain`: the bytes that are signed, their meaning, and the signature.
package struct NoiseCertificate: Sendable, Equatable {
  /// The signed bytes, as they came.
  package let details: [UInt8]
  package let signature: [UInt8]
  package let serial: UInt32
  package let issuerSerial: UInt32
  package let key: PublicKey
  /// Unix seconds, inclusive.
  package let notBefore: UInt64
  /// Unix seconds, inclusive.
  package let notAfter: UInt64

  /// Reads one certificate.
  ///
  /// - Throws: ``CertificateFault/incomplete`` inside ``ProtocolFault/certificate(_:)`` when details, signature or key are missing or of
  ///   a wrong length. Absent serials and dates are 0, protobuf's default; a certificate with no end date is thus expired.
  package init(_ bytes: [UInt8]) throws(ProtocolFault) {
    let outer = try ProtobufFields(bytes)
    guard let details = outer.bytes(1), let signature = outer.bytes(2),
      signature.count == XEdDSA.signatureLength
    else { throw .certificate(.incomplete) }
    let inner = try ProtobufFields(details)
    guard let key = inner.bytes(3).flatMap({ PublicKey($0) }) else { throw .certificate(.incomplete) }
    self.details = details
    self.signature = signature
    self.key = key
    serial = inner.unsigned32(1) ?? 0
    issuerSerial = inner.unsigned32(2) ?? 0
    notBefore = inner.unsigned(4) ?? 0
    notAfter = inner.unsigned(5) ?? 0
  }
}

extension Array where Element == UInt8 {
  /// Shorthand for ``ProtobufWriter/build(_:)``.
  static func protobuf(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] { ProtobufWriter.build(body) }
}
