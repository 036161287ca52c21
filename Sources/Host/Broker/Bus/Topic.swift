// Dotted topics and the patterns that match them.
// Used by the bus, by the ledger and by bindings.
//
// SPDX-License-Identifier: Apache-2.0

/// Topics: 1...255 bytes, segments separated by dots, none empty.
package enum Topic {
  package static let lengthLimit = 255

  /// Whether a text can be published on: no empty segment, no wildcard, no white space or control character.
  package static func isValid(_ topic: String) -> Bool {
    isWellFormed(topic) && !topic.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ">") }
  }

  static func isWellFormed(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...lengthLimit).contains(bytes.count) else { return false }
    var previous = UInt8(ascii: ".")
    for byte in bytes {
      if byte <= 0x20 || byte == 0x7F || (byte == UInt8(ascii: ".") && previous == byte) { return false }
      previous = byte
    }
    return previous != UInt8(ascii: ".")
  }
}

/// A pattern: `*` stands for one segment, `>` at the end for one or more.
package struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
  private enum Segment: Sendable, Hashable {
    case word(Substring)
    case any
    case rest
  }
  package let description: String
  private let segments: [Segment]

  /// Nil when it has an empty segment, a wildcard inside a word, or `>` before its end.
  package init?(_ text: String) {
    guard Topic.isWellFormed(text) else { return nil }
    var segments: [Segment] = []
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      switch part {
      case "*": segments.append(.any)
      case ">":
        guard index == parts.count - 1 else { return nil }
        segments.append(.rest)
      default:
        guard !part.contains("*"), !part.contains(">") else { return nil }
        segments.append(.word(part))
      }
    }
    description = text
    self.segments = segments
  }

  /// Whether a topic matches. One that is not valid matches nothing.
  package func matches(_ topic: String) -> Bool {
    guard Topic.isValid(topic) else { return false }
    let words = topic.split(separator: ".")
    for (index, segment) in segments.enumerated() {
      if segment == .rest { return words.count > index }
      guard index < words.count else { return false }
      if case .word(let word) = segment, word != words[index] { return false }
    }
    return words.count == segments.count
  }
}
