// A strict JSON parser, RFC 8259: no comments, no trailing commas, nothing after the value.
// Does not limit the size: the host does, before anything reaches a plugin.
//
// SPDX-License-Identifier: Apache-2.0

/// One pass over the bytes. Each function begins at the first byte of what it reads and ends behind the last.
struct JSONParser {
  /// Deeper lists and objects are refused: a guard for the stack, ours, above what any real configuration needs.
  private static let maxDepth = 128

  private let bytes: [UInt8]
  private var at = 0
  private var depth = 0

  static func parse(_ bytes: [UInt8]) throws(PluginError) -> JSON {
    var parser = JSONParser(bytes: bytes)
    let value = try parser.value()
    parser.skipSpace()
    guard parser.at == bytes.count else { throw parser.fault("nothing more") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func fault(_ expected: String) -> PluginError {
    PluginError(.invalid, "not JSON: expected \(expected) at byte \(at)")
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func value() throws(PluginError) -> JSON {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(PluginError) -> JSON {
    let length = word.utf8CodeUnitCount
    let matches = word.withUTF8Buffer { $0.elementsEqual(bytes[at...].prefix(length)) }
    guard matches else { throw fault("a value") }
    at += length
    return value
  }

  private mutating func deeper() throws(PluginError) {
    at += 1
    depth += 1
    guard depth <= Self.maxDepth else { throw fault("at most \(Self.maxDepth) levels") }
    skipSpace()
  }

  private mutating func array() throws(PluginError) -> JSON {
    try deeper()
    defer { depth -= 1 }
    var values: [JSON] = []
    if take(UInt8(ascii: "]")) { return .array(values) }
    while true {
      values.append(try value())
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(values) }
      guard take(UInt8(ascii: ",")) else { throw fault("',' or ']'") }
    }
  }

  private mutating func object() throws(PluginError) -> JSON {
    try deeper()
    defer { depth -= 1 }
    var members: [String: JSON] = [:]
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fault("a name in quotes") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("':'") }
      members[name] = try value()
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw fault("',' or '}'") }
    }
  }

  private mutating func string() throws(PluginError) -> String {
    at += 1
    var out: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        guard let text = String(validating: out, as: UTF8.self) else { throw fault("UTF-8 before this") }
        return text
      case UInt8(ascii: "\\"):
        at += 1
        try escape(into: &out)
      case 0..<0x20: throw fault("no control character in a string")
      default:
        out.append(byte)
        at += 1
      }
    }
    throw fault("the string's end")
  }

  private mutating func escape(into out: inout [UInt8]) throws(PluginError) {
    guard let byte = next else { throw fault("the string's end") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"): out += String(Character(try scalar())).utf8
    default:
      at -= 1
      throw fault("an escape")
    }
  }

  /// `\uXXXX`, or two of them for a scalar past U+FFFF (RFC 8259, section 7). A lone surrogate is refused.
  private mutating func scalar() throws(PluginError) -> Unicode.Scalar {
    let first = try unit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      throw fault("a pair of surrogates")
    }
    let second = try unit()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw fault("a pair of surrogates") }
    return scalar
  }

  private mutating func unit() throws(PluginError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault("a hexadecimal digit")
      }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }

  private mutating func digits() -> Int {
    let start = at
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
    return at - start
  }

  private mutating func number() throws(PluginError) -> JSON {
    let start = at
    _ = take(UInt8(ascii: "-"))
    let leadsWithZero = next == UInt8(ascii: "0")
    let whole = digits()
    guard whole == 1 || (whole > 1 && !leadsWithZero) else { throw fault("a value") }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard digits() > 0 else { throw fault("a digit") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard digits() > 0 else { throw fault("a digit") }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw fault("a number that fits 64 bits") }
    return .number(value)
  }
}
