// Random identifiers of events and messages.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// UUIDs as text.
package enum UUIDText {
  /// A random one: version 4, RFC 9562 section 5.4, lower case.
  package static func random() -> String {
    var bytes = Random.bytes(16)
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let hex = Hex.text(bytes).utf8
    var text: [UInt8] = []
    for (index, digit) in hex.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
      text.append(digit)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
