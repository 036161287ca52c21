// Signatures by X25519 keys, in the form that Signal uses: Ed25519 arithmetic of libsodium, with the sign of the
// Edwards point carried in the top bit of the signature. Certificates, signed prekeys and device identities use it.
// Source: "The XEdDSA and VXEdDSA Signature Schemes", and libsignal's curve_sigs.c where that differs from the text.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto
import CSodium

/// XEdDSA as libsignal does it: the private scalar is not negated, bit 7 of byte 63 holds the public point's sign.
package enum XEdDSA {
  /// Length of a signature.
  package static let signatureLength = 64

  /// Signs with 64 bytes of randomness, so that a fault cannot be turned into the key.
  package static func sign(
    _ message: some ByteView, with pair: KeyPair, random: Randomness
  ) throws(ProtocolFault) -> [UInt8] {
    let salt = random.secret(64)
    var edwards = [UInt8](repeating: 0, count: 32)
    guard pair.privateKey.withBytes({ crypto_scalarmult_ed25519_base_noclamp(&edwards, $0.octets) }) == 0 else {
      throw .primitive("XEdDSA public point")
    }
    let prefix = [UInt8](repeating: 0xFF, count: 32)
    let nonce = reduced(Digests.sha512([0xFE] + prefix.dropFirst(), pair.privateKey, message, salt))
    var point = [UInt8](repeating: 0, count: 32)
    guard nonce.withBytes({ crypto_scalarmult_ed25519_base_noclamp(&point, $0.octets) }) == 0 else {
      throw .primitive("XEdDSA nonce")
    }
    let challenge = reduced(Digests.sha512(point, edwards, message))
    let product = Secret(count: 32) { target in
      challenge.withBytes { left in
        pair.privateKey.withBytes { crypto_core_ed25519_scalar_mul(target.octets, left.octets, $0.octets) }
      }
    }
    var scalar = [UInt8](repeating: 0, count: 32)
    product.withBytes { left in
      nonce.withBytes { crypto_core_ed25519_scalar_add(&scalar, left.octets, $0.octets) }
    }
    scalar[31] = scalar[31] & 0x7F | edwards[31] & 0x80
    return point + scalar
  }

  /// Whether `signature` is `key`'s over `message`. Anything malformed is simply false.
  package static func verify(_ signature: [UInt8], of message: some ByteView, by key: PublicKey) -> Bool {
    guard signature.count == signatureLength, let last = signature.last else { return false }
    guard var edwards = edwardsY(of: key), edwards.count == 32 else { return false }
    edwards[31] |= last & 0x80
    let plain = Array(signature.dropLast()) + [last & 0x7F]
    return message.withBytes { message in
      crypto_sign_ed25519_verify_detached(plain, message.octets, UInt64(message.count), edwards) == 0
    }
  }

  /// A 512-bit hash modulo the group order.
  private static func reduced(_ hash: Secret) -> Secret {
    Secret(count: 32) { target in
      hash.withBytes { crypto_core_ed25519_scalar_reduce(target.octets, $0.octets) }
    }
  }

  /// y = (u - 1) / (u + 1) modulo 2^255 - 19 (RFC 7748, section 4.1), little-endian. The input is public.
  ///
  /// - Returns: nil for u = -1, which has no Edwards point, and when libcrypto has no memory.
  private static func edwardsY(of key: PublicKey) -> [UInt8]? {
    var little = key.bytes
    little[31] &= 0x7F
    var prime = [UInt8](repeating: 0xFF, count: 32)
    prime[0] = 0xED
    prime[31] = 0x7F
    guard let context = BN_CTX_new() else { return nil }
    defer { BN_CTX_free(context) }
    guard let modulus = BN_lebin2bn(prime, 32, nil) else { return nil }
    defer { BN_free(modulus) }
    guard let coordinate = BN_lebin2bn(little, 32, nil) else { return nil }
    defer { BN_free(coordinate) }
    guard let one = BN_lebin2bn([1], 1, nil), let below = BN_new(), let above = BN_new() else { return nil }
    defer { for number in [one, below, above] { BN_free(number) } }
    var out = [UInt8](repeating: 0, count: 32)
    guard BN_mod_sub(below, coordinate, one, modulus, context) == 1,
      BN_mod_add(above, coordinate, one, modulus, context) == 1,
      BN_mod_inverse(above, above, modulus, context) != nil,
      BN_mod_mul(below, below, above, modulus, context) == 1,
      BN_bn2lebinpad(below, &out, 32) == 32
    else { return nil }
    return out
  }
}
