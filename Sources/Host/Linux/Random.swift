// Random bytes from the kernel, for names, nonces and tokens.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// The system's random source, getrandom(2).
package enum Random {
  /// `count` bytes fit for keys.
  package static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var offset = 0
    while offset < count {
      let got = bytes.withUnsafeMutableBytes { clx_getrandom($0.baseAddress! + offset, count - offset, 0) }
      // getrandom fails only with EINTR once the pool is ready; there is nothing safe to fall back on.
      if got > 0 { offset += got }
    }
    return bytes
  }

  /// Lower-case hex digits of `bytes` random bytes.
  package static func hex(bytes count: Int) -> String { Hex.text(bytes(count)) }
}

/// Lower-case hexadecimal text.
package enum Hex {
  /// Two digits a byte.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    // By way of an array: other modules get this function unspecialised, which a sequence pays for at every byte.
    let bytes = Array(bytes)
    return String(unsafeUninitializedCapacity: bytes.count * 2) { out in
      for (index, byte) in bytes.enumerated() {
        out[index * 2] = digit(byte >> 4)
        out[index * 2 + 1] = digit(byte & 15)
      }
      return bytes.count * 2
    }
  }

  /// The bytes of an even number of hex digits in either case, or nil.
  package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      out.append(high << 4 | low)
    }
    return out
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
