// The head of a request: request line, header lines, and what they say together about framing.
// Part of RequestParser; judges complete lines that lie in the head's block.
// Targets and hosts are judged in RequestTarget.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension RequestParser {
  /// Judges `method SP request-target SP HTTP-version`. RFC 9112, 3.
  mutating func requestLine(_ line: Range<Int>) -> HTTPRefusal? {
    let bytes = head.bytes
    var cursor = line.lowerBound
    while cursor < line.upperBound, ByteSet.token.contains(bytes[cursor]) { cursor += 1 }
    guard cursor > line.lowerBound, cursor < line.upperBound, bytes[cursor] == Byte.space else {
      return .badRequestLine
    }
    head.method = HTTPSpan(line.lowerBound, cursor - line.lowerBound)
    let targetStart = cursor + 1
    // The version is what follows the last space: a target never holds one.
    var versionStart = line.upperBound
    while versionStart > targetStart, bytes[versionStart - 1] != Byte.space { versionStart -= 1 }
    guard versionStart > targetStart + 1 else { return .badRequestLine }
    if let refusal = version(versionStart..<line.upperBound) { return refusal }
    head.target = HTTPSpan(targetStart, versionStart - 1 - targetStart)
    return RequestTarget.parse(into: head)
  }

  /// Judges `HTTP/1.1` or `HTTP/1.0`. Well-formed others are 505, anything else 400. RFC 9112, 2.3.
  private func version(_ span: Range<Int>) -> HTTPRefusal? {
    let bytes = head.bytes + span.lowerBound
    guard span.count == 8, memcmp(bytes, "HTTP/", 5) == 0, ByteSet.digit.contains(bytes[5]), bytes[6] == Byte.dot,
      ByteSet.digit.contains(bytes[7])
    else { return .badRequestLine }
    guard bytes[5] == 0x31, bytes[7] == 0x30 || bytes[7] == 0x31 else { return .versionUnsupported }
    head.minorVersion = Int(bytes[7] &- 0x30)
    head.keepsAlive = head.minorVersion == 1
    return nil
  }

  /// Judges one header line and enters it, its name in lower case. RFC 9112, 5.
  mutating func field(_ line: Range<Int>) -> HTTPRefusal? {
    let bytes = head.bytes
    var cursor = line.lowerBound
    guard bytes[cursor] != Byte.space, bytes[cursor] != Byte.tab else { return .obsoleteFolding }
    while cursor < line.upperBound, ByteSet.token.contains(bytes[cursor]) {
      bytes[cursor] = bytes[cursor].lowercased
      cursor += 1
    }
    guard cursor > line.lowerBound, cursor < line.upperBound, bytes[cursor] == Byte.colon else { return .badFieldName }
    let name = HTTPSpan(line.lowerBound, cursor - line.lowerBound)
    var start = cursor + 1
    var end = line.upperBound
    while start < end, bytes[start] == Byte.space || bytes[start] == Byte.tab { start += 1 }
    while end > start, bytes[end - 1] == Byte.space || bytes[end - 1] == Byte.tab { end -= 1 }
    for index in start..<end where !bytes[index].isFieldValueByte { return .badFieldValue }
    head.appendField(name: name, value: HTTPSpan(start, end - start))
    return nil
  }

  /// What the fields say together: Host, framing, Expect, Connection.
  mutating func finishHead() -> HTTPRefusal? {
    var host: HTTPSpan?
    var length: HTTPSpan?
    var coding = TransferCoding()
    var sawClose = false
    var sawKeepAlive = false
    var continues = false
    for index in 0..<head.fieldCount {
      let field = head.fields[index]
      switch field.name.count {
      case 4 where head.equals(field.name, "host"):
        guard host == nil else { return .hostDuplicate }
        host = field.value
      case 6 where head.equals(field.name, "expect"):
        guard head.minorVersion == 1 else { continue }
        guard head.equalsIgnoringCase(field.value, "100-continue") else { return .expectationUnknown }
        continues = true
      case 10 where head.equals(field.name, "connection"):
        sawClose = sawClose || hasToken(field.value, "close")
        sawKeepAlive = sawKeepAlive || hasToken(field.value, "keep-alive")
      case 14 where head.equals(field.name, "content-length"):
        guard length == nil else { return .contentLengthDuplicate }
        length = field.value
      case 17 where head.equals(field.name, "transfer-encoding"):
        coding.add(head.buffer(field.value))
      default: break
      }
    }
    if let refusal = judgeHost(host) ?? judgeFraming(length, coding) { return refusal }
    head.keepsAlive = !sawClose && (head.minorVersion == 1 || sawKeepAlive)
    head.expectsContinue = continues && head.framing != .none
    return nil
  }

  /// RFC 9112, 3.2: exactly one valid Host in HTTP/1.1, at most one in 1.0. An absolute target's authority wins over it.
  private func judgeHost(_ host: HTTPSpan?) -> HTTPRefusal? {
    guard let host else { return head.minorVersion == 1 ? .hostMissing : nil }
    guard RequestTarget.isAuthority(head.buffer(host), emptyHostAllowed: true) else { return .hostInvalid }
    if head.authority.count == 0 { head.authority = host }
    return nil
  }

  /// RFC 9112, 6.1 to 6.3. What is ambiguous is refused, never resolved.
  private func judgeFraming(_ length: HTTPSpan?, _ coding: TransferCoding) -> HTTPRefusal? {
    if coding.isPresent {
      guard head.minorVersion == 1 else { return .transferEncodingInOldVersion }
      guard length == nil else { return .framingConflict }
      if let refusal = coding.verdict { return refusal }
      head.framing = .chunked
      return nil
    }
    guard let length else { return nil }
    let digits = head.buffer(length)
    guard !digits.isEmpty, ByteSet.digit.containsAll(digits) else { return .contentLengthInvalid }
    var value: UInt64 = 0
    for digit in digits {
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(UInt64(digit &- 0x30))
      // A number, only a larger one than any body: RFC 9110, 8.6 asks to expect that.
      guard !overflowed, !carried else { return .bodyTooLarge }
      value = sum
    }
    head.framing = value == 0 ? .none : .length(value)
    return nil
  }

  /// Whether a comma-separated list holds a token, case aside. `token` is lower case.
  private func hasToken(_ list: HTTPSpan, _ token: StaticString) -> Bool {
    if head.equalsIgnoringCase(list, token) { return true }
    return head.buffer(list).split(separator: Byte.comma).contains { part in
      let trimmed = part.trimmedOfBlanks
      return trimmed.count == token.utf8CodeUnitCount
        && zip(trimmed, UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount))
          .allSatisfy { $0.lowercased == $1 }
    }
  }
}

/// What all `Transfer-Encoding` lines of a request say together. RFC 9112, 6.1 and 7.
struct TransferCoding {
  private(set) var isPresent = false
  private var chunkedSeen = 0
  private var unknownSeen = false
  private var malformed = false
  private var lastIsChunked = false

  /// Adds one line's value. Empty list elements are refused: RFC 9110, 5.6.1 would ignore them, other servers on the way
  /// may not, and no honest client sends them.
  mutating func add(_ value: UnsafeBufferPointer<UInt8>) {
    isPresent = true
    for part in value.split(separator: Byte.comma, omittingEmptySubsequences: false) {
      let coding = part.trimmedOfBlanks
      let name = coding.prefix { ByteSet.token.contains($0) }
      let isChunked = name.count == 7 && name.elementsEqual("chunked".utf8) { $0.lowercased == $1 }
      // Only `chunked` is served, and it has no parameters; parameters of others do not matter.
      malformed = malformed || name.isEmpty || (isChunked && name.count != coding.count)
      let afterName = coding.dropFirst(name.count).trimmedOfBlanks
      malformed = malformed || (!afterName.isEmpty && afterName.first != Byte.semicolon)
      chunkedSeen += isChunked ? 1 : 0
      unknownSeen = unknownSeen || !isChunked
      lastIsChunked = isChunked
    }
  }

  /// Nil when the coding is exactly `chunked`.
  var verdict: HTTPRefusal? {
    if malformed || chunkedSeen > 1 || (chunkedSeen == 1 && !lastIsChunked) { return .transferEncodingInvalid }
    return unknownSeen ? .transferEncodingUnsupported : nil
  }
}

extension Slice where Base == UnsafeBufferPointer<UInt8> {
  /// Without SP and HTAB at both ends.
  var trimmedOfBlanks: Self {
    var part = self
    while let first = part.first, first == Byte.space || first == Byte.tab { part = part.dropFirst() }
    while let last = part.last, last == Byte.space || last == Byte.tab { part = part.dropLast() }
    return part
  }
}
