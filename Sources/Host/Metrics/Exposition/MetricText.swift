// The characters of the exposition: escaped text, numbers as Go's Prometheus client writes them, bounded values.
// Used by Section.swift for every line; the only escaper and number formatter of the exposition.
//
// SPDX-License-Identifier: Apache-2.0

/// The two formats of the exposition.
package enum ExpositionFormat: Sendable, CaseIterable, Hashable {
  /// Prometheus text format 0.0.4.
  case text
  /// OpenMetrics 1.0.0.
  case openMetrics

  /// The value of `Content-Type`.
  package var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}

/// Pieces of text of the exposition.
enum MetricText {
  /// The longest number: 20 digits, or a shortest double such as `-2.2250738585072014e-308`.
  static let maxNumberBytes = 32

  /// Cuts at the last character boundary within `limit` bytes of UTF-8.
  static func cut(_ text: String, toBytes limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var bytes = 0
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      bytes += UTF8.width(scalar)
      if bytes > limit { break }
      scalars.append(scalar)
    }
    return String(scalars)
  }

  /// Appends a label value: `\`, `"` and newline escaped, in both formats.
  static func appendLabelValue(_ value: String, to text: inout [UInt8]) {
    appendEscaped(value, quote: true, to: &text)
  }

  /// Appends a help text: `\` and newline escaped, and `"` in OpenMetrics only.
  static func appendHelp(_ help: String, format: ExpositionFormat, to text: inout [UInt8]) {
    appendEscaped(help, quote: format == .openMetrics, to: &text)
  }

  private static func appendEscaped(_ value: String, quote: Bool, to text: inout [UInt8]) {
    let backslash = UInt8(ascii: "\\")
    for byte in value.utf8 {
      switch byte {
      case backslash: text += [backslash, backslash]
      case UInt8(ascii: "\n"): text += [backslash, UInt8(ascii: "n")]
      case UInt8(ascii: "\"") where quote: text += [backslash, byte]
      default: text.append(byte)
      }
    }
  }

  /// Appends a whole number.
  static func appendInteger(_ value: UInt64, to text: inout [UInt8]) {
    guard value >= 10 else {
      text.append(UInt8(ascii: "0") + UInt8(value))
      return
    }
    let start = text.count
    var rest = value
    while rest > 0 {
      text.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    text[start...].reverse()
  }

  /// Appends a double: shortest digits that read back the same, whole numbers below 2^53 without point and exponent,
  /// `+Inf`, `-Inf`, `NaN`. What Go's `strconv` writes, but for the exponent of whole numbers from 1e+21 down to 2^53.
  static func appendDouble(_ value: Double, to text: inout [UInt8]) {
    if value.magnitude < 0x1p53 && value == value.rounded(.towardZero) {
      if value.sign == .minus { text.append(UInt8(ascii: "-")) }
      appendInteger(UInt64(value.magnitude), to: &text)
    } else if value.isNaN {
      text += "NaN".utf8
    } else if value.isInfinite {
      text += value < 0 ? "-Inf".utf8 : "+Inf".utf8
    } else {
      var digits = value.description.utf8[...]
      if digits.suffix(2).elementsEqual(".0".utf8) { digits = digits.dropLast(2) }
      text += digits
    }
  }

  /// Appends the value of `le`. OpenMetrics wants a point in whole numbers ("Considerations: Canonical Numbers").
  static func appendBound(_ bound: Double, format: ExpositionFormat, to text: inout [UInt8]) {
    let start = text.count
    appendDouble(bound, to: &text)
    let isWhole = text[start...].allSatisfy {
      $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    if format == .openMetrics && isWhole { text += ".0".utf8 }
  }
}
