// Writes a small file so that a reader, or the next start after `kill -9`, sees the old content or the new, whole.
// Used for secrets, state, configuration edits. Does not lock: callers that race write in turn.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Whole-file reads and atomic replacement.
package enum AtomicFile {
  /// Replaces `path` by `bytes`: temporary name in the same folder, fsync, rename, fsync of the folder.
  ///
  /// - Parameter mode: permissions, whatever the umask; 0600 by default.
  /// - Throws: nothing is changed when it throws; the temporary file is removed.
  package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(SystemError) {
    let folder = Path.parent(of: path)
    let temporary = Path.join(folder, ".\(Path.name(of: path)).\(getpid()).\(Random.hex(bytes: 6)).tmp")
    do throws(SystemError) {
      let file = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      guard fchmod(file.number, mode) == 0 else { throw SystemError("fchmod", on: temporary) }
      try file.write(bytes)
      try file.sync()
      guard rename(temporary, path) == 0 else { throw SystemError("rename", on: path) }
    } catch {
      unlink(temporary)
      throw SystemError(error.call, on: path, errno: error.errno)
    }
    try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY).sync()
  }

  /// Reads a whole file.
  ///
  /// - Parameter limit: a larger file throws `EFBIG`.
  package static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
    let file = try FileDescriptor.open(path, O_RDONLY)
    do throws(SystemError) { return try file.readAll(limit: limit) } catch {
      throw SystemError(error.call, on: path, errno: error.errno)
    }
  }

  /// Creates a folder and its parents; those it creates get `mode`. One that exists is left as it is.
  package static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
    if mkdir(path, mode) == 0 { return }
    let code = Glibc.errno
    if code == EEXIST {
      guard try FileStatus.of(path).kind == .directory else { throw SystemError("mkdir", on: path, errno: ENOTDIR) }
      return
    }
    let parent = Path.parent(of: path)
    guard code == ENOENT, parent != path else { throw SystemError("mkdir", on: path, errno: code) }
    try makeFolder(parent, mode: mode)
    guard mkdir(path, mode) == 0 || Glibc.errno == EEXIST else { throw SystemError("mkdir", on: path) }
  }
}
