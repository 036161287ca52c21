// Something that tasks wait for: room in a queue, an acknowledgement.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Open, closed, or failed for ever. Waiters pass when it is open, and stop when it fails or their task is cancelled.
///
///     open ◀──open()── closed
///       └───close()──────▲      either ──fail()──▶ failed
final class Gate: Sendable {
  private struct State {
    var isOpen: Bool
    var failure: PluginError?
    var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    var lastWaiter: UInt64 = 0
  }
  private let state: Mutex<State>

  init(isOpen: Bool) { state = Mutex(State(isOpen: isOpen)) }

  func close() { state.withLock { $0.isOpen = false } }
  func open() { change { $0.isOpen = true } }
  func fail(_ failure: PluginError) { change { $0.failure = failure } }

  /// Changes the state, and lets the waiters look at it again, outside of the lock.
  private func change(_ body: (inout State) -> Void) {
    let (waiters, failure) = state.withLock { state in
      body(&state)
      defer { state.waiters = [:] }
      return (state.waiters.values, state.failure)
    }
    for waiter in waiters {
      if let failure { waiter.resume(throwing: failure) } else { waiter.resume() }
    }
  }

  func wait() async throws {
    let id = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
        let now: Result<Void, any Error>? = state.withLock { state in
          if let failure = state.failure { return .failure(failure) }
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.isOpen { return .success(()) }
          state.waiters[id] = waiter
          return nil
        }
        if let now { waiter.resume(with: now) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }
}
