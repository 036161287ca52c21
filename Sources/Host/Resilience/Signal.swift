// Lets tasks wait until something changed, without losing a change that comes before the wait.
// Used by the ledger (work arrived) and by the bus (room appeared).
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A counter of changes that tasks can wait on.
///
///     let seen = signal.count        // before looking
///     if nothing to do { await signal.wait(past: seen) }
package final class Signal: Sendable {
  private struct State {
    var count: UInt64 = 0
    var nextID: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  /// Changes so far.
  package var count: UInt64 { state.withLock { $0.count } }

  /// Wakes everybody who waits.
  package func raise() {
    let waiters = state.withLock { state in
      state.count += 1
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume() }
  }

  /// Returns once there were more changes than `seen`, or when the task is cancelled.
  package func wait(past seen: UInt64) async {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDone = state.withLock { state in
          if state.count > seen || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      // Either the waiter is there and is resumed here, or it comes later and sees the cancellation itself.
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  /// The same with a moment of the monotonic clock after which it returns in any case.
  package func wait(past seen: UInt64, until deadline: UInt64) async {
    await withDeadline(deadline) { await self.wait(past: seen) }
  }
}
