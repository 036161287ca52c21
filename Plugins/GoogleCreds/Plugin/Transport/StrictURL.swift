// A URL parser that refuses whatever two parsers could read differently. What passes is written anew from its parts, so
// that libcurl cannot see another host than this file did.
// Used for the addresses of google_call (GoogleAddress) and for end points.
//
// SPDX-License-Identifier: Apache-2.0

/// `scheme://host[:port]/path[?query]`, ASCII only, without user, fragment, backslash, blank or control character.
struct StrictURL: Sendable, Equatable {
  /// Lower case.
  let scheme: String
  /// Lower case: labels of letters, digits and hyphens; or, where ports are allowed, `[::1]`.
  let host: String
  /// Nil: the scheme's default.
  let port: UInt16?
  /// Begins with a slash.
  let path: String
  let query: String?

  /// Longest address that is taken, in bytes: what common servers take.
  static let longest = 8_192

  /// - Parameter ports: whether a port other than the default may be named, as end points on loopback need.
  init?(_ text: String, schemes: Set<String>, ports: Bool) {
    guard text.utf8.count <= Self.longest, text.utf8.allSatisfy(Self.isURLByte) else { return nil }
    guard let colon = text.firstIndex(of: ":") else { return nil }
    scheme = text[..<colon].lowercased()
    let rest = text[colon...]
    guard schemes.contains(scheme), rest.hasPrefix("://") else { return nil }
    let tail = rest.dropFirst(3)
    let authority = tail.prefix { $0 != "/" && $0 != "?" }
    guard let (host, port) = Self.authority(authority, ports: ports) else { return nil }
    let isDefault = port == (scheme == "https" ? 443 : 80)
    guard port == nil || ports || isDefault else { return nil }
    self.host = host
    self.port = isDefault ? nil : port
    let target = tail.dropFirst(authority.count)
    let path = target.prefix { $0 != "?" }
    self.path = path.isEmpty ? "/" : String(path)
    query = path.endIndex < target.endIndex ? String(target[target.index(after: path.endIndex)...]) : nil
    guard Self.isEncodedWell(path, controls: false), Self.isEncodedWell(Substring(query ?? ""), controls: true) else {
      return nil
    }
  }

  /// The address, from its parts.
  var text: String {
    "\(scheme)://\(host)" + (port.map { ":\($0)" } ?? "") + path + (query.map { "?\($0)" } ?? "")
  }

  /// RFC 3986: unreserved, sub-delims, `:@/?[]%`. So no `#`: a fragment is never sent, and parsers differ about where
  /// one begins.
  private static func isURLByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~!$&'()*+,;=:@/?[]%".utf8.contains(byte)
    }
  }

  private static func authority(_ text: Substring, ports: Bool) -> (host: String, port: UInt16?)? {
    if ports, text.hasPrefix("[::1]") {
      let rest = text.dropFirst(5)
      if rest.isEmpty { return ("[::1]", nil) }
      guard rest.first == ":", let port = number(rest.dropFirst()) else { return nil }
      return ("[::1]", port)
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, let host = hostName(name) else { return nil }
    guard parts.count == 2 else { return (host, nil) }
    guard let port = number(parts[1]) else { return nil }
    return (host, port)
  }

  /// Decimal, without sign or leading zero, 1 to 65535.
  private static func number(_ text: Substring) -> UInt16? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0" else { return nil }
    return UInt16(text)
  }

  /// RFC 1123, section 2.1, in lower case. No trailing dot: to a server and to a certificate it is another name.
  private static func hostName(_ text: Substring) -> String? {
    guard !text.isEmpty, text.utf8.count <= 253 else { return nil }
    let lower = text.lowercased()
    for label in lower.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      let isName = label.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
      }
      guard (1...63).contains(label.count), isName, label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-")
      else { return nil }
    }
    return lower
  }

  /// Every `%` begins two hexadecimal digits; only a query may spell control characters with them.
  private static func isEncodedWell(_ text: Substring, controls: Bool) -> Bool {
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else { continue }
      let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
      guard digits.count == 2 else { return false }
      let value = digits[0] << 4 | digits[1]
      guard controls || (value >= 0x20 && value != 0x7F) else { return false }
      rest = rest.dropFirst(2)
    }
    return true
  }
}

/// An address that an agent's token may be sent to.
struct GoogleAddress: Sendable, Equatable {
  let url: StrictURL

  /// The domain of Google's APIs; a host is this one or one under it.
  private static let domain = "googleapis.com"

  /// - Throws: ``GoogleFault`` `callURL`. Its detail does not repeat the address, which may hold anything.
  init(_ text: String) throws(GoogleFault) {
    guard let url = StrictURL(text, schemes: ["https"], ports: false) else {
      throw GoogleFault(.callURL, "not a plain https address")
    }
    guard url.host == Self.domain || url.host.hasSuffix("." + Self.domain) else {
      throw GoogleFault(.callURL, "the host is not at or under googleapis.com")
    }
    self.url = url
  }
}
