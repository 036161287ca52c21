// What tells that a file is still the same without reading it.
// Used by the sweep's memory (unchanged extensions cost one stat) and by the catalogue of system libraries.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux

/// Device, inode, size and both times of a file.
///
/// The change time cannot be set from outside, so a writer that restores the modification time is seen all the same.
package struct FileFingerprint: Sendable, Hashable {
  package let device: UInt64
  package let inode: UInt64
  package let size: Int64
  /// Nanoseconds since the epoch.
  package let modified: Int64
  /// Nanoseconds since the epoch.
  package let changed: Int64

  package init(_ status: FileStatus) {
    device = status.device
    inode = status.inode
    size = status.size
    modified = status.modified
    changed = status.changed
  }

  /// Whether a later change would surely show. Times advance in steps of some milliseconds, so a file that changed just now
  /// could change again and look the same; what was read of it must not be remembered.
  package var isSettled: Bool { Clock.wall() &- UInt64(clamping: changed) > 100_000_000 }
}
