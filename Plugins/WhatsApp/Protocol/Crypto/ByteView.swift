// Bytes that can be lent to a C function without a copy: arrays, slices and secrets alike.
// Used by every file of Crypto/; nothing here interprets the bytes.
//
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// A run of bytes that can be lent to C for the length of one call.
package protocol ByteView {
  /// Lends the bytes. The pointer is valid only inside `body`, and may be nil when there are none.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R
}

extension Array: ByteView where Element == UInt8 {
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(body) }
}

extension ArraySlice: ByteView where Element == UInt8 {
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(body) }
}

extension UnsafeRawBufferPointer {
  /// The same bytes as C's `const unsigned char *`; some valid address when there are none, for C functions that want one.
  var octets: UnsafePointer<UInt8> {
    baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(nowhere.address)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The same bytes as C's `unsigned char *`; some valid address when there are none.
  var octets: UnsafeMutablePointer<UInt8> { baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nowhere.address }
}

/// An address to lend with the length 0. `@unchecked Sendable` needs no guard: the byte behind it is never read nor
/// written.
private struct Nowhere: @unchecked Sendable {
  let address = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
}
private let nowhere = Nowhere()

/// Compares two runs of bytes in a time that depends on their length only.
///
/// - Returns: false for different lengths, without looking at the bytes: lengths are not secret here.
package func constantTimeEqual(_ left: some ByteView, _ right: some ByteView) -> Bool {
  left.withBytes { left in
    right.withBytes { right in
      guard left.count == right.count else { return false }
      guard let first = left.baseAddress, let second = right.baseAddress else { return true }
      return sodium_memcmp(first, second, left.count) == 0
    }
  }
}
