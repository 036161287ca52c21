// State with a lock and a way to wait for it to change: for threads that may block (plugin threads, timers), never for
// tasks of the cooperative pool. `Mutex` from Synchronization is the choice where nobody waits.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A value behind a POSIX mutex and condition variable.
///
/// `@unchecked Sendable`: `state` is only touched with `mutex` held.
package final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State

  package init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` with the lock held; wakes nobody. `body` must not block, call foreign code, or come back here.
  package func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Runs `body` with the lock held, then wakes everybody who waits.
  package func change<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return body(&state)
  }

  /// Runs `body` with the lock held, again after each ``change(_:)``, until it gives a value.
  ///
  /// - Parameter deadline: of `Clock.monotonic()`; nil waits for ever.
  /// - Returns: nil when the deadline came first.
  package func wait<Result>(until deadline: UInt64? = nil, _ body: (inout State) -> Result?) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      guard Clock.monotonic() < deadline else { return nil }
      var time = timespec(
        tv_sec: Int(clamping: deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
      pthread_cond_timedwait(condition, mutex, &time)
    }
  }
}
