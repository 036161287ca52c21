// Reads `Retry-After`: how long a server wants to be left alone.
// Used by StreamExchange for 429 and 5xx.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// `Retry-After`: RFC 9110, section 10.2.3.
enum RetryAfter {
  /// A day: a longer wait is an error of the server's.
  private static let longest: Double = 86_400
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Seconds, also with a fraction as some providers write, or a date. Nil for anything else: then the backoff decides.
  ///
  /// - Parameter now: the wall clock, nanoseconds.
  static func read(_ text: String, now: UInt64 = Clock.wall()) -> Duration? {
    let words = text.split { $0 == " " || $0 == "\t" }
    if words.count == 1, let seconds = Double(words[0]), seconds.isFinite, seconds >= 0 { return wait(seconds) }
    guard let moment = date(words) else { return nil }
    return wait(max(0, Double(moment) - Double(now) / 1e9))
  }

  private static func wait(_ seconds: Double) -> Duration {
    .milliseconds(Int64((min(seconds, longest) * 1_000).rounded(.up)))
  }

  /// What servers write for GMT, which alone is allowed.
  private static let zones: Set<Substring> = ["GMT", "UTC", "+0000", "-0000"]

  /// `Wed, 21 Oct 2015 07:28:00 GMT` as seconds since the epoch; the two obsolete forms are not read.
  private static func date(_ words: [Substring]) -> Int64? {
    guard words.count == 6, zones.contains(words[5]), let day = Int64(words[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(words[2])), let year = Int64(words[3]), (1970...9999).contains(year)
    else { return nil }
    let time = words[4].split(separator: ":").compactMap { Int64($0) }
    guard time.count == 3, time.allSatisfy({ (0...60).contains($0) }) else { return nil }
    return days(year, Int64(month) + 1, day) * 86_400 + time[0] * 3_600 + time[1] * 60 + time[2]
  }

  /// Days since the epoch of a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
  /// algorithms", days_from_civil), for years after 0.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = (shifted / 400, shifted % 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
