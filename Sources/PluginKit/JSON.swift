// A JSON value: configuration, tool arguments and results, declarations of accounts, answers of routes.
// PluginKit's own and small, because it is compiled into every plugin: no Foundation. Parsing is JSONParser.swift.
//
// SPDX-License-Identifier: Apache-2.0

/// One JSON value, RFC 8259. Whole numbers that fit 64 bits stay exact. Write it as a Swift literal:
///
///     let answer: JSON = ["city": "Bogotá", "celsius": 14.5, "tags": ["rain", "fog"]]
public enum JSON: Sendable, Equatable {
  /// `null`
  case null
  /// `true` or `false`
  case bool(Bool)
  /// A whole number.
  case integer(Int64)
  /// Any other number.
  case number(Double)
  /// A string.
  case string(String)
  /// A list.
  case array([JSON])
  /// The members, by name. Written in the order of the names, so that equal values are equal text.
  case object([String: JSON])

  /// The member of an object; nil when it has none of that name, or this is no object.
  public subscript(name: String) -> JSON? { object?[name] }
  /// The element of a list; nil past its end, or when this is no list.
  public subscript(index: Int) -> JSON? { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }

  /// The members, if it is an object.
  public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
  /// The elements, if it is a list.
  public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  /// The text, if it is a string.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The value, if it is `true` or `false`.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The whole number, also when it was written as `3.0`.
  public var integer: Int64? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int64(exactly: value)
    default: nil
    }
  }
  /// The number.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// Parses one JSON value.
  ///
  /// - Throws: ``PluginError`` with code `invalid`; its text says what is wrong at which byte.
  public static func parse(_ bytes: [UInt8]) throws -> JSON { try JSONParser.parse(bytes) }
  /// Parses one JSON value from text.
  public static func parse(_ text: String) throws -> JSON { try parse(Array(text.utf8)) }
}

extension JSON: ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// `true` or `false`.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A list.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object; of equal names the last wins.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
  /// `null`.
  public init(nilLiteral: ()) { self = .null }

  /// A string, or null.
  public init(_ value: String?) { self = value.map(JSON.string) ?? .null }
  /// A whole number; one past Int64 becomes a number.
  public init(_ value: some BinaryInteger) { self = Int64(exactly: value).map(JSON.integer) ?? .number(Double(value)) }
  /// A number.
  public init(_ value: Double) { self = .number(value) }
  /// `true` or `false`.
  public init(_ value: Bool) { self = .bool(value) }
  /// A list of strings.
  public init(_ values: [String]) { self = .array(values.map(JSON.string)) }
}

extension JSON: CustomStringConvertible {
  /// Compact JSON text.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Compact JSON, UTF-8.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    write(into: &out)
    return out
  }

  private func write(into out: inout [UInt8]) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .integer(let value): out += "\(value)".utf8
    // JSON has no word for what is not a number (RFC 8259, section 6).
    case .number(let value): out += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let value): JSON.quote(value, into: &out)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        value.write(into: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        JSON.quote(member.key, into: &out)
        out.append(UInt8(ascii: ":"))
        member.value.write(into: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  /// RFC 8259, section 7: quote, backslash and control characters are escaped, all else is written as it is.
  private static func quote(_ text: String, into out: inout [UInt8]) {
    let digits: StaticString = "0123456789abcdef"
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case 0x0A: out += "\\n".utf8
      case 0..<0x20, 0x7F:
        out += "\\u00".utf8
        digits.withUTF8Buffer { out += [$0[Int(byte >> 4)], $0[Int(byte & 15)]] }
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
