// How other threads reach an event loop: exchanges with something to send, the order to stop, and the wake-up.
// Held by every exchange, so it outlives the loop; a post after the loop's end is dropped.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Synchronization

/// Names a connection of a loop; stale once the connection is closed.
struct ConnectionKey: Sendable, Hashable {
  var slot: UInt32
  var generation: UInt32
}

/// The way into a loop.
final class LoopMailbox: Sendable {
  struct State {
    var exchanges: [HTTPExchange] = []
    /// The wake-up was written and not yet answered by a drain.
    var isSignalled = false
    var isClosed = false
    /// When set: stop, and be done at this monotonic time.
    var stopBy: UInt64?
    /// How often the loop has emptied the mailbox, which it does once a round.
    var turns: UInt64 = 0
  }

  /// The eventfd in the loop's epoll set. Closed by ``close()``.
  let wake: Int32
  /// The thread that runs the loop now, also while it is in a watched handler; 0 between two threads.
  ///
  /// A post by that thread needs no wake-up: it drains the mailbox itself before it sleeps. If it has been replaced
  /// meanwhile, either it reads 0 or its successor here and wakes, or its post came before the successor's first drain.
  let runner = Atomic<UInt>(0)
  private let state = Mutex(State())

  /// - Throws: errno of eventfd(2) through the caller: a negative descriptor.
  init() { wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }

  /// Hands an exchange to the loop.
  func post(_ exchange: HTTPExchange) {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.exchanges.append(exchange)
      signalLocked(&state)
    }
  }

  /// Orders the stop.
  func stop(by deadline: UInt64) {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.stopBy = min(state.stopBy ?? .max, deadline)
      signalLocked(&state)
    }
  }

  /// Wakes the loop so that it looks at what changed elsewhere.
  func poke() {
    state.withLock { state in
      if !state.isClosed { signalLocked(&state) }
    }
  }

  /// The loop's rounds so far; nil once it has ended.
  var turns: UInt64? { state.withLock { $0.isClosed ? nil : $0.turns } }

  private func signalLocked(_ state: inout State) {
    guard !state.isSignalled, runner.load(ordering: .relaxed) != UInt(pthread_self()) else { return }
    state.isSignalled = true
    var one: UInt64 = 1
    // Cannot fail: the counter is read long before it is full, and the descriptor is open until isClosed.
    _ = write(wake, &one, 8)
  }

  /// Takes everything. `into` is an empty array whose storage is used again.
  func drain(into exchanges: inout [HTTPExchange]) -> UInt64? {
    state.withLock { state in
      state.isSignalled = false
      state.turns &+= 1
      swap(&exchanges, &state.exchanges)
      return state.stopBy
    }
  }

  /// Drops what comes from now on.
  func close() {
    let dropped = state.withLock { state -> [HTTPExchange] in
      guard !state.isClosed else { return [] }
      state.isClosed = true
      _ = Glibc.close(wake)
      defer { state.exchanges = [] }
      return state.exchanges
    }
    withExtendedLifetime(dropped) {}
  }
}
