// The threads that run a plugin's async code, so that it never sits on the process's shared cooperative pool, which has
// only as many threads as cores and which the host's own tasks need.
// Made by Instance; started with the first job; joined when the instance ends.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// A task executor with threads of its own.
///
/// What arrives after ``close()`` never runs: by then every task has ended, so it can only belong to one that the plugin
/// started behind the kit's back.
final class WorkerThreads: TaskExecutor {
  fileprivate struct State {
    var queue: [UnownedJob] = []
    /// Jobs before this one have been taken.
    var head = 0
    var threads: [PluginThread] = []
    var isClosed = false
  }
  private let state = Mutex(State())
  private let wakeups = Semaphore()
  private let limit: Int

  init(threads: Int) { limit = min(max(threads, 1), 64) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let taken = state.withLock { state in
      guard !state.isClosed else { return false }
      state.queue.append(job)
      if state.threads.count < limit, let thread = PluginThread({ [self] in run() }) { state.threads.append(thread) }
      return true
    }
    if taken { wakeups.signal() }
  }

  /// Runs what is queued, then ends the threads. Not to be called from one of them.
  func close() {
    let threads = state.withLock { state in
      state.isClosed = true
      return state.threads
    }
    for _ in threads { wakeups.signal() }
    for thread in threads { thread.join() }
  }

  /// Whether the calling thread is one of these.
  var isCurrent: Bool { state.withLock { $0.threads.contains(where: \.isCurrent) } }

  private func run() {
    while true {
      wakeups.wait()
      let (job, isClosed) = state.withLock { ($0.takeFirst(), $0.isClosed) }
      if let job { job.runSynchronously(on: asUnownedTaskExecutor()) } else if isClosed { return }
    }
  }
}

extension WorkerThreads.State {
  fileprivate mutating func takeFirst() -> UnownedJob? {
    guard head < queue.count else { return nil }
    defer {
      head += 1
      if head == queue.count {
        queue.removeAll(keepingCapacity: head <= 1024)
        head = 0
      }
    }
    return queue[head]
  }
}

/// A POSIX semaphore, sem_overview(7). The kernel's object is the guard of this `@unchecked Sendable`.
final class Semaphore: @unchecked Sendable {
  private let storage = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(storage, 0, 0) }
  deinit {
    sem_destroy(storage)
    storage.deallocate()
  }

  func signal() { sem_post(storage) }
  func wait() { while sem_wait(storage) != 0 {} }

  /// - Returns: false when `seconds` went by.
  func wait(seconds: Int) -> Bool {
    var until = timespec()
    clock_gettime(CLOCK_REALTIME, &until)
    until.tv_sec += seconds
    while sem_timedwait(storage, &until) != 0 { if errno != EINTR { return false } }
    return true
  }
}
