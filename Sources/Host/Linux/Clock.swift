// Time: the monotonic clock for deadlines, the wall clock for people, and RFC 3339 text.
// Used everywhere; code that must be tested with a false clock takes a closure of this shape instead.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The system's clocks.
package enum Clock {
  /// Nanoseconds of CLOCK_MONOTONIC; never goes back; the unit of every deadline, in the ABI too.
  package static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }

  /// Nanoseconds since 1970-01-01T00:00:00Z.
  package static func wall() -> UInt64 { read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// RFC 3339 in UTC with milliseconds: `2026-11-23T02:03:04.567Z`.
  ///
  /// - Parameter wall: nanoseconds since the epoch.
  package static func rfc3339(_ wall: UInt64) -> String {
    let seconds = Int64(wall / 1_000_000_000)
    let milliseconds = Int(wall / 1_000_000 % 1_000)
    let (year, month, day) = civil(fromDays: seconds / 86_400)
    let rest = Int(seconds % 86_400)
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(rest / 3_600, 2) + ":"
      + padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2) + "." + padded(milliseconds, 3) + "Z"
  }

  /// Days since the epoch as a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
  /// low-level date algorithms", civil_from_days).
  package static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
    return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, day)
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
