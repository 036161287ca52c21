// Hashes, message authentication codes and key derivation, over libsodium and libcrypto.
// Composition only (HKDF over HMAC, RFC 5869): the primitives are the libraries'.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto
import CSodium

/// The hash functions of the protocol.
package enum Digests {
  /// SHA-256 of the parts one behind the other.
  package static func sha256(_ parts: any ByteView...) -> [UInt8] {
    var state = crypto_hash_sha256_state()
    crypto_hash_sha256_init(&state)
    for part in parts { part.withBytes { _ = crypto_hash_sha256_update(&state, $0.octets, UInt64($0.count)) } }
    var out = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256_final(&state, &out)
    return out
  }

  /// SHA-512 of the parts one behind the other.
  package static func sha512(_ parts: any ByteView...) -> Secret {
    var state = crypto_hash_sha512_state()
    crypto_hash_sha512_init(&state)
    for part in parts { part.withBytes { _ = crypto_hash_sha512_update(&state, $0.octets, UInt64($0.count)) } }
    let out = Secret(count: 64) { _ = crypto_hash_sha512_final(&state, $0.octets) }
    sodium_memzero(&state, MemoryLayout.size(ofValue: state))
    return out
  }

  /// MD5, which the registration payload wants of the version text; nothing secret depends on it.
  ///
  /// - Throws: ``ProtocolFault/primitive(_:)`` when libcrypto has MD5 switched off (a FIPS-only configuration).
  package static func md5(_ data: some ByteView) throws(ProtocolFault) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 16)
    let done = data.withBytes { EVP_Digest($0.baseAddress, $0.count, &out, nil, EVP_md5(), nil) }
    guard done == 1 else { throw .primitive("MD5") }
    return out
  }
}

/// HMAC-SHA256 and what is built on it.
package enum KeyedDigests {
  /// HMAC-SHA256 of the parts one behind the other, under a key of any length (RFC 2104).
  package static func hmacSHA256(key: some ByteView, _ parts: any ByteView...) -> [UInt8] {
    hmac(key: key, parts).exposed()
  }

  /// HKDF-SHA256 (RFC 5869). An empty `salt` means 32 zero bytes, as the RFC says.
  ///
  /// - Parameter count: at most 255 × 32; more is cut to that.
  package static func hkdf(
    _ material: some ByteView, salt: some ByteView = [UInt8](), info: String, count: Int
  ) -> Secret {
    hkdf(material, salt: salt, info: [UInt8](info.utf8), count: count)
  }

  /// HKDF-SHA256 with raw `info` bytes. See ``hkdf(_:salt:info:count:)-String``.
  package static func hkdf(
    _ material: some ByteView, salt: some ByteView, info: [UInt8], count: Int
  ) -> Secret {
    let count = min(max(0, count), 255 * 32)
    let pseudorandom = hmac(key: salt, [material])
    var blocks: [Secret] = []
    var number: UInt8 = 1
    while blocks.count * 32 < count {
      blocks.append(hmac(key: pseudorandom, [blocks.last ?? Secret([UInt8]()), info, [number]]))
      number &+= 1
    }
    return Secret.joined(blocks).slice(0..<count)
  }

  /// PBKDF2-HMAC-SHA256 with a 32-byte result (RFC 8018).
  package static func pbkdf2(password: String, salt: [UInt8], rounds: Int32) throws(ProtocolFault) -> Secret {
    var password = [UInt8](password.utf8).map { CChar(bitPattern: $0) }
    var done: Int32 = 0
    let key = Secret(count: 32) { out in
      done = PKCS5_PBKDF2_HMAC(
        password, Int32(password.count), salt, Int32(salt.count), rounds, EVP_sha256(), 32, out.octets)
    }
    sodium_memzero(&password, password.count)
    guard done == 1 else { throw .primitive("PBKDF2") }
    return key
  }

  private static func hmac(key: any ByteView, _ parts: [any ByteView]) -> Secret {
    var state = crypto_auth_hmacsha256_state()
    key.withBytes { _ = crypto_auth_hmacsha256_init(&state, $0.octets, $0.count) }
    for part in parts { part.withBytes { _ = crypto_auth_hmacsha256_update(&state, $0.octets, UInt64($0.count)) } }
    let out = Secret(count: 32) { _ = crypto_auth_hmacsha256_final(&state, $0.octets) }
    sodium_memzero(&state, MemoryLayout.size(ofValue: state))
    return out
  }
}
