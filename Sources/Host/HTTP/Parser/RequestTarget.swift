// The request-target in its four forms, the host it names, and the path decoded once.
// Called by the parser for every request line and for Host.
// Decides nothing about routes; refuses what two readers could read differently.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// RFC 9112, 3.2; RFC 3986.
///
/// Dot segments, plain or encoded, are refused and not resolved: honest clients resolve them before sending (RFC 3986, 5.2.4),
/// and whoever judged the path on the way here (a proxy's access rule) may have judged another one.
enum RequestTarget {
  /// Fills in path, query and authority of a head whose method and target are set.
  static func parse(into head: RequestHead) -> HTTPRefusal? {
    let target = head.buffer(head.target)
    if head.equals(head.method, "CONNECT") {
      guard isAuthority(target, emptyHostAllowed: false), target.contains(Byte.colon) else { return .badTarget }
      return .connectUnsupported
    }
    if target[0] == Byte.slash { return originForm(from: 0, head) }
    if target.count == 1, target[0] == Byte.asterisk {
      guard head.equals(head.method, "OPTIONS") else { return .badTarget }
      head.rawPath = head.target
      head.path = head.target
      return nil
    }
    return absoluteForm(head)
  }

  /// `http://authority/path?query`. The authority takes the place of Host (RFC 9112, 3.2.2).
  private static func absoluteForm(_ head: RequestHead) -> HTTPRefusal? {
    let target = head.buffer(head.target)
    guard let schemeEnd = target.firstIndex(of: Byte.colon), schemeEnd == 4 || schemeEnd == 5,
      zip(target, "https".utf8).prefix(schemeEnd).allSatisfy({ $0.lowercased == $1 }),
      target.count > schemeEnd + 3, target[schemeEnd + 1] == Byte.slash, target[schemeEnd + 2] == Byte.slash
    else { return .badTarget }
    let start = schemeEnd + 3
    let end = target[start...].firstIndex { $0 == Byte.slash || $0 == Byte.question } ?? target.count
    guard isAuthority(UnsafeBufferPointer(rebasing: target[start..<end]), emptyHostAllowed: false) else {
      return .badTarget
    }
    head.authority = HTTPSpan(Int(head.target.offset) + start, end - start)
    return originForm(from: end, head)
  }

  /// The path and query from an offset of the target on. An empty path is `/`, and `*` for OPTIONS.
  private static func originForm(from start: Int, _ head: RequestHead) -> HTTPRefusal? {
    let target = head.buffer(head.target)
    let offset = Int(head.target.offset)
    let question = target[start...].firstIndex(of: Byte.question)
    let pathEnd = question ?? target.count
    if let question {
      head.query = HTTPSpan(offset + question + 1, target.count - question - 1)
      if let refusal = checkQuery(head.buffer(head.query)) { return refusal }
    }
    guard pathEnd > start else {
      head.rawPath = appended(question == nil && head.equals(head.method, "OPTIONS") ? "*" : "/", head)
      head.path = head.rawPath
      return nil
    }
    head.rawPath = HTTPSpan(offset + start, pathEnd - start)
    head.path = head.rawPath
    return decodePath(head)
  }

  private static func appended(_ text: StaticString, _ head: RequestHead) -> HTTPSpan {
    let span = HTTPSpan(head.count, text.utf8CodeUnitCount)
    head.append(text.utf8Start, text.utf8CodeUnitCount)
    return span
  }

  /// Queries stay as they are; only bytes that no grammar allows, and broken escapes, are refused.
  private static func checkQuery(_ query: UnsafeBufferPointer<UInt8>) -> HTTPRefusal? {
    var index = 0
    while index < query.count {
      if query[index] == Byte.percent {
        guard index + 2 < query.count, query[index + 1].hexValue != nil, query[index + 2].hexValue != nil else {
          return .badEscape
        }
        index += 3
      } else {
        guard ByteSet.query.contains(query[index]) else { return .badTarget }
        index += 1
      }
    }
    return nil
  }

  /// Checks the path and, if it has escapes, appends its decoded form to the block.
  private static func decodePath(_ head: RequestHead) -> HTTPRefusal? {
    let raw = head.buffer(head.rawPath)
    var escapes = 0
    for byte in raw where !ByteSet.path.contains(byte) {
      guard byte == Byte.percent else { return .badTarget }
      escapes += 1
    }
    if escapes > 0 {
      head.reserve(raw.count)
      let source = head.buffer(head.rawPath)
      let start = head.count
      var index = 0
      while index < source.count {
        var byte = source[index]
        if byte == Byte.percent {
          guard index + 2 < source.count, let high = source[index + 1].hexValue, let low = source[index + 2].hexValue
          else { return .badEscape }
          byte = high << 4 | low
          // A NUL ends the path early for every reader in C.
          guard byte != 0 else { return .badEscape }
          index += 2
        }
        head.bytes[head.count] = byte
        head.count += 1
        index += 1
      }
      head.path = HTTPSpan(start, head.count - start)
    }
    return hasDotSegment(head.buffer(head.path)) ? .dotSegment : nil
  }

  private static func hasDotSegment(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < path.count {
      if path[index] == Byte.slash, index + 1 < path.count, path[index + 1] == Byte.dot {
        var after = index + 2
        if after < path.count, path[after] == Byte.dot { after += 1 }
        if after == path.count || path[after] == Byte.slash { return true }
      }
      index += 1
    }
    return false
  }

  /// `uri-host [ ":" port ]`, without userinfo (RFC 9110, 4.2.4 and 7.2). A port is at most 65535 and may be empty.
  static func isAuthority(_ authority: UnsafeBufferPointer<UInt8>, emptyHostAllowed: Bool) -> Bool {
    guard let first = authority.first else { return emptyHostAllowed }
    var hostEnd: Int
    if first == 0x5B {  // [
      guard let close = authority.firstIndex(of: 0x5D), isAddressLiteral(authority[1..<close]) else { return false }
      hostEnd = close + 1
    } else {
      hostEnd = authority.firstIndex(of: Byte.colon) ?? authority.count
      guard isRegisteredName(authority[..<hostEnd]), hostEnd > 0 || emptyHostAllowed else { return false }
    }
    guard hostEnd < authority.count else { return true }
    let port = authority[(hostEnd + 1)...]
    guard authority[hostEnd] == Byte.colon, port.count <= 5, port.allSatisfy(ByteSet.digit.contains) else {
      return false
    }
    return port.reduce(0) { $0 * 10 + Int($1 &- 0x30) } <= 65_535
  }

  private static func isRegisteredName(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var rest = name
    while let byte = rest.popFirst() {
      if byte == Byte.percent {
        guard let high = rest.popFirst()?.hexValue, let low = rest.popFirst()?.hexValue, high | low != 0 else {
          return false
        }
      } else if !ByteSet.regName.contains(byte) {
        return false
      }
    }
    return true
  }

  /// An IPv6 address, or RFC 3986's `IPvFuture`.
  private static func isAddressLiteral(_ literal: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    if let first = literal.first, first | 0x20 == 0x76 {  // v
      let parts = literal.dropFirst().split(separator: Byte.dot, maxSplits: 1)
      return parts.count == 2 && parts[0].allSatisfy { $0.hexValue != nil }
        && parts[1].allSatisfy { ByteSet.regName.contains($0) || $0 == Byte.colon }
    }
    // INET6_ADDRSTRLEN is 46 with its NUL.
    guard literal.count <= 45 else { return false }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
      for (index, byte) in literal.enumerated() {
        guard byte.hexValue != nil || byte == Byte.colon || byte == Byte.dot else { return false }
        text[index] = CChar(bitPattern: byte)
      }
      text[literal.count] = 0
      var address: (UInt64, UInt64) = (0, 0)
      return inet_pton(AF_INET6, text.baseAddress, &address) == 1
    }
  }
}
