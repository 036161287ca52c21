// Base64 with the URL alphabet, unpadded (RFC 4648, section 5), for tokens.
// Decoding is strict: one text for one sequence of bytes, or a token could be changed without its bytes changing.
//
// SPDX-License-Identifier: Apache-2.0

/// The coding of both parts of a token.
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  /// By character; 255: not of the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var out: [UInt8] = []
    var (held, bits) = (UInt32(0), 0)
    for byte in bytes {
      held = held << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        out.append(alphabet[Int(held >> UInt32(bits) & 63)])
      }
    }
    if bits > 0 { out.append(alphabet[Int(held << UInt32(6 - bits) & 63)]) }
    return String(decoding: out, as: UTF8.self)
  }

  /// Nil for a foreign character, padding, a length that no bytes have, or bits that are left over and not zero.
  static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    var (held, bits) = (UInt32(0), 0)
    for character in text {
      let value = values[Int(character)]
      guard value != 255 else { return nil }
      held = held << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
      }
    }
    guard bits < 6, held & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
    return out
  }
}
