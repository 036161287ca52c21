// Notices a handler that holds a loop's thread for too long, and gives the loop to another thread.
// One thread per server; asleep without a timer while no watched handler runs, so that idling costs nothing.
// Does not judge the handler: HandlerOwner keeps the account.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostLog
internal import Synchronization

/// Watches the loops of a server.
///
///     parked ──noteCall() by a loop──▶ awake ──200 ticks without a call──▶ parked
final class Watchdog: Sendable {
  /// A loop and the call it was seen in at the last tick.
  private struct Watched {
    let loop: EventLoop
    var seen: UInt64 = 0
    var lastCall: UInt64 = 0
    /// Processor time of the thread in the call, when it was first found waiting for a processor.
    var processorTime: UInt64?
    /// Looks that found it waiting for a processor.
    var starvedLooks = 0
  }

  /// Milliseconds between looks. A call is taken to be stuck when two looks find it asleep (after 5 to 10 ms) or when it has
  /// used the processor for about as long. The ABI asks handlers to return within 1 ms.
  private static let tick: Int32 = 5
  /// Processor time, in nanoseconds, that a call may use before it counts as stuck though its thread is runnable. Ours.
  private static let processorPatience: UInt64 = 4_000_000
  /// Looks for which a runnable thread is forgiven: 200 ms.
  private static let maxStarvedLooks = 40
  /// Looks without any call before the watchdog parks: one second.
  private static let quietTicks = 200

  private let isParked = Atomic<Bool>(false)
  private let isStopped = Atomic<Bool>(false)
  private let wake: Int32
  private let pool: WorkerPool
  private let log = Log("http")

  init(pool: WorkerPool) {
    self.pool = pool
    wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
  }

  deinit { _ = Glibc.close(wake) }

  /// Called by a loop right after it has given itself up for a call.
  ///
  /// Either this load sees the watchdog parked and wakes it, or the watchdog's look at the loops after it declared itself
  /// parked sees the call: both sides write, then read, sequentially consistent.
  @inline(__always)
  func noteCall() {
    if isParked.load(ordering: .sequentiallyConsistent) { signal() }
  }

  /// Makes ``run(_:)`` return.
  func stop() {
    isStopped.store(true, ordering: .sequentiallyConsistent)
    signal()
  }

  private func signal() {
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  /// The watchdog's thread.
  func run(_ loops: [EventLoop]) {
    var watched = loops.map { Watched(loop: $0) }
    var quiet = 0
    while !isStopped.load(ordering: .sequentiallyConsistent) {
      if quiet >= Watchdog.quietTicks {
        isParked.store(true, ordering: .sequentiallyConsistent)
        if !watched.contains(where: { $0.loop.ownership.current() & 1 == 1 }) { sleep(-1) }
        isParked.store(false, ordering: .sequentiallyConsistent)
        quiet = 0
      }
      sleep(Watchdog.tick)
      var sawCall = false
      for index in watched.indices { sawCall = look(&watched[index]) || sawCall }
      quiet = sawCall ? 0 : quiet + 1
    }
  }

  private func sleep(_ milliseconds: Int32) {
    var polled = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    if poll(&polled, 1, milliseconds) > 0 {
      var count: UInt64 = 0
      _ = read(wake, &count, 8)
    }
  }

  /// One look at one loop. Answers whether it has made calls since the last.
  private func look(_ watched: inout Watched) -> Bool {
    let word = watched.loop.ownership.current()
    let hasMoved = word != watched.lastCall
    watched.lastCall = word
    guard word & 1 == 1 else {
      watched.seen = 0
      return hasMoved
    }
    if watched.seen != word {
      watched.processorTime = nil
      watched.starvedLooks = 0
    } else if !isStarved(&watched) {
      takeOver(watched.loop, word)
    }
    watched.seen = word
    return true
  }

  /// Whether the thread in the call has merely not been given a processor. On a busy machine a handler of a few
  /// microseconds is seen at two looks too; another thread would not be served any sooner.
  private func isStarved(_ watched: inout Watched) -> Bool {
    guard watched.starvedLooks < Watchdog.maxStarvedLooks,
      let activity = ThreadActivity.of(watched.loop.threadID.load(ordering: .acquiring)), activity.isRunnable
    else { return false }
    watched.starvedLooks += 1
    let before = watched.processorTime ?? activity.onProcessor
    watched.processorTime = before
    return activity.onProcessor &- before < Watchdog.processorPatience
  }

  private func takeOver(_ loop: EventLoop, _ word: UInt64) {
    // The successor is found first: a loop that is taken must be run.
    let started = pool.run { [log] in
      guard loop.ownership.takeOver(word) else { return }
      // From here this thread owns the loop. The old one's posts need a wake-up until the first drain.
      loop.noteThread()
      let owner = loop.chargeStuckCall() ?? "?"
      log.warning(
        "handler holds its thread; loop goes on without it",
        ["http.owner": owner])
      loop.run()
    }
    if !started { log.error("no thread to replace a stuck handler's") }
  }
}
