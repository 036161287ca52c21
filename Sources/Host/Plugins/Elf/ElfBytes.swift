// Bounds-checked little-endian reads from a file's bytes; the ground that every ELF structure is read from.
// A read outside the file, or outside what was loaded of it, is nil: no index can trap and no sum can overflow.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux

/// The bytes of one file: all of them for a plugin, the parts that matter for a large system library.
struct ElfBytes: Sendable {
  /// A loaded part.
  private struct Window: Sendable {
    let offset: UInt64
    let bytes: [UInt8]
  }

  /// The file's size, whatever is loaded.
  let size: UInt64
  private var windows: [Window]

  /// A file that is in memory whole.
  init(_ bytes: [UInt8]) {
    size = UInt64(bytes.count)
    windows = [Window(offset: 0, bytes: bytes)]
  }

  /// A file of which nothing is loaded yet.
  init(size: UInt64) {
    self.size = size
    windows = []
  }

  /// Loads a part with pread(2). Does nothing where the part lies outside the file: the reads that follow give nil.
  ///
  /// - Parameter limit: a longer part is left out; tables of real libraries stay far below 64 MiB.
  mutating func load(_ offset: UInt64, _ count: UInt64, from file: borrowing FileDescriptor, limit: UInt64 = 64 << 20) {
    guard count > 0, count <= limit, contains(offset, count), bytes(offset, count) == nil else { return }
    var buffer = [UInt8](repeating: 0, count: Int(count))
    var done = 0
    while done < buffer.count {
      let got = buffer.withUnsafeMutableBytes { raw in
        pread(file.number, raw.baseAddress.map { $0 + done }, raw.count - done, off_t(offset) + off_t(done))
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return }
      done += got
    }
    windows.append(Window(offset: offset, bytes: buffer))
  }

  /// Whether the file has `count` bytes at `offset`.
  func contains(_ offset: UInt64, _ count: UInt64) -> Bool {
    let (end, overflow) = offset.addingReportingOverflow(count)
    return !overflow && end <= size
  }

  /// Where the record `index` of a table stands, if the file has all of it: then no offset inside it can overflow.
  func record(_ table: UInt64, _ index: UInt64, size: UInt64) -> UInt64? {
    sum(table, index, times: size).flatMap { contains($0, size) ? $0 : nil }
  }

  /// The loaded window that holds a range, and the range's start in it.
  private func window(_ offset: UInt64, _ count: UInt64) -> (bytes: [UInt8], start: Int)? {
    for window in windows where offset >= window.offset {
      let start = offset - window.offset
      let length = UInt64(window.bytes.count)
      if start <= length && count <= length - start { return (window.bytes, Int(start)) }
    }
    return nil
  }

  func bytes(_ offset: UInt64, _ count: UInt64) -> ArraySlice<UInt8>? {
    window(offset, count).map { $0.bytes[$0.start..<($0.start + Int(count))] }
  }

  func u8(_ offset: UInt64) -> UInt8? { window(offset, 1).map { $0.bytes[$0.start] } }
  func u16(_ offset: UInt64) -> UInt16? { integer(offset) }
  func u32(_ offset: UInt64) -> UInt32? { integer(offset) }
  func u64(_ offset: UInt64) -> UInt64? { integer(offset) }

  private func integer<Value: FixedWidthInteger>(_ offset: UInt64) -> Value? {
    let size = UInt64(MemoryLayout<Value>.size)
    // As window(), without taking a reference to the window's bytes: a check reads hundreds of integers.
    for index in windows.indices where offset >= windows[index].offset {
      let start = offset - windows[index].offset
      let length = UInt64(windows[index].bytes.count)
      guard start <= length, size <= length - start else { continue }
      return windows[index].bytes.withUnsafeBytes {
        Value(littleEndian: $0.loadUnaligned(fromByteOffset: Int(start), as: Value.self))
      }
    }
    return nil
  }

  /// The NUL-terminated bytes at `offset`, the terminator before `end`.
  func string(_ offset: UInt64, end: UInt64) -> ArraySlice<UInt8>? {
    guard offset < end, let (bytes, start) = window(offset, end - offset) else { return nil }
    let limit = start + Int(end - offset)
    guard let stop = bytes[start..<limit].firstIndex(of: 0) else { return nil }
    return bytes[start..<stop]
  }
}

/// `a + b * c`, or nil where that does not fit 64 bits.
func sum(_ base: UInt64, _ count: UInt64 = 1, times step: UInt64) -> UInt64? {
  let (product, overflow) = count.multipliedReportingOverflow(by: step)
  let (total, carry) = base.addingReportingOverflow(product)
  return overflow || carry ? nil : total
}
