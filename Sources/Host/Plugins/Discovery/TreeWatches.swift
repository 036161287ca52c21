// The inotify watches of a TreeWatcher, or its poll where there are none to be had.
// Belongs to the watcher's thread alone.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostReasons

/// Watches on every folder of the search paths, kept up to date by `arrange`.
struct TreeWatches {
  private let settings: DiscoverySettings
  private let limit: Int
  private let inotify: FileDescriptorBox
  /// By path; a watch whose folder is gone is dropped by the kernel and by the next `arrange`.
  private var watches: [String: Int32] = [:]
  private(set) var isPolling = false
  private var lastPoll: UInt64 = 0
  private var snapshot = 0
  private(set) var findings: [Finding] = []

  /// CLOSE_WRITE rather than MODIFY: a file counts when its writer is done. ATTRIB: owner and mode decide verdicts.
  private static let mask = UInt32(
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
      | IN_ONLYDIR | IN_EXCL_UNLINK)

  init(settings: DiscoverySettings, limit: Int) {
    self.settings = settings
    self.limit = limit
    inotify = FileDescriptorBox(inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)))
  }

  /// The descriptor to wait on; poll(2) ignores a negative one.
  var number: Int32 { isPolling ? -1 : inotify.number }

  // MARK: watching

  /// Watches every folder that a sweep would look into, and what leads to search paths that do not exist.
  ///
  /// Repeats until nothing is new: a folder made between the walk and its watch is thus not lost, and what was put into it
  /// before is there for the sweep that follows.
  mutating func arrange(extra: Set<String>) {
    var missing = inotify.number < 0
    for _ in 0..<8 where !missing {
      let wanted = folders(extra)
      for gone in watches.keys where !wanted.contains(gone) {
        if let watch = watches.removeValue(forKey: gone) { inotify_rm_watch(inotify.number, watch) }
      }
      var added = 0
      for folder in wanted {
        guard watches.count < limit else {
          missing = true
          break
        }
        let watch = inotify_add_watch(inotify.number, folder, TreeWatches.mask)
        if watch < 0 {
          // A folder that has gone meanwhile needs no watch; the lack of one is another matter.
          if errno == ENOSPC || errno == ENOMEM || errno == EMFILE { missing = true }
          continue
        }
        // The same number for another folder of that name: the old one was replaced.
        if watches.updateValue(watch, forKey: folder) != watch { added += 1 }
      }
      if added == 0 { break }
    }
    setPolling(missing, extra)
  }

  private func folders(_ extra: Set<String>) -> Set<String> {
    var walk = TreeWalk(settings: settings)
    walk.run()
    var folders = Set(walk.folders).union(extra)
    folders.formUnion(settings.searchPaths.compactMap(TreeWatches.waitingRoom))
    return folders
  }

  /// For a search path that is not there, the nearest folder above it: where it will appear.
  private static func waitingRoom(_ searchPath: String) -> String? {
    var path = Path.normalized(searchPath)
    guard (try? FileStatus.of(path))?.kind != .directory else { return nil }
    repeat { path = Path.parent(of: path) } while path != "/" && (try? FileStatus.of(path))?.kind != .directory
    return path
  }

  private mutating func setPolling(_ polling: Bool, _ extra: Set<String>) {
    guard polling != isPolling else { return }
    isPolling = polling
    findings = []
    if polling {
      let first = settings.searchPaths.first ?? "/"
      findings = [
        Finding(.watchLimited, "no file watches left, looking every two seconds", file: first, severity: .warning)
      ]
      lastPoll = Clock.monotonic()
      snapshot = summary(extra)
    }
  }

  /// Reads all events that are there.
  ///
  /// - Returns: whether one of them matters. In a folder that only leads to a search path, only names on the way there do.
  mutating func drain() -> Bool {
    let paths = settings.searchPaths.map { Path.normalized($0) }
    let outside = Dictionary(
      watches.filter { watch in
        !paths.contains { Path.isInside(watch.key, $0) } && paths.contains { Path.isInside($0, watch.key) }
      }
      .map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var matters = false
    while true {
      let count = read(inotify.number, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return matters }
      var at = 0
      while at + 16 <= count {
        let (watch, length) = buffer.withUnsafeBytes {
          (
            $0.loadUnaligned(fromByteOffset: at, as: Int32.self),
            Int($0.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
          )
        }
        let end = min(at + 16 + length, count)
        if let parent = outside[watch] {
          let name = String(decoding: buffer[(at + 16)..<end].prefix { $0 != 0 }, as: UTF8.self)
          let path = Path.join(parent, name)
          if paths.contains(where: { Path.isInside($0, path) }) { matters = true }
        } else {
          matters = true
        }
        at = end
      }
    }
  }

  // MARK: polling

  /// When to look next; nil while watching.
  func nextPoll(every interval: UInt64) -> UInt64? { isPolling ? lastPoll + interval : nil }

  /// Looks at everything once, and tries for watches again.
  ///
  /// - Returns: whether something differs from the last look.
  mutating func poll(extra: Set<String>) -> Bool {
    lastPoll = Clock.monotonic()
    let now = summary(extra)
    let changed = now != snapshot
    snapshot = now
    arrange(extra: extra)
    return changed
  }

  /// One number for every name, fingerprint, owner and mode in the watched folders.
  private func summary(_ extra: Set<String>) -> Int {
    var hasher = Hasher()
    var walk = TreeWalk(settings: settings)
    walk.run()
    for folder in walk.folders + extra.sorted() {
      hasher.combine(folder)
      hasher.combine(try? FileStatus.of(folder))
      for entry in (try? FolderEntry.list(folder)) ?? [] {
        hasher.combine(entry.name)
        hasher.combine(try? FileStatus.of(Path.join(folder, entry.name), followingLinks: false))
      }
    }
    return hasher.finalize()
  }
}

/// Lets a copyable struct own a descriptor.
final class FileDescriptorBox: Sendable {
  private let descriptor: FileDescriptor
  init(_ number: Int32) { descriptor = FileDescriptor(owning: number) }
  var number: Int32 { descriptor.number }
}
