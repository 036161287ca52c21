// The time, as the machines are given it: they never read a clock.
//
// SPDX-License-Identifier: Apache-2.0

/// One reading of two clocks: deadlines run on the first, what people and servers see comes from the second.
package struct Moment: Sendable, Equatable {
  /// Time since any fixed point, never going back (CLOCK_BOOTTIME, so that a suspended machine notices its dead link).
  package let uptime: Duration
  /// Milliseconds since 1970.
  package let unixMilliseconds: Int64

  package init(uptime: Duration, unixMilliseconds: Int64) {
    self.uptime = uptime
    self.unixMilliseconds = unixMilliseconds
  }

  /// Seconds since 1970.
  package var unixSeconds: Int64 { unixMilliseconds / 1000 }

  /// The wall-clock time of a deadline on the uptime clock, in milliseconds since 1970.
  package func unixMilliseconds(of deadline: Duration) -> Int64 {
    let (seconds, attoseconds) = (deadline - uptime).components
    return unixMilliseconds.addingClamped(
      seconds.multipliedClamped(by: 1000).addingClamped(attoseconds / 1_000_000_000_000_000))
  }
}

extension Int64 {
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }

  func multipliedClamped(by factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? ((self < 0) == (factor < 0) ? .max : .min) : product
  }
}
