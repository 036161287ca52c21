// An open file descriptor that closes itself: one owner, no copies.
// Used wherever a descriptor outlives a function. Reading and writing here is blocking and retries EINTR.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Sole owner of an open descriptor; closed at the end of its life.
package struct FileDescriptor: ~Copyable, Sendable {
  /// The number, valid as long as this value lives.
  package let number: Int32

  /// Takes ownership of an open descriptor.
  package init(owning number: Int32) { self.number = number }

  deinit { if number >= 0 { _ = Glibc.close(number) } }

  /// Gives the descriptor away without closing it.
  package consuming func release() -> Int32 {
    let number = self.number
    discard self
    return number
  }

  /// Opens a path; `O_CLOEXEC` is always added.
  ///
  /// - Parameter mode: permissions of a file that is created.
  package static func open(
    _ path: String, _ flags: Int32, mode: UInt32 = 0o600
  ) throws(SystemError) -> FileDescriptor {
    let number = clx_open(path, flags, mode)
    guard number >= 0 else { throw SystemError("open", on: path) }
    return FileDescriptor(owning: number)
  }

  /// Opens a name below an open directory; `O_CLOEXEC` is always added.
  package static func open(
    _ name: String, in directory: borrowing FileDescriptor, _ flags: Int32, mode: UInt32 = 0o600
  ) throws(SystemError) -> FileDescriptor {
    let number = clx_openat(directory.number, name, flags, mode)
    guard number >= 0 else { throw SystemError("openat", on: name) }
    return FileDescriptor(owning: number)
  }

  /// Writes all bytes.
  package borrowing func write(_ bytes: [UInt8]) throws(SystemError) {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress! + offset, bytes.count - offset) }
      if written < 0 {
        if Glibc.errno == EINTR { continue }
        throw SystemError("write")
      }
      offset += written
    }
  }

  /// Reads to the end of the file.
  ///
  /// - Parameters:
  ///   - limit: more bytes than this throw `EFBIG`.
  ///   - expected: how many there are, as fstat(2) said of a regular file. Where just so many come although more were
  ///     asked for, that is the end, without a further call that says so.
  package borrowing func readAll(limit: Int, expected: Int? = nil) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    // One more than expected, which shows whether it is the end. Never very little: some file systems say of every file
    // that it is empty.
    var chunk = [UInt8](repeating: 0, count: min(max(expected ?? 65_535, 4_095), 65_535) + 1)
    while true {
      let count = Glibc.read(number, &chunk, chunk.count)
      if count < 0 {
        if Glibc.errno == EINTR { continue }
        throw SystemError("read")
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else { throw SystemError("read", errno: EFBIG) }
      bytes.append(contentsOf: chunk[0..<count])
      if bytes.count == expected, count < chunk.count { return bytes }
    }
  }

  /// fsync(2).
  package borrowing func sync() throws(SystemError) {
    guard fsync(number) == 0 else { throw SystemError("fsync") }
  }

  /// fstat(2).
  package borrowing func status() throws(SystemError) -> FileStatus {
    var raw = stat()
    guard fstat(number, &raw) == 0 else { throw SystemError("fstat") }
    return FileStatus(raw)
  }
}
