// Durations as the nanoseconds that the machines here count in. Not visible outside: HostLinux has the host's own.
//
// SPDX-License-Identifier: Apache-2.0

extension Duration {
  /// Whole nanoseconds; negative durations are 0, those past 584 years UInt64.max.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return overflow || carry ? .max : sum
  }
}
