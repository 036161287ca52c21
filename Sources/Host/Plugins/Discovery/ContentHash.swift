// SHA-256 of files: what tells two builds of a plugin apart.
// Used by the library check, and by the loader for what it seals and for the probe's memory.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import HostLinux

package enum ContentHash {
  /// The algorithm, looked up once: a look-up takes longer than hashing a small file, and a lock.
  ///
  /// `@unchecked Sendable`: immutable and counted by the library itself.
  private struct Algorithm: @unchecked Sendable {
    let pointer = EVP_MD_fetch(nil, "SHA256", nil)
  }
  private static let algorithm = Algorithm()

  /// SHA-256 in lower-case hex.
  package static func sha256(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let isDone = EVP_Digest(bytes, bytes.count, &digest, nil, algorithm.pointer, nil)
    precondition(isDone == 1, "libcrypto without SHA-256")
    return Hex.text(digest)
  }
}
