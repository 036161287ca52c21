// The text of the Date header, made once per second.
// Owned by one loop.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// `Date: Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110, 5.6.7), with its CRLF.
struct HTTPDate {
  private(set) var line: [UInt8] = []
  private var checkedAt: UInt64 = 0
  private var second: UInt64 = .max

  /// Monotonic nanoseconds for which a line is used without looking at the wall clock. Ours.
  private static let fresh: UInt64 = 100_000_000

  /// Brings the line up to date.
  mutating func refresh(now: UInt64) {
    guard line.isEmpty || now &- checkedAt > HTTPDate.fresh else { return }
    checkedAt = now
    let wall = Clock.wall() / 1_000_000_000
    guard wall != second else { return }
    second = wall
    line = Array("date: \(HTTPDate.text(wall))\r\n".utf8)
  }

  /// IMF-fixdate of seconds since the epoch.
  static func text(_ seconds: UInt64) -> String {
    let days = Int64(seconds / 86_400)
    let (year, month, day) = Clock.civil(fromDays: days)
    let rest = Int(seconds % 86_400)
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(days % 7)]
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return
      "\(weekday), \(two(day)) \(names[month - 1]) \(year) \(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
  }

  private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
