// A text that must not show: tokens, client secrets, codes, verifiers.
// The host's and the WhatsApp plugin's types of this name are theirs: a plugin imports nothing of either.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// A secret: prints as `<redacted>` in descriptions, debug descriptions, mirrors and dumps.
///
/// Does not wipe memory: Swift strings are copied behind our back, so a promise to do so would be false.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  /// Any text.
  package init(_ text: String) { self.text = text }

  /// The text itself: for the wire, and for files of mode 0600.
  func reveal() -> String { text }

  var isEmpty: Bool { text.isEmpty }
  package var description: String { "<redacted>" }
  package var debugDescription: String { "<redacted>" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Equatable {
  /// Takes the same time wherever two texts of one length differ.
  package static func == (left: Secret, right: Secret) -> Bool {
    let (a, b) = (Array(left.text.utf8), Array(right.text.utf8))
    return a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
  }
}
