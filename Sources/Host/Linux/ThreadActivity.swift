// What the kernel knows of one thread of this process: whether it wants a processor, and how long it has had one.
// Used by the watchdog of the HTTP engine to tell a thread that is stuck from one that the machine does not let run.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// A moment of a thread. proc(5): `task/<tid>/stat` and `task/<tid>/schedstat`.
package struct ThreadActivity: Sendable, Equatable {
  /// It runs, or would if it were given a processor; not asleep, waiting or in the disk.
  package let isRunnable: Bool
  /// Nanoseconds that it has been on a processor.
  package let onProcessor: UInt64

  /// The id of the calling thread, for ``of(_:)``.
  package static func currentThread() -> Int32 { clx_gettid() }

  /// Reads it; nil when the thread has ended or the kernel does not tell.
  package static func of(_ thread: Int32) -> ThreadActivity? {
    let folder = "/proc/self/task/\(thread)/"
    guard let stat = text(folder + "stat"), let times = text(folder + "schedstat"),
      // The name in brackets may hold anything, brackets too.
      let end = stat.lastIndex(of: UInt8(ascii: ")")), end + 2 < stat.endIndex,
      let onProcessor = UInt64(String(decoding: times.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
    else { return nil }
    return ThreadActivity(isRunnable: stat[end + 2] == UInt8(ascii: "R"), onProcessor: onProcessor)
  }

  private static func text(_ path: String) -> [UInt8]? { try? AtomicFile.read(path, limit: 4_096) }
}
