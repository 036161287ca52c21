// Whole folders: copied, removed. Links are copied as what they lead to, and never followed when removing.
// Used by `agent ext install / uninstall`.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Operations on a folder with everything in it.
package enum Tree {
  /// Copies a file or folder with its permissions (without set-id bits and write permission for others).
  package static func copy(_ source: String, to target: String, depth: Int = 0) throws(SystemError) {
    // Links are followed, so a loop of them must end somewhere.
    guard depth < 32 else { throw SystemError("copy", on: source, errno: ELOOP) }
    let status = try FileStatus.of(source)
    switch status.kind {
    case .directory:
      guard mkdir(target, 0o700) == 0 else { throw SystemError("mkdir", on: target) }
      for name in try names(in: source) {
        try copy(Path.join(source, name), to: Path.join(target, name), depth: depth + 1)
      }
      _ = chmod(target, status.permissions & 0o755)
    case .regular: try copyFile(source, to: target, mode: status.permissions & 0o755)
    case .symlink, .other: throw SystemError("copy", on: source, errno: EINVAL)
    }
  }

  private static func copyFile(_ source: String, to target: String, mode: UInt32) throws(SystemError) {
    let input = try FileDescriptor.open(source, O_RDONLY)
    let output = try FileDescriptor.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
    var chunk = [UInt8](repeating: 0, count: 1 << 17)
    while true {
      let count = Glibc.read(input.number, &chunk, chunk.count)
      if count < 0, Glibc.errno == EINTR { continue }
      guard count >= 0 else { throw SystemError("read", on: source) }
      if count == 0 { break }
      try output.write(Array(chunk[0..<count]))
    }
    guard fchmod(output.number, mode) == 0 else { throw SystemError("fchmod", on: target) }
    try output.sync()
  }

  /// Names in a folder, sorted, without `.` and `..`.
  package static func names(in folder: String) throws(SystemError) -> [String] {
    guard let stream = opendir(folder) else { throw SystemError("opendir", on: folder) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or folder with everything in it, as far as it can be.
  package static func remove(_ path: String) {
    guard let status = try? FileStatus.of(path, followingLinks: false) else { return }
    guard status.kind == .directory else {
      unlink(path)
      return
    }
    for name in (try? names(in: path)) ?? [] { remove(Path.join(path, name)) }
    rmdir(path)
  }

  /// Takes a folder away in one step, by renaming it, and then removes it.
  package static func removeAtomically(_ path: String) throws(SystemError) {
    let aside = Path.join(Path.parent(of: path), ".\(Path.name(of: path)).removed-\(getpid())")
    guard rename(path, aside) == 0 else { throw SystemError("rename", on: path) }
    remove(aside)
  }
}
