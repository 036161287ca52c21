// Threads that take over a loop from a stuck one, or run the handlers of an owner that is known to be slow.
// Used by Watchdog and EventLoop. Keeps two idle; makes more when asked; the owners' limits bound how many are lost.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import Synchronization

/// A small pool of raw threads.
final class WorkerPool: Sendable {
  typealias Job = @Sendable () -> Void

  /// A parked thread: its job arrives in the box, then the eventfd is written.
  private final class Parked: Sendable {
    let wake: Int32
    let box = Mutex(Box())
    struct Box: Sendable { var job: Job? }
    init(wake: Int32) { self.wake = wake }
    deinit { _ = Glibc.close(wake) }
  }

  private struct State {
    var idle: [Parked] = []
    var live = 0
    var isClosed = false
  }

  /// Idle threads kept. Ours: one for a loop, one for a slow owner.
  private static let keptIdle = 2

  private let state = Mutex(State())

  /// Threads that exist, idle or not.
  var liveThreads: Int { state.withLock { $0.live } }

  /// Runs a job on an idle or new thread. False: the system gives no thread, and nothing happened.
  func run(_ job: @escaping Job) -> Bool {
    let parked = state.withLock { state -> Parked? in
      if let parked = state.idle.popLast() { return parked }
      state.live += 1
      return nil
    }
    if let parked {
      hand(parked, job)
      return true
    }
    do throws(SystemError) {
      try Thread.start("http-spare") { [self] in work(job) }
      return true
    } catch {
      state.withLock { $0.live -= 1 }
      return false
    }
  }

  /// Lets idle threads end; busy ones end when they return.
  func close() {
    let idle = state.withLock { state -> [Parked] in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    for parked in idle { hand(parked, nil) }
  }

  /// Waits for busy threads after ``close()``. Answers how many have not returned; they end when they do.
  func waitUntilIdle(until deadline: UInt64) -> Int {
    while true {
      let live = liveThreads
      guard live > 0, Clock.monotonic() < deadline else { return live }
      usleep(1_000)
    }
  }

  private func hand(_ parked: Parked, _ job: Job?) {
    parked.box.withLock { $0.job = job }
    var one: UInt64 = 1
    _ = write(parked.wake, &one, 8)
  }

  private func work(_ first: @escaping Job) {
    first()
    let wake = eventfd(0, Int32(EFD_CLOEXEC))
    guard wake >= 0 else { return state.withLock { $0.live -= 1 } }
    let parked = Parked(wake: wake)
    while park(parked) {
      var count: UInt64 = 0
      while read(wake, &count, 8) < 0, errno == EINTR {}
      guard let job = parked.box.withLock({ $0.job.take() }) else { break }
      job()
    }
    state.withLock { $0.live -= 1 }
  }

  /// Enters the idle list, or answers false: this thread is not needed any more.
  private func park(_ parked: Parked) -> Bool {
    state.withLock { state in
      guard !state.isClosed, state.idle.count < WorkerPool.keptIdle else { return false }
      state.idle.append(parked)
      return true
    }
  }
}
