// The state folder: created 0700, checked, and held by one host at a time through an advisory lock.
// Commands that write to stores without a host take the same lock.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux
internal import HostReasons

/// Why the state folder cannot be used.
enum StateFolderError: Error, Equatable, Sendable, CustomStringConvertible {
  case unusable(path: String, why: String)
  case locked(path: String, holder: String)

  var reason: Reason {
    switch self {
    case .unusable: .stateUnusable
    case .locked: .stateLocked
    }
  }

  var description: String {
    switch self {
    case .unusable(let path, let why): "the state folder \(path) cannot be used: \(why). \(reason.remedy) [\(reason)]"
    case .locked(let path, let holder): "the state folder \(path) is in use by \(holder). \(reason.remedy) [\(reason)]"
    }
  }

  var exitCode: ExitCode {
    switch self {
    case .unusable: .configuration
    case .locked: .tryAgain
    }
  }
}

/// A state folder that this process holds, until the value goes away.
final class StateFolder: Sendable {
  let path: String
  private let lock: FileDescriptor

  /// Creates the folder if need be and takes its lock.
  init(_ path: String) throws(StateFolderError) {
    self.path = path
    do throws(SystemError) {
      try AtomicFile.makeFolder(path)
      let status = try FileStatus.of(path)
      // Secrets live below: others must not be able to list or replace them.
      if status.permissions & 0o077 != 0, status.owner == geteuid() { _ = chmod(path, status.permissions & 0o700) }
      lock = try FileDescriptor.open(Path.join(path, "host.lock"), O_RDWR | O_CREAT | O_NOFOLLOW)
    } catch {
      throw .unusable(path: path, why: "\(error)")
    }
    guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
      throw .locked(path: path, holder: StateFolder.holder(path))
    }
    let text = Array("\(getpid())\n".utf8)
    guard ftruncate(lock.number, 0) == 0, (try? lock.write(text)) != nil else {
      throw .unusable(path: path, why: "\(SystemError("write", on: "host.lock"))")
    }
  }

  /// A file or folder inside.
  func file(_ name: String) -> String { Path.join(path, name) }

  /// `process 123 (agent)`, from what the holder wrote into the lock file.
  private static func holder(_ path: String) -> String {
    let bytes = (try? AtomicFile.read(Path.join(path, "host.lock"), limit: 64)) ?? []
    guard let pid = Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)) else { return "another process" }
    let name = (try? AtomicFile.read("/proc/\(pid)/comm", limit: 64)).map {
      String(decoding: $0.dropLast(), as: UTF8.self)
    }
    return "process \(pid)" + (name.map { " (\($0))" } ?? "")
  }
}
