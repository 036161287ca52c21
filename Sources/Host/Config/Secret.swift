// A text that must not show: passwords, tokens, keys.
// Used by everything that holds one; whoever needs the text asks for it by name, so that it can be found by grep.
// Does not wipe memory: Swift strings are copied behind our back, so a promise to do so would be false.
//
// SPDX-License-Identifier: Apache-2.0

/// A secret: prints as `<redacted>` in descriptions, debug descriptions, mirrors and dumps.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  package init(_ text: String) { self.text = text }

  /// The text itself. For the wire and for files of mode 0600 only.
  package func reveal() -> String { text }

  package var isEmpty: Bool { text.isEmpty }
  package var description: String { "<redacted>" }
  package var debugDescription: String { "<redacted>" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Equatable {
  /// Takes the same time wherever two texts of one length differ.
  package static func == (left: Secret, right: Secret) -> Bool {
    let (a, b) = (Array(left.text.utf8), Array(right.text.utf8))
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
