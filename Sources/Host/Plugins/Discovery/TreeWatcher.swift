// Says when something changed in the search paths: inotify on every folder that a sweep looks into, debounced.
// Run by the host beside the sweeps; knows nothing of extensions but the folders. Where the system gives no watches, it
// compares what the folders hold every two seconds and says so.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import HostLinux
internal import HostReasons
internal import Synchronization

/// That a sweep is due.
package struct TreeChange: Sendable, Hashable {
  /// `watch.polling` where the tree is polled; empty otherwise.
  package let findings: [Finding]
}

/// Watches the trees of the search paths.
///
///     watching ──no watch left: arrange()──▶ polling ──watches again: arrange()──▶ watching
///
/// A change is delivered once the tree has been quiet for `debounce`, and after `patience` at the latest, so that a tree
/// that never rests is swept all the same. A copy in progress may thus be judged half; its end is another change.
package final class TreeWatcher: Sendable {
  /// Times in nanoseconds.
  package struct Times: Sendable {
    package var debounce: UInt64 = 200_000_000
    package var patience: UInt64 = 1_000_000_000
    package var poll: UInt64 = 2_000_000_000

    package init() {}
  }

  /// One element each time a sweep is due; at most one waits, since a sweep sees everything.
  package let changes: AsyncStream<TreeChange>
  private let deliver: AsyncStream<TreeChange>.Continuation
  private let settings: DiscoverySettings
  private let times: Times
  private let watchLimit: Int
  private let shared: Mutex<Shared>

  /// What other threads change.
  private struct Shared {
    var extraFolders: Set<String> = []
    /// Counts the changes of `extraFolders`, and how far the thread has followed; -1 before it has begun.
    var wanted = 0
    var arranged = -1
    var waiting: [CheckedContinuation<Void, Never>] = []
    var stopping = false
    /// The eventfd that wakes the thread; -1 while it does not run.
    var wake: Int32 = -1
  }

  /// - Parameter watchLimit: watches to use at most; the system's own limit comes on top.
  package init(settings: DiscoverySettings, times: Times = Times(), watchLimit: Int = 65_536) {
    self.settings = settings
    self.times = times
    self.watchLimit = watchLimit
    shared = Mutex(Shared())
    (changes, deliver) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Adds folders that libraries lie in and that a sweep does not enter (`target/release`). Replaces the earlier ones.
  package func watch(libraryFolders: some Sequence<String>) {
    let folders = Set(libraryFolders)
    shared.withLock {
      guard $0.extraFolders != folders else { return }
      $0.extraFolders = folders
      $0.wanted += 1
      TreeWatcher.ring($0.wake)
    }
  }

  /// Returns once every folder is watched: what changes from then on is not missed. A first sweep belongs after it.
  package func ready() async {
    await withCheckedContinuation { continuation in
      let now = shared.withLock { shared in
        if shared.arranged == shared.wanted || shared.stopping { return true }
        shared.waiting.append(continuation)
        return false
      }
      if now { continuation.resume() }
    }
  }

  /// Watches until the task is cancelled; then `changes` ends. Runs once. The waiting is done on a thread of its own.
  ///
  /// - Throws: ``SystemError`` where no thread or eventfd is to be had; a lack of watches is not an error.
  package func run() async throws(SystemError) {
    defer { deliver.finish() }
    let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard bell >= 0 else { throw SystemError("eventfd") }
    let wake = FileDescriptor(owning: bell)
    shared.withLock { $0.wake = bell }
    defer { shared.withLock { $0.wake = -1 } }
    let result: Result<Void, SystemError> = await withTaskCancellationHandler {
      do throws(SystemError) {
        return .success(try await Thread.run("nexo-watch") { self.loop(bell) })
      } catch {
        return .failure(error)
      }
    } onCancel: {
      shared.withLock {
        $0.stopping = true
        TreeWatcher.ring($0.wake)
      }
    }
    withExtendedLifetime(wake.number) {}
    try result.get()
  }

  private static func ring(_ wake: Int32) {
    if wake >= 0 { eventfd_write(wake, 1) }
  }

  // MARK: the thread

  private func loop(_ bell: Int32) {
    var watches = TreeWatches(settings: settings, limit: watchLimit)
    arrange(&watches)
    var due: (quiet: UInt64, latest: UInt64)?
    while !isStopping {
      let waitUntil = due.map { min($0.quiet, $0.latest) } ?? watches.nextPoll(every: times.poll)
      let woken = wait(bell, watches.number, until: waitUntil)
      if isStopping { break }
      let now = Clock.monotonic()
      if woken.bell { arrange(&watches) }
      var changed = woken.tree && watches.drain()
      if changed { arrange(&watches) }
      if watches.isPolling, now >= watches.nextPoll(every: times.poll) ?? .max {
        changed = watches.poll(extra: extraFolders) || changed
      }
      if changed { due = (now + times.debounce, due?.latest ?? now + times.patience) }
      if let pending = due, now >= min(pending.quiet, pending.latest) {
        due = nil
        deliver.yield(TreeChange(findings: watches.findings))
      }
    }
    release(arranged: nil)
  }

  private func arrange(_ watches: inout TreeWatches) {
    let (folders, wanted) = shared.withLock { ($0.extraFolders, $0.wanted) }
    watches.arrange(extra: folders)
    release(arranged: wanted)
  }

  /// Lets go who waits in `ready`: all when the thread ends, otherwise once it has caught up.
  private func release(arranged: Int?) {
    let waiting = shared.withLock { shared in
      if let arranged { shared.arranged = arranged }
      guard arranged == nil || shared.arranged == shared.wanted else { return [CheckedContinuation<Void, Never>]() }
      defer { shared.waiting = [] }
      return shared.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  private var isStopping: Bool { shared.withLock { $0.stopping } }
  private var extraFolders: Set<String> { shared.withLock { $0.extraFolders } }

  private func wait(_ bell: Int32, _ tree: Int32, until deadline: UInt64?) -> (bell: Bool, tree: Bool) {
    let now = Clock.monotonic()
    // One millisecond more: a deadline that has not quite passed must not spin.
    let milliseconds = deadline.map { $0 <= now ? 0 : Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
    var waited = [
      pollfd(fd: bell, events: Int16(POLLIN), revents: 0), pollfd(fd: tree, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&waited, nfds_t(waited.count), milliseconds) > 0 else { return (false, false) }
    if waited[0].revents != 0 {
      var count: eventfd_t = 0
      eventfd_read(bell, &count)
    }
    return (waited[0].revents != 0, waited[1].revents != 0)
  }
}
