// Durations as the nanoseconds that Clock and the ABI count in.
//
// SPDX-License-Identifier: Apache-2.0

extension Duration {
  /// Whole nanoseconds; negative durations are 0, those past 584 years UInt64.max.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return overflow || carry ? .max : sum
  }

  /// A duration of so many nanoseconds; at most Int64.max of them.
  package static func nanoseconds(_ count: UInt64) -> Duration { .nanoseconds(Int64(clamping: count)) }
}
