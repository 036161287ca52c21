// Reads protobuf without a schema: a message becomes its list of fields, and typed views pick what they know.
// Bounded in bytes and fields; nested messages are read only when a view asks, so depth costs nothing.
// Source: protobuf.dev "Encoding". Groups (wire types 3 and 4) do not occur in this protocol and are refused.
//
// SPDX-License-Identifier: Apache-2.0

/// One message, field by field, in wire order. Unknown fields stay in ``fields`` and are otherwise ignored.
package struct ProtobufFields: Sendable, Equatable {
  /// A value as the wire types give it; what it means is the schema's business.
  package enum Value: Sendable, Equatable {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
  }

  /// A field number (1 to 2^29-1) and its value.
  package struct Field: Sendable, Equatable {
    package let number: UInt32
    package let value: Value
  }

  /// How many fields a message may have: ours, far above any message of the protocol that this module reads.
  package static let fieldLimit = 4096

  /// All fields in wire order, also those that no view knows.
  package let fields: [Field]

  /// Reads a whole message.
  ///
  /// - Throws: ``ProtocolFault`` of the layer `protobuf`. An empty input is a message without fields, not an error.
  /// - Complexity: linear in the bytes; nested messages are not entered.
  package init(_ bytes: some Collection<UInt8>) throws(ProtocolFault) {
    var cursor = Cursor(rest: ArraySlice(bytes))
    var fields: [Field] = []
    while !cursor.rest.isEmpty {
      guard fields.count < Self.fieldLimit else { throw .tooLarge(.protobuf, limit: Self.fieldLimit) }
      fields.append(try cursor.field())
    }
    self.fields = fields
  }

  /// The last value of a field: protobuf's rule for a field that comes more than once.
  package func last(_ number: UInt32) -> Value? { fields.last { $0.number == number }?.value }

  /// A varint field. Nil when absent or of another wire type.
  package func unsigned(_ number: UInt32) -> UInt64? {
    if case .varint(let value)? = last(number) { value } else { nil }
  }

  /// A varint field as a 32-bit number; bits above are cut, as protobuf does.
  package func unsigned32(_ number: UInt32) -> UInt32? { unsigned(number).map { UInt32(truncatingIfNeeded: $0) } }

  /// A bool field. Nil when absent.
  package func flag(_ number: UInt32) -> Bool? { unsigned(number).map { $0 != 0 } }

  /// A bytes field. Nil when absent or of another wire type.
  package func bytes(_ number: UInt32) -> [UInt8]? {
    if case .bytes(let value)? = last(number) { [UInt8](value) } else { nil }
  }

  /// Every value of a repeated bytes field, in order.
  package func allBytes(_ number: UInt32) -> [[UInt8]] {
    fields.compactMap { field in
      guard field.number == number, case .bytes(let value) = field.value else { return nil }
      return [UInt8](value)
    }
  }

  /// A string field. Nil when absent or not UTF-8.
  package func string(_ number: UInt32) -> String? { bytes(number).flatMap { String(validating: $0, as: UTF8.self) } }

  /// A nested message. Nil when absent.
  package func message(_ number: UInt32) throws(ProtocolFault) -> ProtobufFields? {
    guard case .bytes(let value)? = last(number) else { return nil }
    return try ProtobufFields(value)
  }
}

/// Walks over the encoded fields.
private struct Cursor {
  var rest: ArraySlice<UInt8>

  mutating func field() throws(ProtocolFault) -> ProtobufFields.Field {
    let key = try varint()
    guard let number = UInt32(exactly: key >> 3), number > 0, number < 1 << 29 else {
      throw .malformed(.protobuf, "field number outside 1 to 2^29-1")
    }
    switch key & 7 {
    case 0: return .init(number: number, value: .varint(try varint()))
    case 1: return .init(number: number, value: .fixed64(littleEndian(try take(8))))
    case 2:
      guard let length = Int(exactly: try varint()) else { throw .truncated(.protobuf) }
      return .init(number: number, value: .bytes(try take(length)))
    case 5: return .init(number: number, value: .fixed32(littleEndian(try take(4))))
    default: throw .malformed(.protobuf, "wire type is none of 0, 1, 2, 5")
    }
  }

  /// At most ten bytes, and nothing above bit 63.
  private mutating func varint() throws(ProtocolFault) -> UInt64 {
    var value: UInt64 = 0
    for position in 0..<10 {
      guard let byte = rest.popFirst() else { throw .truncated(.protobuf) }
      if position == 9, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << UInt64(7 * position)
      if byte & 0x80 == 0 { return value }
    }
    throw .malformed(.protobuf, "varint over 64 bits")
  }

  private mutating func take(_ count: Int) throws(ProtocolFault) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw .truncated(.protobuf) }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private func littleEndian<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Number {
    bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }
}
