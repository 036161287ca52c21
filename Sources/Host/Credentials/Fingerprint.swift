// How an account is named where others may look: by its label, or by a fingerprint where the label itself is an address
// or a number. Used by metrics, logs, findings, the console and every message about an account.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import HostLinux

/// Fingerprints of accounts.
package enum Fingerprint {
  /// The first 8 bytes of SHA-256 of the UTF-8 id, as 16 lower-case hex digits (metrics.md).
  package static func of(_ id: String) -> String {
    let bytes = Array(id.utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    var size: UInt32 = 0
    EVP_Digest(bytes, bytes.count, &digest, &size, EVP_sha256(), nil)
    return Hex.text(digest[0..<8])
  }
}

/// Labels of accounts as they may be shown.
package enum AccountLabel {
  /// Digits from which on a label counts as a telephone number (metrics.md).
  private static let numberLength = 7

  /// The label, or its fingerprint where it is itself an address or a number.
  package static func shown(_ label: String) -> String { isPrivate(label) ? Fingerprint.of(label) : label }

  /// A path with every part that names a person by its fingerprint: `tokens/26e2d102014008d9.json`.
  package static func shownPath(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).map { part in
      if isPrivate(String(part)) && !part.contains(".") { return Fingerprint.of(String(part)) }
      guard let dot = part.lastIndex(of: "."), dot > part.startIndex else { return shown(String(part)) }
      let stem = String(part[..<dot])
      return isPrivate(stem) ? Fingerprint.of(stem) + part[dot...] : shown(String(part))
    }.joined(separator: "/")
  }

  /// Whether a label names a person: it holds `@`, is `+` and digits, or digits only and at least seven of them. What people
  /// write between the digits of a number does not count.
  package static func isPrivate(_ label: String) -> Bool {
    if label.contains("@") { return true }
    let bare = label.utf8.filter { !" -.()/".utf8.contains($0) }
    let digits = bare.first == UInt8(ascii: "+") ? bare.dropFirst() : bare[...]
    let isNumber = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return isNumber && (digits.count < bare.count || digits.count >= numberLength)
  }
}
