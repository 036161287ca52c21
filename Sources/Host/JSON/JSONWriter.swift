// Writes JSON: the only place in the host that quotes a JSON string.
//
// SPDX-License-Identifier: Apache-2.0

extension JSON: CustomStringConvertible {
  /// Compact JSON text, members in their order.
  package var description: String { text() }

  /// JSON text.
  ///
  /// - Parameter pretty: two spaces of indentation and a line a member; else no white space at all.
  /// - Parameter sorted: members by name instead of in their order; compact and sorted is the canonical form.
  package func text(pretty: Bool = false, sorted: Bool = false) -> String {
    var out: [UInt8] = []
    write(into: &out, indent: pretty ? 0 : nil, sorted: sorted)
    return String(decoding: out, as: UTF8.self)
  }

  /// Compact UTF-8 JSON.
  package var bytes: [UInt8] {
    var out: [UInt8] = []
    write(into: &out, indent: nil, sorted: false)
    return out
  }

  private func write(into out: inout [UInt8], indent: Int?, sorted: Bool) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .integer(let value): out += String(value).utf8
    // JSON has no word for what is not a number (RFC 8259, section 6).
    case .number(let value): out += (value.isFinite ? JSON.shortest(value) : "null").utf8
    case .string(let value): JSON.quote(value, into: &out)
    case .array(let values):
      JSON.writeList(values, open: "[", close: "]", into: &out, indent: indent) { value, indent, out in
        value.write(into: &out, indent: indent, sorted: sorted)
      }
    case .object(let object):
      let members = sorted ? object.members.sorted { $0.name < $1.name } : object.members
      JSON.writeList(members, open: "{", close: "}", into: &out, indent: indent) { member, indent, out in
        JSON.quote(member.name, into: &out)
        out += (indent == nil ? ":" : ": ").utf8
        member.value.write(into: &out, indent: indent, sorted: sorted)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], open: String, close: String, into out: inout [UInt8], indent: Int?,
    _ write: (Element, Int?, inout [UInt8]) -> Void
  ) {
    out += open.utf8
    for (index, element) in elements.enumerated() {
      if index > 0 { out += ",".utf8 }
      if let indent { out += "\n\(String(repeating: "  ", count: indent + 1))".utf8 }
      write(element, indent.map { $0 + 1 }, &out)
    }
    if let indent, !elements.isEmpty { out += "\n\(String(repeating: "  ", count: indent))".utf8 }
    out += close.utf8
  }

  private static func shortest(_ value: Double) -> String {
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A JSON string with its quotes: RFC 8259, section 7. Control characters and DEL are escaped.
  package static func quoted(_ text: String) -> String {
    var out: [UInt8] = []
    quote(text, into: &out)
    return String(decoding: out, as: UTF8.self)
  }

  private static func quote(_ text: String, into out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case 0x0A: out += "\\n".utf8
      case 0x09: out += "\\t".utf8
      case 0x0D: out += "\\r".utf8
      case 0x00..<0x20, 0x7F: out += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
