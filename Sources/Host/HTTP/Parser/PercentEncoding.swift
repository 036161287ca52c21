// Percent-decoding, in one place: of path segments, of a form's fields, and of what a plugin's final `*` stands for.
//
// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of RFC 3986, section 2.1.
package enum PercentEncoding {
  /// The bytes decoded once. A percent sign that two hexadecimal digits do not follow stands for itself: in a target the parser
  /// has refused it before, a form may hold one.
  package static func decoded(_ raw: some Sequence<UInt8>) -> [UInt8] {
    var rest = Array(raw)[...]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rest.count)
    while let byte = rest.popFirst() {
      if byte == Byte.percent, rest.count >= 2, let high = rest[rest.startIndex].hexValue,
        let low = rest[rest.startIndex + 1].hexValue
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
