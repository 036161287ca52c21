// Sets of ASCII bytes as the grammars of RFC 9110, RFC 9112 and RFC 3986 name them.
// Used by the request parser and by everything that checks a header before it goes on the wire.
// Holds no state and does no scanning beyond "are all these bytes in the set".
//
// SPDX-License-Identifier: Apache-2.0

/// A set of bytes below 0x80, as two words of bits; bytes from 0x80 on are never members.
package struct ByteSet: Sendable {
  let lo: UInt64
  let hi: UInt64

  /// Whether the byte is a member.
  @inline(__always)
  package func contains(_ byte: UInt8) -> Bool {
    let word = byte < 64 ? lo : hi
    return byte < 128 && (word &>> UInt64(byte & 63)) & 1 != 0
  }

  /// Whether every byte is a member; true for no bytes.
  package func containsAll(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    for byte in bytes where !contains(byte) { return false }
    return true
  }

  /// RFC 9110, 5.6.2: `tchar`, the letters of methods and field names.
  package static let token = ByteSet(lo: 0x03FF_6CFA_0000_0000, hi: 0x57FF_FFFF_C7FF_FFFE)
  /// RFC 3986, 3.3: `pchar` without the percent sign.
  static let pchar = ByteSet(lo: 0x2FFF_7FD2_0000_0000, hi: 0x47FF_FFFE_87FF_FFFF)
  /// RFC 3986, 3.3: `pchar` and `/`, without the percent sign.
  static let path = ByteSet(lo: 0x2FFF_FFD2_0000_0000, hi: 0x47FF_FFFE_87FF_FFFF)
  /// RFC 3986, 3.4: `query` without the percent sign, and the eight characters ``[]\^`{|}`` that the RFC wants encoded
  /// and browsers send as they are (WHATWG URL, "query percent-encode set"). The query is never interpreted here.
  static let query = ByteSet(lo: 0xAFFF_FFD2_0000_0000, hi: 0x7FFF_FFFF_FFFF_FFFF)
  /// RFC 3986, 3.2.2: `reg-name` without the percent sign.
  static let regName = ByteSet(lo: 0x2BFF_7FD2_0000_0000, hi: 0x47FF_FFFE_87FF_FFFE)
  /// `DIGIT`.
  static let digit = ByteSet(lo: 0x03FF_0000_0000_0000, hi: 0)
}

extension UInt8 {
  /// The value of a hexadecimal digit in either case, or nil.
  @inline(__always)
  var hexValue: UInt8? {
    switch self {
    case 0x30...0x39: self &- 0x30
    case 0x41...0x46: self &- 0x37
    case 0x61...0x66: self &- 0x57
    default: nil
    }
  }

  /// RFC 9110, 5.5: what a field value may hold: `field-vchar` (VCHAR, obs-text), SP and HTAB.
  @inline(__always)
  var isFieldValueByte: Bool { self >= 0x20 ? self != 0x7F : self == 0x09 }

  /// ASCII lower case; other bytes unchanged.
  @inline(__always)
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

/// Bytes with a name in the code.
enum Byte {
  static let tab: UInt8 = 0x09
  static let lf: UInt8 = 0x0A
  static let cr: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let quote: UInt8 = 0x22
  static let percent: UInt8 = 0x25
  static let asterisk: UInt8 = 0x2A
  static let comma: UInt8 = 0x2C
  static let dot: UInt8 = 0x2E
  static let slash: UInt8 = 0x2F
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B
  static let equals: UInt8 = 0x3D
  static let question: UInt8 = 0x3F
  static let backslash: UInt8 = 0x5C
}
