// Reads and writes the small files that hold secrets: bounded reads with the file's identity, and writes that leave the
// old or the new file, whole and 0600, whenever the process dies. Used for tokens and for client id and secret.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What tells two states of a file apart without reading it.
package struct FileIdentity: Equatable, Sendable {
  let device: UInt64
  let inode: UInt64
  let size: Int64
  let modifiedNanoseconds: Int64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modifiedNanoseconds = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

/// A system call on such a file failed.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  let call: String
  let code: Int32

  init(_ call: String, _ code: Int32 = errno) {
    self.call = call
    self.code = code
  }

  var isMissing: Bool { code == ENOENT || code == ENOTDIR }
  /// Names no path: paths may hold an address.
  package var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Files with secrets.
package enum PrivateFile {
  /// Largest file that is read; a token file has a few hundred bytes.
  static let limit = 65_536

  /// The file's identity now; nil when there is none or it cannot be looked at.
  static func identity(_ path: String) -> FileIdentity? {
    var status = stat()
    return stat(path, &status) == 0 ? FileIdentity(status) : nil
  }

  /// Whether others than the owner may read or write it. False for a file that is not there, and for those that the
  /// system hands out under its own rules (credentials.md).
  static func isLax(_ path: String) -> Bool {
    let path = normalised(path)
    if path.hasPrefix("/run/secrets/") || path.hasPrefix("/run/credentials/") { return false }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
  }

  /// Without `.`, `..` and doubled slashes, by spelling alone.
  static func normalised(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  /// The whole file with the identity that it had.
  package static func read(_ path: String) throws(FileError) -> (bytes: [UInt8], identity: FileIdentity) {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw FileError("open") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError("fstat") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileError("open", EINVAL) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count == 0 { return (bytes, FileIdentity(status)) }
      guard count > 0 || errno == EINTR else { throw FileError("read") }
      bytes += piece.prefix(max(0, count))
      guard bytes.count <= limit else { throw FileError("read", EFBIG) }
    }
  }

  /// Replaces the file: written aside, synced, renamed, the folder synced. Who writes holds the file's ``FileLock``, so
  /// the name aside is nobody else's, and what a killed process left there is replaced.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) -> FileIdentity {
    let folder = try folder(of: path)
    let aside = path + ".new"
    guard unlink(aside) == 0 || errno == ENOENT else { throw FileError("unlink") }
    let file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw FileError("open") }
    defer { close(file) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw FileError("write") }
      written += max(0, count)
    }
    guard fchmod(file, 0o600) == 0 else { throw FileError("fchmod") }
    guard fsync(file) == 0 else { throw FileError("fsync") }
    guard rename(aside, path) == 0 else { throw FileError("rename") }
    try sync(folder)
    // After the rename: renaming changes no identity, but the descriptor's status is surely that of what was written.
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError("fstat") }
    return FileIdentity(status)
  }

  /// Removes the file and what a killed process may have left beside it.
  static func remove(_ path: String) throws(FileError) {
    for name in [path, path + ".new"] {
      guard unlink(name) == 0 || errno == ENOENT || errno == ENOTDIR else { throw FileError("unlink") }
    }
    var status = stat()
    let parent = parent(of: path)
    if stat(parent, &status) == 0 { try sync(parent) }
  }

  /// The folder of a path, made with mode 0700 where it is missing.
  static func folder(of path: String) throws(FileError) -> String {
    let folder = parent(of: path)
    var made = folder.hasPrefix("/") ? "" : "."
    for part in folder.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw FileError("mkdir") }
    }
    return folder
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func sync(_ folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError("fsync") }
  }
}

/// An advisory lock beside a file, held as long as the value lives: two generations of the plugin, or two hosts, must not
/// spend one refresh token at the same time.
package final class FileLock: Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// Takes the lock now; nil when somebody else has it.
  package static func take(beside path: String) throws(FileError) -> FileLock? {
    _ = try PrivateFile.folder(of: path)
    let file = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw FileError("open") }
    if flock(file, LOCK_EX | LOCK_NB) == 0 { return FileLock(file) }
    let code = errno
    close(file)
    guard code == EWOULDBLOCK || code == EINTR else { throw FileError("flock", code) }
    return nil
  }
}
