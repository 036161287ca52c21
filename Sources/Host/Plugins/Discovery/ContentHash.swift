// SHA-256 of files: what tells two builds of a plugin apart.
// Used by the library check, and by the loader for what it seals and for the probe's memory.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import HostLinux

package enum ContentHash {
  /// SHA-256 in lower-case hex.
  package static func sha256(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = SHA256(bytes, bytes.count, &digest)
    return Hex.text(digest)
  }
}
