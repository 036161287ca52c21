// Links, pipes and modes for the discovery tests.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import TestSupport

extension TemporaryFolder {
  func link(_ name: String, to target: String) -> Bool { symlink(target, file(name)) == 0 }

  func hardLink(_ name: String, to target: String) -> Bool { Glibc.link(target, file(name)) == 0 }

  func pipe(_ name: String) -> Bool {
    (try? AtomicFile.makeFolder(Path.parent(of: file(name)), mode: 0o755)) != nil && mkfifo(file(name), 0o644) == 0
  }

  /// A folder whose name may be any bytes.
  func makeFolder(named name: [UInt8]) -> Bool {
    let bytes = Array((path + "/").utf8) + name + [0]
    return bytes.withUnsafeBytes { raw in
      raw.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { mkdir($0, 0o755) } == 0 }
    }
  }

  func setMode(_ name: String, _ mode: UInt32) -> Bool { chmod(file(name), mode) == 0 }

  func setOwner(_ name: String, _ user: UInt32) -> Bool { chown(file(name), user, user) == 0 }

  func move(_ from: String, to name: String) -> Bool { rename(file(from), file(name)) == 0 }

  /// Copies a file byte for byte.
  func copy(_ source: String, to name: String, mode: UInt32 = 0o755) throws {
    try AtomicFile.makeFolder(Path.parent(of: file(name)), mode: 0o755)
    try AtomicFile.write(try AtomicFile.read(source, limit: 64 << 20), to: file(name), mode: mode)
  }

  /// A file of that size without content.
  func sparse(_ name: String, bytes: Int) -> Bool {
    let file = open(file(name), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    defer { close(file) }
    return ftruncate(file, off_t(bytes)) == 0
  }
}

/// Whether the tests run as root, who alone can give files away.
let runsAsRoot = geteuid() == 0

enum FolderNames {
  /// The names in a folder, sorted.
  static func list(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw SystemError("opendir", on: path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.sorted()
  }
}
