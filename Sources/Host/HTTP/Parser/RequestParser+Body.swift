// The body of a request: Content-Length, or chunked with its trailer section.
// Part of RequestParser; hands body bytes out as ranges of the input, so they are not copied here.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension RequestParser {
  /// After the head: what follows, and whether it may be that long.
  mutating func beginBody(_ framing: RequestHead.BodyFraming) -> Event? {
    bodyReceived = 0
    chunkOverhead = 0
    trailerBytes = 0
    switch framing {
    case .none: state = .messageDone
    case .length(let length):
      guard length <= bodyLimit else { return refuse(.bodyTooLarge) }
      state = .lengthBody(length)
    case .chunked: state = .chunkSize
    }
    return nil
  }

  /// Hands out body bytes.
  mutating func data(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Event? {
    let available = input.count - consumed
    guard available > 0 else { return .needsMore }
    let start = consumed
    switch state {
    case .lengthBody(let rest):
      let taken = Int(min(rest, UInt64(available)))
      state = rest == UInt64(taken) ? .messageDone : .lengthBody(rest - UInt64(taken))
      consumed += taken
    case .chunkData(let rest):
      let taken = Int(min(rest, UInt64(available)))
      state = rest == UInt64(taken) ? .chunkEnd(carriageReturnSeen: false) : .chunkData(rest - UInt64(taken))
      consumed += taken
    default: return nil
    }
    return .body(start..<consumed)
  }

  /// The CRLF after a chunk's data.
  mutating func chunkEnd(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Event? {
    guard case .chunkEnd(let seen) = state else { return nil }
    guard consumed < input.count else { return .needsMore }
    guard input[consumed] == (seen ? Byte.lf : Byte.cr) else { return refuse(.badChunk) }
    consumed += 1
    state = seen ? .chunkSize : .chunkEnd(carriageReturnSeen: true)
    return nil
  }

  /// A chunk-size or trailer line, in place where it is whole.
  mutating func framingLine(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Event? {
    let rest = input.count - consumed
    guard rest > 0, let start = input.baseAddress.map({ $0 + consumed }) else { return .needsMore }
    let found = memchr(start, Int32(Byte.lf), rest)
    let length = found.map { UnsafeRawPointer($0) - start + 1 } ?? rest
    let inTrailers = state == .trailers
    let before = inTrailers ? trailerBytes : 0
    guard before + line.count + length <= (inTrailers ? limits.trailerBytes : limits.chunkLineBytes) else {
      return refuse(inTrailers ? .trailersTooLarge : .badChunk)
    }
    consumed += length
    let piece = UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: length)
    if line.isEmpty, found != nil { return judgeLine(piece, inTrailers) }
    line.append(contentsOf: piece)
    guard found != nil else { return .needsMore }
    let whole = line
    line.removeAll(keepingCapacity: true)
    return whole.withUnsafeBufferPointer { judgeLine($0, inTrailers) }
  }

  private mutating func judgeLine(_ line: UnsafeBufferPointer<UInt8>, _ inTrailers: Bool) -> Event? {
    guard line.count >= 2, line[line.count - 2] == Byte.cr else { return refuse(.bareLineFeed) }
    let content = UnsafeBufferPointer(rebasing: line.dropLast(2))
    if inTrailers {
      trailerBytes += line.count
      if content.isEmpty {
        state = .messageDone
        return nil
      }
      return isField(content) ? nil : refuse(.badFieldName)
    }
    guard let size = chunkSize(content) else { return refuse(.badChunk) }
    let (total, overflowed) = bodyReceived.addingReportingOverflow(size)
    guard !overflowed, total <= bodyLimit else { return refuse(.bodyTooLarge) }
    // Many tiny chunks with long extensions would make the framing dearer than the data (CVE-2023-39326).
    chunkOverhead += line.count + 2
    guard chunkOverhead - limits.chunkOverheadBytes <= Int(min(total, 1 << 40)) * 8 else { return refuse(.badChunk) }
    bodyReceived = total
    state = size == 0 ? .trailers : .chunkData(size)
    return nil
  }

  /// Whether a trailer line is a well-formed field. Its content is dropped: RFC 9110, 6.5.1 forbids to merge it unasked.
  private func isField(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let colon = line.firstIndex(of: Byte.colon), colon > 0 else { return false }
    return ByteSet.token.containsAll(UnsafeBufferPointer(rebasing: line[..<colon]))
      && line[colon...].allSatisfy(\.isFieldValueByte)
  }

  /// `chunk-size [ chunk-ext ]`: the size, or nil for anything else. RFC 9112, 7.1.
  private func chunkSize(_ line: UnsafeBufferPointer<UInt8>) -> UInt64? {
    var size: UInt64 = 0
    var cursor = 0
    while cursor < line.count, let digit = line[cursor].hexValue {
      guard size >> 60 == 0 else { return nil }
      size = size << 4 | UInt64(digit)
      cursor += 1
    }
    guard cursor > 0 else { return nil }
    return ChunkExtensions.isValid(line[cursor...]) ? size : nil
  }
}

/// The grammar of chunk extensions: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`. RFC 9112, 7.1.1.
enum ChunkExtensions {
  /// Extensions are checked and ignored.
  static func isValid(_ extensions: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var rest = extensions
    while !rest.isEmpty {
      skipBlanks(&rest)
      guard rest.popFirst() == Byte.semicolon else { return false }
      skipBlanks(&rest)
      guard skipToken(&rest) else { return false }
      // White space is part of the grammar only before ";" or "="; at the end of the line it is an error.
      var ahead = rest
      skipBlanks(&ahead)
      guard ahead.first == Byte.equals else { continue }
      rest = ahead.dropFirst()
      skipBlanks(&rest)
      guard rest.first == Byte.quote ? skipQuoted(&rest) : skipToken(&rest) else { return false }
    }
    return true
  }

  private static func skipBlanks(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) {
    while let byte = rest.first, byte == Byte.space || byte == Byte.tab { rest = rest.dropFirst() }
  }

  private static func skipToken(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    let token = rest.prefix { ByteSet.token.contains($0) }
    rest = rest.dropFirst(token.count)
    return !token.isEmpty
  }

  private static func skipQuoted(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    rest = rest.dropFirst()
    while let byte = rest.popFirst() {
      if byte == Byte.quote { return true }
      guard byte.isFieldValueByte else { return false }
      if byte == Byte.backslash {
        guard let escaped = rest.popFirst(), escaped.isFieldValueByte else { return false }
      }
    }
    return false
  }
}
