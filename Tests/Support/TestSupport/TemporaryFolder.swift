// A folder of its own for one test, removed at the end.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import HostLinux

/// A fresh folder, 0700, below /tmp; removed with everything in it when the value goes away.
package final class TemporaryFolder: Sendable {
  package let path: String

  package init(_ name: String = "test") throws(SystemError) {
    path = "/tmp/nexo-\(name)-\(getpid())-\(Random.hex(bytes: 6))"
    try AtomicFile.makeFolder(path)
  }

  deinit { TemporaryFolder.remove(path) }

  /// The path of a name inside.
  package func file(_ name: String) -> String { Path.join(path, name) }

  /// Writes a file inside, with its folders.
  @discardableResult
  package func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws(SystemError) -> String {
    let target = file(name)
    try AtomicFile.makeFolder(Path.parent(of: target), mode: 0o755)
    try AtomicFile.write(Array(text.utf8), to: target, mode: mode)
    return target
  }

  private static func remove(_ path: String) {
    guard let folder = opendir(path) else {
      unlink(path)
      return
    }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name == "." || name == ".." { continue }
      let child = Path.join(path, name)
      if (try? FileStatus.of(child, followingLinks: false).kind) == .directory { remove(child) } else { unlink(child) }
    }
    closedir(folder)
    rmdir(path)
  }
}
