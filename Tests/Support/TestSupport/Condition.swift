// A counter that threads can wait on: "wake me when something has changed since I looked".
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux

/// A generation count with a condition variable. Guarded by its own pthread mutex.
final class Condition: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let variable = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var count = 0

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(variable, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(variable)
    pthread_mutex_destroy(mutex)
    variable.deallocate()
    mutex.deallocate()
  }

  /// What to give to ``wait(after:until:)``.
  var generation: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return count
  }

  func signal() {
    pthread_mutex_lock(mutex)
    count += 1
    pthread_cond_broadcast(variable)
    pthread_mutex_unlock(mutex)
  }

  /// Returns when the generation differs from `seen`, or at the deadline (nanoseconds of the monotonic clock).
  func wait(after seen: Int, until deadline: UInt64) {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    pthread_mutex_lock(mutex)
    while count == seen, pthread_cond_timedwait(variable, mutex, &time) == 0 {}
    pthread_mutex_unlock(mutex)
  }
}
