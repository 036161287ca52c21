// Writes protobuf field by field, in the order of the calls.
// The typed messages of this folder use it; fields with default values are written when asked for, because the
// recorded payloads carry some of them (client_payload.json).
//
// SPDX-License-Identifier: Apache-2.0

/// A message under construction.
package struct ProtobufWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Builds a message in one expression.
  package static func build(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    body(&writer)
    return writer.bytes
  }

  /// A varint field: uint32, uint64, enum, bool. Nil writes nothing.
  package mutating func unsigned(_ number: UInt32, _ value: (some UnsignedInteger)?) {
    guard let value else { return }
    varint(UInt64(number) << 3)
    varint(UInt64(truncatingIfNeeded: value))
  }

  /// A bool field. Nil writes nothing, false writes a zero.
  package mutating func flag(_ number: UInt32, _ value: Bool?) {
    unsigned(number, value.map { $0 ? UInt8(1) : 0 })
  }

  /// A bytes field or a nested message. Nil writes nothing, an empty value writes the length 0.
  package mutating func bytes(_ number: UInt32, _ value: [UInt8]?) {
    guard let value else { return }
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }

  /// A string field. Nil writes nothing.
  package mutating func string(_ number: UInt32, _ value: String?) { bytes(number, value.map { [UInt8]($0.utf8) }) }

  /// A nested message.
  package mutating func message(_ number: UInt32, _ body: (inout ProtobufWriter) -> Void) {
    bytes(number, Self.build(body))
  }

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }
}
