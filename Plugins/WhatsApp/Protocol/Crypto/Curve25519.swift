// X25519 key pairs and agreement, over libsodium.
// Public keys are 32 bytes here; Signal's `05` in front of them is put on and taken off at its own boundary.
//
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// A Montgomery u coordinate: 32 bytes, always.
package struct PublicKey: Sendable, Hashable, ByteView {
  /// The 32 bytes.
  package let bytes: [UInt8]

  /// Nil unless there are exactly 32 bytes. Low-order points are not refused here but at ``KeyPair/agreement(with:)``.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = [UInt8](bytes)
  }

  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { bytes.withUnsafeBytes(body) }

  /// Signal's form: `05`, then the key.
  package var typed: [UInt8] { [Self.typeByte] + bytes }

  /// Reads Signal's form. Nil for another length or another type byte.
  package init?(typed: some Collection<UInt8>) {
    guard typed.count == 33, typed.first == Self.typeByte else { return nil }
    self.init(typed.dropFirst())
  }

  /// libsignal's mark of a Curve25519 key (`DJB_TYPE`).
  package static let typeByte: UInt8 = 5
}

/// An X25519 pair. The same private scalar also signs, see XEdDSA.swift.
package struct KeyPair: Sendable, Equatable {
  /// The scalar, clamped (RFC 7748, section 5).
  package let privateKey: Secret
  /// Its public key.
  package let publicKey: PublicKey

  /// Makes a fresh pair.
  package init(from random: Randomness) {
    self.init(clamping: random.secret(32))
  }

  /// Takes a stored private key. Nil unless it is 32 bytes.
  package init?(privateKey: Secret) {
    guard privateKey.count == 32 else { return nil }
    self.init(clamping: privateKey)
  }

  /// `scalar` must be 32 bytes.
  private init(clamping scalar: Secret) {
    privateKey = Secret(count: 32) { target in
      scalar.withBytes { target.copyMemory(from: $0) }
      target[0] &= 248
      target[31] = target[31] & 127 | 64
    }
    var point = [UInt8](repeating: 0, count: 32)
    privateKey.withBytes { _ = crypto_scalarmult_curve25519_base(&point, $0.octets) }
    publicKey = PublicKey(fixed: point)
  }

  /// The shared secret of X25519 (RFC 7748, section 6.1).
  ///
  /// - Throws: ``ProtocolFault/keyAgreement`` when `peer` is a point of low order: the result would be known to anybody.
  package func agreement(with peer: PublicKey) throws(ProtocolFault) -> Secret {
    var result: Int32 = -1
    let shared = Secret(count: 32) { target in
      privateKey.withBytes { own in
        peer.withBytes { result = crypto_scalarmult_curve25519(target.octets, own.octets, $0.octets) }
      }
    }
    guard result == 0 else { throw .keyAgreement }
    return shared
  }
}

extension PublicKey {
  /// For values that are 32 bytes by construction.
  fileprivate init(fixed bytes: [UInt8]) { self.bytes = bytes }
}
