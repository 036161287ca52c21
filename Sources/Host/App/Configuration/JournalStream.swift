// Whether stderr or stdout goes to systemd's journal: `JOURNAL_STREAM` holds the device and inode of the stream it connected.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// The journal's stream, systemd.exec(5).
enum JournalStream {
  /// - Parameter variable: the value of `JOURNAL_STREAM`: `DEVICE:INODE` in decimal.
  static func isStderr(_ variable: String?) -> Bool { isJournal(2, variable) }

  /// The same of stdout.
  static func isStdout(_ variable: String?) -> Bool { isJournal(1, variable) }

  private static func isJournal(_ descriptor: Int, _ variable: String?) -> Bool {
    guard let parts = variable?.split(separator: ":"), parts.count == 2, let device = UInt64(parts[0]),
      let inode = UInt64(parts[1]), let status = try? FileStatus.of("/proc/self/fd/\(descriptor)")
    else { return false }
    return status.device == device && status.inode == inode
  }
}
