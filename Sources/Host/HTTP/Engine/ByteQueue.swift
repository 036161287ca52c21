// Bytes received and not yet parsed, kept while a connection waits for an answer to the request before them.
// Owned by one connection; empty, and without memory, for connections that do not pipeline.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A queue of received bytes.
struct ByteQueue: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var start = 0
  private var end = 0

  var count: Int { end - start }
  var isEmpty: Bool { start == end }

  /// The bytes; valid until the next change.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base.map { $0 + start }, count: count) }

  deinit { base?.deallocate() }

  mutating func append(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, source.count > 0 else { return }
    if end + source.count > capacity { makeRoom(source.count) }
    guard let base else { return }
    memcpy(base + end, from, source.count)
    end += source.count
  }

  private mutating func makeRoom(_ more: Int) {
    let kept = count
    let size = max(4_096, (kept + more) * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    if let base, kept > 0 { memcpy(moved, base + start, kept) }
    base?.deallocate()
    base = moved
    capacity = size
    start = 0
    end = kept
  }

  /// Drops the first bytes, and the memory with the last.
  mutating func consume(_ length: Int) {
    start += length
    guard start == end else { return }
    base?.deallocate()
    base = nil
    capacity = 0
    start = 0
    end = 0
  }
}
