// Lets a few go on at a time and the others wait without a thread: a thousand plugins to be rehearsed must not be a
// thousand threads.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A counting semaphore for tasks, first come first served.
final class Turns: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
    /// Index of the first who waits.
    var head = 0
  }
  private let state: Mutex<State>

  init(_ count: Int) { state = Mutex(State(free: count)) }

  /// Runs `body` when it is its turn.
  func run<Value: Sendable>(_ body: () async -> Value) async -> Value {
    await take()
    let value = await body()
    give()
    return value
  }

  private func take() async {
    await withCheckedContinuation { continuation in
      let mayGo = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if mayGo { continuation.resume() }
    }
  }

  private func give() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.head < state.waiting.count else {
        state.waiting.removeAll(keepingCapacity: true)
        state.head = 0
        state.free += 1
        return nil
      }
      state.head += 1
      return state.waiting[state.head - 1]
    }
    next?.resume()
  }
}
