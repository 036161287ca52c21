// Bytes as text: base64 through libsodium, hexadecimal, and big-endian integers.
// Strict readers: what another encoder would not have written is refused.
//
// SPDX-License-Identifier: Apache-2.0

import CSodium

extension Array where Element == UInt8 {
  /// RFC 4648 base64 with padding.
  package var base64: String { encoded(sodium_base64_VARIANT_ORIGINAL) }

  /// RFC 4648 base64url with padding, as in media tokens.
  package var base64URL: String { encoded(sodium_base64_VARIANT_URLSAFE) }

  /// Reads RFC 4648 base64 with padding. Nil for anything else, including white space.
  package init?(base64 text: String) {
    let text = [CChar](text.utf8.map { CChar(bitPattern: $0) })
    var out = [UInt8](repeating: 0, count: text.count)
    var length = 0
    var end: UnsafePointer<CChar>?
    let whole = text.withUnsafeBufferPointer { source in
      sodium_base642bin(
        &out, out.count, source.baseAddress, source.count, nil, &length, &end, sodium_base64_VARIANT_ORIGINAL) == 0
        && end == source.baseAddress.map { $0 + source.count }
    }
    guard whole else { return nil }
    self = [UInt8](out.prefix(length))
  }

  /// Lower-case hexadecimal.
  package var hex: String {
    let digits = [UInt8]("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Reads hexadecimal of either case. Nil for an odd length or another character.
  package init?(hex text: String) {
    var out: [UInt8] = []
    var high: UInt8?
    for character in text.unicodeScalars {
      guard character.isASCII, let digit = Character(character).hexDigitValue else { return nil }
      if let first = high {
        out.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    guard high == nil else { return nil }
    self = out
  }

  private func encoded(_ variant: Int32) -> String {
    let size = sodium_base64_encoded_len(count, variant)
    var text = [CChar](repeating: 0, count: size)
    sodium_bin2base64(&text, size, self, count, variant)
    return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension FixedWidthInteger {
  /// Big-endian bytes, all of them.
  package var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { [UInt8]($0) } }

  /// Reads big-endian bytes. Nil when there are more than fit, or none.
  package init?(bigEndianBytes bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= Self.bitWidth / 8 else { return nil }
    self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
  }
}
