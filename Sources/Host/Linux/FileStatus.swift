// What stat(2) says of a file, in Swift types.
// Used by discovery (fingerprints, ownership), credentials (permissions), AtomicFile.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A file's status at one moment.
package struct FileStatus: Sendable, Hashable {
  package enum Kind: Sendable, Hashable { case regular, directory, symlink, other }
  package let kind: Kind
  /// Permission bits, 0o7777.
  package let permissions: UInt32
  package let owner: UInt32
  package let group: UInt32
  package let links: UInt64
  package let size: Int64
  package let device: UInt64
  package let inode: UInt64
  /// Nanoseconds since the epoch.
  package let modified: Int64
  /// Nanoseconds since the epoch: the last change of content or attributes; cannot be set from outside.
  package let changed: Int64

  init(_ raw: stat) {
    kind =
      clx_is_regular(raw.st_mode)
      ? .regular : clx_is_directory(raw.st_mode) ? .directory : clx_is_symlink(raw.st_mode) ? .symlink : .other
    permissions = raw.st_mode & 0o7777
    owner = raw.st_uid
    group = raw.st_gid
    links = UInt64(raw.st_nlink)
    size = Int64(raw.st_size)
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
    modified = Int64(raw.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(raw.st_mtim.tv_nsec)
    changed = Int64(raw.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(raw.st_ctim.tv_nsec)
  }

  /// stat(2), or lstat(2) when links are not to be followed.
  package static func of(_ path: String, followingLinks: Bool = true) throws(SystemError) -> FileStatus {
    var raw = stat()
    guard (followingLinks ? stat(path, &raw) : lstat(path, &raw)) == 0 else { throw SystemError("stat", on: path) }
    return FileStatus(raw)
  }
}
