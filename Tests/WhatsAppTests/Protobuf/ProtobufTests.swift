// The protobuf reader and writer: round trips, and what the reader refuses.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Protobuf")
struct ProtobufTests {
  @Test(arguments: [
    ("80", "a varint that does not end"), ("08", "a key without a value"), ("0a05aabb", "a length past the end"),
    ("0affffffffffffffffff01", "a length over 63 bits"), ("0900", "a short fixed64"), ("0d00", "a short fixed32"),
  ])
  func `a message cut short is refused`(hex: String, what: Comment) throws {
    let bytes = try #require([UInt8](hex: hex))
    #expect(throws: ProtocolFault.truncated(.protobuf), what) { try ProtobufFields(bytes) }
  }

  @Test(arguments: ["0000", "0b", "0c", "0e00", "08ffffffffffffffffff02", "ffffffff7f00"])
  func `a malformed message is refused`(hex: String) throws {
    let bytes = try #require([UInt8](hex: hex))
    #expect { try ProtobufFields(bytes) } throws: { error in
      if case .malformed(.protobuf, _)? = error as? ProtocolFault { true } else { false }
    }
  }

  @Test func `more fields than the bound are refused`() {
    let bytes = Array([[UInt8]](repeating: [8, 0], count: ProtobufFields.fieldLimit + 1).joined())
    #expect(throws: ProtocolFault.tooLarge(.protobuf, limit: ProtobufFields.fieldLimit)) { try ProtobufFields(bytes) }
  }

  @Test(arguments: [0, 1, 127, 128, 1 << 32, UInt64.max])
  func `a varint survives the round trip`(value: UInt64) throws {
    let bytes = ProtobufWriter.build { $0.unsigned(536_870_911, value) }
    #expect(try ProtobufFields(bytes).unsigned(536_870_911) == value)
  }

  @Test func `the last value of a repeated scalar counts, and unknown fields are kept`() throws {
    let fields = try ProtobufFields([8, 1, 8, 2, 0x72, 1, 65, 0x7D, 1, 0, 0, 0])
    #expect(fields.unsigned(1) == 2)
    #expect(fields.string(14) == "A")
    #expect(fields.fields.count == 4)
    #expect(fields.unsigned(15) == nil)
  }

  @Test func `a string that is not UTF-8 is no string`() throws {
    #expect(try ProtobufFields([0x0A, 1, 0xFF]).string(1) == nil)
  }
}
