// RFC 3339 text back to the wall clock's nanoseconds. Used for tokens, whose expiry is such a text.
// Strict: no spaces, no missing parts, no leap second, nothing before 1970 or past the year 9999.
//
// SPDX-License-Identifier: Apache-2.0

extension Clock {
  /// The moment that an RFC 3339 text names, in nanoseconds since the epoch; nil when it is not one.
  ///
  /// - Parameter text: `2030-01-01T00:00:00Z`, up to nine digits of a fraction, `Z` or `+HH:MM`.
  package static func wall(rfc3339 text: String) -> UInt64? {
    var rest = Array(text.utf8)[...]
    func digits(_ count: Int, in range: ClosedRange<Int64>) -> Int64? {
      guard rest.count >= count, let value = number(rest.prefix(count)), range.contains(value) else { return nil }
      rest = rest.dropFirst(count)
      return value
    }
    func skip(_ mark: UInt8) -> Bool { rest.popFirst() == mark }
    let (dash, colon) = (UInt8(ascii: "-"), UInt8(ascii: ":"))
    guard let year = digits(4, in: 1_970...9_999), skip(dash), let month = digits(2, in: 1...12), skip(dash),
      let day = digits(2, in: 1...31), day <= daysOfMonth(Int(month), Int(year)), skip(UInt8(ascii: "T")),
      let hour = digits(2, in: 0...23), skip(colon), let minute = digits(2, in: 0...59), skip(colon),
      let second = digits(2, in: 0...59)
    else { return nil }
    var nanoseconds: Int64 = 0
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
      guard (1...9).contains(fraction.count), let value = number(fraction) else { return nil }
      nanoseconds = (fraction.count..<9).reduce(value) { power, _ in power * 10 }
      rest = rest.dropFirst(fraction.count + 1)
    }
    guard let offset = offset(rest) else { return nil }
    let days = daysFromCivil(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    guard seconds >= 0 else { return nil }
    let (product, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflows ? nil : product.addingReportingOverflow(UInt64(nanoseconds)).partialValue
  }

  /// Seconds east of UTC.
  private static func offset(_ text: ArraySlice<UInt8>) -> Int64? {
    if text.elementsEqual("Z".utf8) { return 0 }
    guard text.count == 6, let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
      text.dropFirst(3).first == UInt8(ascii: ":"), let hours = number(text.dropFirst().prefix(2)), hours < 24,
      let minutes = number(text.suffix(2)), minutes < 60
    else { return nil }
    return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 3_600 + minutes * 60)
  }

  /// At most nine decimal digits.
  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  private static func daysOfMonth(_ month: Int, _ year: Int) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    default: 31
    }
  }

  /// The inverse of ``civil(fromDays:)``, from the same source (days_from_civil).
  private static func daysFromCivil(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
