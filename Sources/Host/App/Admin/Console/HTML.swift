// Text of the console that is safe to show: whatever is put into a literal is escaped, unless it is HTML itself.
// Used by the sections and by ConsolePage. The one place of the host that escapes HTML.
//
// SPDX-License-Identifier: Apache-2.0

/// A piece of HTML.
///
///     let cell: HTML = "<td>\(name)</td>"     // `name` is a String: escaped
///     let row: HTML = "<tr>\(cell)</tr>"      // `cell` is HTML: as it is
struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  private(set) var text: String

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Pieces one after the other.
  init(_ pieces: some Sequence<HTML>) { text = pieces.lazy.map(\.text).joined() }

  static func + (left: HTML, right: HTML) -> HTML { HTML([left, right]) }

  /// Collects a literal's parts.
  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ value: HTML) { text += value.text }
    mutating func appendInterpolation(_ value: String) { HTML.escape(value, into: &text) }
    mutating func appendInterpolation(_ value: some BinaryInteger) { text += "\(value)" }
  }

  /// Safe as an element's text and in an attribute in quotes. Control characters, which no browser shows, become U+FFFD.
  private static func escape(_ value: String, into text: inout String) {
    for scalar in value.unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      case "\n", "\t": text.unicodeScalars.append(scalar)
      default:
        let isShown = scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
        text.unicodeScalars.append(isShown ? scalar : "\u{FFFD}")
      }
    }
  }
}
