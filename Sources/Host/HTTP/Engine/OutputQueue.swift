// Bytes on their way to a socket: small ones copied together, large arrays kept and sent from where they are.
// Owned by one connection; writes with writev(2).
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A queue of bytes in front of a socket.
struct OutputQueue: ~Copyable {
  /// What a flush came to.
  enum Flush {
    case drained
    case blocked
    case failed
  }

  /// A block of our own, or an array of the handler's.
  private struct Segment {
    var block: UnsafeMutablePointer<UInt8>?
    var capacity = 0
    var start = 0
    var end = 0
    var array: [UInt8] = []
  }

  /// Arrays from this size on are not copied: a second iovec costs less than the copy. Ours, in bytes.
  private static let copyBelow = 16_384
  private static let blockBytes = 8_192
  /// Segments in one writev(2).
  private static let gathered = 16

  private var segments: [Segment] = []
  /// Bytes ever appended, and ever written: a response is sent once `written` reaches what `appended` was at its end.
  private(set) var appended: UInt64 = 0
  private(set) var written: UInt64 = 0

  var count: Int { Int(appended - written) }
  var isEmpty: Bool { appended == written }

  deinit {
    for segment in segments { segment.block?.deallocate() }
  }

  /// Room for `count` bytes in one piece; fill it and call ``commit(_:)``.
  private mutating func room(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    if let last = segments.last, let block = last.block, last.capacity - last.end >= count { return block + last.end }
    let capacity = max(OutputQueue.blockBytes, count)
    let block = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    segments.append(Segment(block: block, capacity: capacity))
    return block
  }

  private mutating func commit(_ count: Int) {
    segments[segments.count - 1].end += count
    appended += UInt64(count)
  }

  mutating func append(_ bytes: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    memcpy(room(count), bytes, count)
    commit(count)
  }

  mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

  mutating func append(_ bytes: [UInt8]) {
    if bytes.count >= OutputQueue.copyBelow {
      segments.append(Segment(end: bytes.count, array: bytes))
      appended += UInt64(bytes.count)
    } else {
      bytes.withUnsafeBytes { raw in
        if let base = raw.baseAddress { append(base, raw.count) }
      }
    }
  }

  mutating func append(_ byte: UInt8) {
    room(1).pointee = byte
    commit(1)
  }

  /// A number in base 10 or 16.
  mutating func append(_ number: UInt64, radix: UInt64 = 10) {
    let target = room(20)
    var digits = 1
    var rest = number / radix
    while rest > 0 {
      digits += 1
      rest /= radix
    }
    rest = number
    for index in stride(from: digits - 1, through: 0, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      target[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
      rest /= radix
    }
    commit(digits)
  }

  /// Drops everything.
  mutating func removeAll() {
    for segment in segments { segment.block?.deallocate() }
    segments.removeAll()
    written = appended
  }

  /// Writes until all is written or the socket takes no more.
  mutating func flush(to socket: Int32) -> Flush {
    while !isEmpty {
      let sent = segments[0].block == nil ? sendArray(socket) : sendBlocks(socket)
      if sent < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN ? .blocked : .failed
      }
      advance(sent)
    }
    return .drained
  }

  private func sendArray(_ socket: Int32) -> Int {
    let segment = segments[0]
    return segment.array.withUnsafeBytes { raw in
      raw.baseAddress.map { send(socket, $0 + segment.start, segment.end - segment.start, sendFlags) } ?? 0
    }
  }

  /// MSG_NOSIGNAL: a client that has gone is an error here, not a SIGPIPE.
  private var sendFlags: Int32 { Int32(MSG_NOSIGNAL) }

  /// The leading blocks, and the array after them, in one call.
  private func sendBlocks(_ socket: Int32) -> Int {
    withUnsafeTemporaryAllocation(of: iovec.self, capacity: OutputQueue.gathered) { vectors in
      var used = 0
      for segment in segments.prefix(OutputQueue.gathered - 1) {
        guard let block = segment.block else {
          return segment.array.withUnsafeBytes { raw in
            vectors[used] = iovec(
              iov_base: UnsafeMutableRawPointer(mutating: raw.baseAddress), iov_len: segment.end - segment.start)
            return sendVectors(socket, vectors, used + 1)
          }
        }
        vectors[used] = iovec(iov_base: block + segment.start, iov_len: segment.end - segment.start)
        used += 1
      }
      return sendVectors(socket, vectors, used)
    }
  }

  private func sendVectors(_ socket: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>, _ count: Int) -> Int {
    if count == 1 { return send(socket, vectors[0].iov_base, vectors[0].iov_len, sendFlags) }
    var message = msghdr()
    message.msg_iov = vectors.baseAddress
    message.msg_iovlen = count
    return sendmsg(socket, &message, sendFlags)
  }

  /// Hands the first bytes to `body` and drops as many as it took.
  ///
  /// - Parameter limit: bytes at most; never more than the first piece.
  mutating func take(upTo limit: Int, _ body: (UnsafeRawBufferPointer) -> Int) -> Int {
    guard !isEmpty, let segment = segments.first else { return 0 }
    let count = min(limit, segment.end - segment.start)
    let taken: Int
    if let block = segment.block {
      taken = body(UnsafeRawBufferPointer(start: block + segment.start, count: count))
    } else {
      taken = segment.array.withUnsafeBytes {
        body(UnsafeRawBufferPointer(rebasing: $0[segment.start...].prefix(count)))
      }
    }
    if taken > 0 { advance(taken) }
    return taken
  }

  private mutating func advance(_ sent: Int) {
    written += UInt64(sent)
    var rest = sent
    var done = 0
    while done < segments.count {
      let length = segments[done].end - segments[done].start
      guard rest >= length else {
        segments[done].start += rest
        break
      }
      rest -= length
      segments[done].block?.deallocate()
      done += 1
    }
    if done > 0 { segments.removeFirst(done) }
  }
}
