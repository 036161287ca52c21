// The threads on which one instance's events run: channels, tools, timers, scrape callbacks, and for a plugin that asked to
// be called by one thread at a time also its requests. None while nothing happens; a few when much does.
// Never the cooperative pool: a plugin may block.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import HostLinux

/// Runs jobs in order of arrival on at most `width` threads.
///
///     open ──submit()──▶ open ... ──close()──▶ closed: what is queued still runs, then the threads end
final class EventQueue: Sendable {
  fileprivate struct State {
    var jobs: [@Sendable () -> Void] = []
    /// Index of the first job that nobody has taken.
    var head = 0
    var threads = 0
    var idle = 0
    var isClosed = false
    var queued: Int { jobs.count - head }
  }

  /// How long a thread waits for another job before it ends.
  private static let linger: UInt64 = 2_000_000_000
  /// Ours: a plugin's code gets what an ordinary thread gets.
  private static let stack = 8 << 20

  private let name: String
  private let width: Int
  private let capacity: Int
  private let state = Monitor(State())

  /// - Parameters:
  ///   - name: of the threads, cut to 15 bytes.
  ///   - width: threads at most; 1 for a serial plugin.
  ///   - capacity: jobs that may wait.
  init(name: String, width: Int, capacity: Int = 1_024) {
    self.name = name
    self.width = max(1, width)
    self.capacity = capacity
  }

  /// Queues a job.
  ///
  /// - Parameter mustRun: not refused for want of room: for jobs whose number is bounded elsewhere, such as ends.
  /// - Returns: false when it is closed, full, or the system has no thread to give and none runs. Then the job is dropped.
  func submit(mustRun: Bool = false, _ job: @escaping @Sendable () -> Void) -> Bool {
    enum Answer { case no, queued, needsThread }
    let answer = state.change { state -> Answer in
      guard !state.isClosed, mustRun || state.queued < capacity else { return .no }
      state.jobs.append(job)
      guard state.idle < state.queued, state.threads < width else { return .queued }
      state.threads += 1
      return .needsThread
    }
    guard answer == .needsThread else { return answer == .queued }
    do throws(SystemError) {
      try Thread.start(name, stack: EventQueue.stack) { [self] in work() }
      return true
    } catch {
      return state.change { state in
        state.threads -= 1
        if state.threads > 0 { return true }
        state.jobs.removeAll()
        state.head = 0
        return false
      }
    }
  }

  /// No more jobs; those queued run, then the threads end.
  func close() { state.change { $0.isClosed = true } }

  /// Waits until every thread has ended.
  func waitEnded(until deadline: UInt64) -> Bool {
    state.wait(until: deadline) { $0.threads == 0 ? () : nil } != nil
  }

  /// Threads that exist, and jobs that wait.
  var load: (threads: Int, queued: Int) { state.withLock { ($0.threads, $0.queued) } }

  private func work() {
    ncr_prepare_thread()
    while let job = nextJob() { job() }
  }

  private func nextJob() -> (@Sendable () -> Void)? {
    let deadline = Clock.monotonic() + EventQueue.linger
    state.withLock { $0.idle += 1 }
    let job = state.wait(until: deadline) { state -> (@Sendable () -> Void)?? in
      if state.queued > 0 { return .some(state.take()) }
      return state.isClosed ? .some(nil) : nil
    }
    return state.change { state in
      state.idle -= 1
      if let job, let job { return job }
      // Between the deadline and this lock a job may have come that counted on this thread.
      if state.queued > 0 { return state.take() }
      state.threads -= 1
      return nil
    }
  }
}

extension EventQueue.State {
  fileprivate mutating func take() -> @Sendable () -> Void {
    let job = jobs[head]
    head += 1
    if head == jobs.count {
      jobs.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 256, head * 2 > jobs.count {
      jobs.removeFirst(head)
      head = 0
    }
    return job
  }
}
