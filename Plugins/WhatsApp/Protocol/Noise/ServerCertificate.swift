// Decides whether the server behind the handshake is WhatsApp's: the chain of two certificates under a pinned key.
// Called by NoiseHandshake with the decrypted certificate payload. Source: protocol page, section 1.4 (all seven checks).
//
// SPDX-License-Identifier: Apache-2.0

/// The pinned root. Tests put their own in its place; nothing else about the connection changes then.
package struct TrustedRoot: Sendable, Equatable {
  package let key: PublicKey

  package init(key: PublicKey) { self.key = key }

  /// The production root, "WhatsAppLongTerm1", issuer serial 0.
  package static let production: TrustedRoot? = [UInt8](
    hex: "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"
  ).flatMap { PublicKey($0) }.map { TrustedRoot(key: $0) }

  /// Checks a `CertChain` payload.
  ///
  /// - Parameters:
  ///   - payload: the decrypted certificate payload of the server hello.
  ///   - serverKey: the static key that the handshake decrypted; the leaf must be its certificate.
  ///   - now: unix seconds; both validity bounds are inclusive.
  /// - Throws: ``ProtocolFault/certificate(_:)`` naming the first check that failed, or a `protobuf` fault.
  package func verify(_ payload: [UInt8], serverKey: PublicKey, now: Int64) throws(ProtocolFault) {
    let chain = try ProtobufFields(payload)
    guard let leafBytes = chain.bytes(1), let intermediateBytes = chain.bytes(2) else {
      throw .certificate(.incomplete)
    }
    let leaf = try NoiseCertificate(leafBytes)
    let intermediate = try NoiseCertificate(intermediateBytes)
    guard XEdDSA.verify(intermediate.signature, of: intermediate.details, by: key) else {
      throw .certificate(.rootSignature)
    }
    guard intermediate.issuerSerial == 0 else { throw .certificate(.rootIssuer) }
    guard XEdDSA.verify(leaf.signature, of: leaf.details, by: intermediate.key) else {
      throw .certificate(.leafSignature)
    }
    guard leaf.issuerSerial == intermediate.serial else { throw .certificate(.leafIssuer) }
    guard leaf.key == serverKey else { throw .certificate(.keyMismatch) }
    let now = UInt64(clamping: now)
    for certificate in [intermediate, leaf] {
      guard certificate.notBefore <= now else { throw .certificate(.notYetValid) }
      guard now <= certificate.notAfter else { throw .certificate(.expired) }
    }
  }
}
