// What a scalar means: the core schema of YAML 1.2, applied when a type is asked for.
// Used by ConfigValue and by the conversion to JSON.
//
// SPDX-License-Identifier: Apache-2.0

/// A scalar as text, with what is needed to say what it means.
///
/// Types, by YAML 1.2.2 section 10.3 (core schema), for scalars without quotes:
/// - null: `null`, `Null`, `NULL`, `~`, nothing at all;
/// - bool: `true`, `True`, `TRUE`, `false`, `False`, `FALSE`;
/// - int: `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+` that fit 64 bits;
/// - float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `.inf`, `.nan`;
/// - everything else, and whatever is quoted, is a string.
///
/// Two allowances, because a field's type is known where it is read. `yes`, `no`, `on`, `off` are strings, but a
/// field that is a bool takes them (YAML 1.1 habits). A field that is a string takes an unquoted number as it is
/// written, so that `+573001234567` and `1.10` keep their text.
package struct YAMLScalar: Sendable, Hashable {
  /// Where the text came from.
  package enum Origin: Sendable, Hashable {
    /// Written in the file.
    case literal
    /// At least one placeholder was replaced by an environment variable or a default.
    case environment
    /// At least one placeholder was replaced by the content of a secret file.
    case secretFile
    /// A placeholder could not be resolved, and a finding says so: there is no value.
    case unresolved
  }
  /// What the core schema makes of it.
  package enum Meaning: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case float(Double)
    case string(String)
  }

  /// The value's text, placeholders replaced.
  package let text: String
  /// Without quotes, not a block scalar, not tagged `!!str`.
  package let isPlain: Bool
  package let origin: Origin
  /// The text as it is written in the file, placeholders and all: what may be shown to people.
  package let source: String

  package init(_ text: String, isPlain: Bool = true, origin: Origin = .literal, source: String? = nil) {
    self.text = text
    self.isPlain = isPlain
    self.origin = origin
    self.source = source ?? text
  }

  /// By the core schema. A text from a placeholder counts as a bool or a number only when it is written in the one
  /// way in which nothing is lost (`8080`, not `007`), and never when a secret file was part of it.
  package var meaning: Meaning {
    guard isPlain, origin != .secretFile else { return .string(text) }
    if origin == .environment {
      if let value = Int64(text), String(value) == text { return .integer(value) }
      if let value = Double(text), "\(value)" == text, value.isFinite { return .float(value) }
      return text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
    }
    if YAMLScalar.nulls.contains(text) { return .null }
    if let value = YAMLScalar.coreBools[text] { return .bool(value) }
    if let value = integer { return .integer(value) }
    if let value = float { return .float(value) }
    return .string(text)
  }

  /// Whether the text may be read as another type than a string: it is unquoted, or came from outside.
  var isTyped: Bool { isPlain || origin != .literal }

  /// As a bool; `yes`, `no`, `on`, `off` included.
  package var bool: Bool? { isTyped ? YAMLScalar.coreBools[text] ?? YAMLScalar.oldBools[text] : nil }

  /// As a whole number.
  package var integer: Int64? {
    guard isTyped else { return nil }
    if text.hasPrefix("0x") { return YAMLScalar.digits(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0o") { return YAMLScalar.digits(text.dropFirst(2), radix: 8) }
    // Int64's parser takes exactly [-+]?[0-9]+.
    return Int64(text)
  }

  /// As a number, whole ones included.
  package var float: Double? {
    guard isTyped else { return nil }
    if let value = integer { return Double(value) }
    if let value = YAMLScalar.specialFloats[text] { return value }
    return YAMLScalar.isDecimalFloat(text) ? Double(text.hasSuffix(".") ? text + "0" : text) : nil
  }

  /// What it is, for messages; only what is written in the file is shown.
  package var words: String {
    switch origin {
    case .environment: return "the value of \(source)"
    case .secretFile: return "a secret"
    case .unresolved: return "an unresolved placeholder"
    case .literal: break
    }
    return switch meaning {
    case .null: "nothing"
    case .bool: "the bool \(text)"
    case .integer, .float: "the number \(text)"
    case .string: "the text \"\(text.count > 40 ? text.prefix(40) + "..." : text)\""
    }
  }

  private static let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]
  private static let coreBools = [
    "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
  ]
  private static let oldBools = [
    "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
    "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
  ]
  private static let specialFloats: [String: Double] = [
    ".inf": .infinity, ".Inf": .infinity, ".INF": .infinity, "+.inf": .infinity, "+.Inf": .infinity,
    "+.INF": .infinity, "-.inf": -.infinity, "-.Inf": -.infinity, "-.INF": -.infinity,
    ".nan": .nan, ".NaN": .nan, ".NAN": .nan,
  ]

  private static func digits(_ text: Substring, radix: Int) -> Int64? {
    guard let first = text.first, first != "+", first != "-" else { return nil }
    return Int64(text, radix: radix)
  }

  /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
  private static func isDecimalFloat(_ text: String) -> Bool {
    var rest = Substring(text)
    func eatDigits() -> Int {
      let run = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(run.count)
      return run.count
    }
    func eat(_ set: String) -> Bool {
      guard let first = rest.first, set.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    _ = eat("+-")
    let whole = eatDigits()
    let fraction = eat(".") ? eatDigits() : -1
    guard whole > 0 || fraction > 0 else { return false }
    if eat("eE") {
      _ = eat("+-")
      guard eatDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}
