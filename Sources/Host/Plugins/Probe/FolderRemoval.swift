// Removes the folder of a rehearsal with whatever the plugin put there. Follows no links.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux

/// Removing a tree.
enum FolderRemoval {
  /// Removes `path` and everything below; what cannot be removed stays, silently: it lies in the scratch folder.
  ///
  /// - Parameter depth: folders below this depth stay, so that no tree is too deep for the stack.
  static func remove(_ path: String, depth: Int = 64) {
    guard depth > 0, let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name == "." || name == ".." { continue }
      let child = Path.join(path, name)
      if (try? FileStatus.of(child, followingLinks: false).kind) == .directory {
        remove(child, depth: depth - 1)
      } else {
        unlink(child)
      }
    }
    closedir(folder)
    rmdir(path)
  }
}
