// Reasons for faults of the SQLite files in the state directory.
// Used by HostStore's errors, and through them by the ledger and the pairing store.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var store: [Reason] {
    [
      .storeFull, .storeReadOnly, .storeCorrupt, .storeBusy, .storeIO, .storeUnavailable, .storeTooNew,
      .storeOverloaded, .storeInternal,
    ]
  }

  package static let storeFull = Reason(
    "store.full", cause: "The disk, the quota or the size limit of a state file is exhausted; nothing new is stored.",
    evidence: "`df -h` and `df -i` on the state directory; the message names the file.",
    remedy: "Free space. Work is accepted again by itself within seconds.")

  package static let storeReadOnly = Reason(
    "store.read_only", cause: "A state file or its directory cannot be written.",
    evidence: "`mount` and `ls -ld` on the state directory; the message names the file.",
    remedy: "Make the directory writable for the host's user, or remount it. Work is accepted again by itself.")

  package static let storeCorrupt = Reason(
    "store.corrupt", cause: "A state file is damaged or is not a database.",
    evidence: "`agent verify` prints what SQLite's integrity check finds.",
    remedy: "Stop the host, keep a copy of the file with its -wal, restore a backup or move the file away.")

  package static let storeBusy = Reason(
    "store.busy", cause: "Another process holds a state file locked for too long.",
    evidence: "`fuser -v` on the file that the message names.",
    remedy: "End the other process, usually a database tool that was left open.")

  package static let storeIO = Reason(
    "store.io", cause: "Reading or writing a state file failed below SQLite.",
    evidence: "The kernel's log (`dmesg`) and the message, which names the file.",
    remedy: "Check the disk. The file is opened again by itself with the next piece of work.")

  package static let storeUnavailable = Reason(
    "store.unavailable", cause: "A state file cannot be opened or created.",
    evidence: "The message names the path; `ls -ld` shows each folder above it.",
    remedy: "Mend owner and mode of the state directory (0700, the host's user), or choose another.")

  package static let storeTooNew = Reason(
    "store.too_new", cause: "A state file was written by a newer version of the host.",
    evidence: "The message names the file's version and the newest one known here.",
    remedy: "Run the newer host again, or give this one another state directory.")

  package static let storeOverloaded = Reason(
    "store.overloaded", cause: "More work waits for a state file than its queue holds.",
    evidence: "Disk latency (`iostat -x 1`).",
    remedy: "Try again; if it lasts, move the state directory to a faster disk.")

  package static let storeInternal = Reason(
    "store.internal", cause: "SQLite refused a statement of the host's own: a fault in the host.",
    evidence: "The message holds SQLite's words.", remedy: "Report it with the message and `agent version`.")
}
