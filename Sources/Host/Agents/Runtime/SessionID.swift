// Names of conversations and messages that reveal no address: UUIDs made from them.
// Used as the ledger's session and key, in events and in what tools get.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import HostLinux

/// UUIDs of version 5 (RFC 9562, section 5.5) in a namespace of the host's own.
package enum SessionID {
  /// Drawn once at random; any other value would do, but never a changed one.
  private static let namespace: [UInt8] = [
    0x8f, 0x1b, 0x6a, 0x52, 0x33, 0xd4, 0x4c, 0x0e, 0x9a, 0x77, 0x25, 0xe6, 0x41, 0xb0, 0xd9, 0x13,
  ]

  /// The session of a conversation: the same for ever.
  package static func of(channel: String, account: String, chat: String) -> String {
    make("session", [channel, account, chat])
  }

  /// The UUID of a kind of thing and the words that name it. Lengths are part of it, so that no two lists of words meet.
  static func make(_ kind: String, _ words: [String]) -> String {
    var bytes = namespace
    for word in [kind] + words {
      bytes += "\(word.utf8.count):".utf8
      bytes += word.utf8
    }
    var digest = [UInt8](repeating: 0, count: 20)
    var size: UInt32 = 0
    EVP_Digest(bytes, bytes.count, &digest, &size, EVP_sha1(), nil)
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    let hex = Hex.text(Array(digest[0..<16]))
    var parts: [Substring] = []
    var rest = hex[...]
    for length in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return parts.joined(separator: "-")
  }
}
