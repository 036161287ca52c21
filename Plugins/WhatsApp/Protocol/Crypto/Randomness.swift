// Where random bytes come from: the system's generator, or a script in tests.
// Handed to everything that makes keys, nonces, ids or jitter, so that a state machine stays a pure function.
//
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// A source of random bytes.
package struct Randomness: Sendable {
  private let fill: @Sendable (UnsafeMutableRawBufferPointer) -> Void

  /// A source of your own; tests give a counter or a list. `fill` must write every byte it is lent.
  package init(_ fill: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void) { self.fill = fill }

  /// The kernel's generator through libsodium's `randombytes_buf`, which aborts rather than return weak bytes.
  package static let system = Randomness { randombytes_buf($0.octets, $0.count) }

  /// `count` public random bytes: nonces, salts, ids.
  package func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, used in
      fill(UnsafeMutableRawBufferPointer(buffer))
      used = max(0, count)
    }
  }

  /// `count` random bytes that are a key.
  package func secret(_ count: Int) -> Secret { Secret(count: count, fill: fill) }

  /// A number in `range`, from 64 random bits; the bias is below 2^-32 for ranges under 2^32, and used for jitter only.
  package func number(in range: ClosedRange<Int64>) -> Int64 {
    let draw = bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let span = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
    guard span != 0 else { return Int64(bitPattern: draw) }
    return range.lowerBound &+ Int64(bitPattern: draw % span)
  }
}
