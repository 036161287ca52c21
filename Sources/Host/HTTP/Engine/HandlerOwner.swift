// The account of one owner of foreign handlers (a plugin): how many threads its handlers hold, and whether it may have more.
// Asked by EventLoop before each foreign callback; charged by Watchdog when a handler is stuck.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

/// On whose account foreign handlers run. One per plugin, shared by its routes on all listeners.
///
/// A handler of a good owner runs on the loop's thread, watched. When one holds its thread for longer than the watchdog's
/// patience, the thread is lost to it (charged here) until it returns, and for a while this owner's handlers run on threads
/// of the pool, so that its slowness is no longer felt by the loop.
package final class HandlerOwner: Sendable {
  enum Admission {
    /// On the loop's thread, watched.
    case inline
    /// On a thread of the pool, charged.
    case offload
    /// The owner holds all the threads it may, but they come back: in line for the next that does.
    case queue
    /// The owner holds all the threads it may, and none has come back lately.
    case refuse
  }

  private struct State {
    var threads = 0
    var slowUntil: UInt64 = 0
    /// When a charged thread last came back; 0 for never.
    var lastReturn: UInt64 = 0
    var waiting: [HTTPExchange] = []

    var isCalm: Bool { threads == 0 && slowUntil == 0 }
  }

  /// For logs: the plugin's id.
  package let name: String
  private let limit: Int
  private let movingTime: UInt64
  private let state = Mutex(State())
  /// ``State/isCalm`` as it was left under the lock: what every request reads, and only trouble writes.
  private let isCalm = Atomic<Bool>(true)

  /// How long an owner counts as slow after a handler overran, in nanoseconds. Ours: a second costs a slow owner a thread hop per
  /// request, and the loop at most one stall a second.
  private static let slowTime: UInt64 = 1_000_000_000
  /// Exchanges that may wait for a thread. Ours; beyond it requests are refused.
  private static let maxWaiting = 1_024

  /// - Parameters:
  ///   - stuckLimit: threads that stuck handlers of this owner may hold at once, at least 1.
  ///   - movingTime: how recently a thread must have come back for others to be worth waiting for. Ours: a second.
  package init(
    name: String, stuckLimit: Int = HTTPLimits().stuckHandlersPerOwner, movingTime: Duration = .seconds(1)
  ) {
    self.name = name
    limit = max(1, stuckLimit)
    self.movingTime = movingTime.nanosecondsClamped
  }

  /// Threads that are inside this owner's handlers for longer than they should.
  package var threadsHeld: Int { state.withLock { $0.threads } }

  /// Decides where the next callback runs. `.offload` is charged until ``leave()``.
  @inline(__always)
  func admit() -> Admission { isCalm.load(ordering: .acquiring) ? .inline : admitInTrouble() }

  /// Changes the account, and says whether it is calm now.
  private func change<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      defer { isCalm.store(state.isCalm, ordering: .releasing) }
      return body(&state)
    }
  }

  private func admitInTrouble() -> Admission {
    change { state in
      if state.isCalm { return .inline }
      if state.threads >= limit {
        let isMoving = state.lastReturn != 0 && Clock.monotonic() < state.lastReturn &+ movingTime
        return isMoving && state.waiting.count < HandlerOwner.maxWaiting ? .queue : .refuse
      }
      if state.threads == 0, Clock.monotonic() >= state.slowUntil {
        state.slowUntil = 0
        return .inline
      }
      state.threads += 1
      return .offload
    }
  }

  /// Puts an exchange in line for a thread: a request of an owner that is slow but moving, or what must still be told of an
  /// exchange that was begun. True: a thread is free now, and is charged.
  func wait(_ exchange: HTTPExchange) -> Bool {
    change { state in
      guard state.threads >= limit else {
        state.threads += 1
        return true
      }
      state.waiting.append(exchange)
      return false
    }
  }

  /// Charges a thread that the watchdog has given up on.
  func overran() {
    change { state in
      state.threads += 1
      state.slowUntil = Clock.monotonic() + HandlerOwner.slowTime
    }
  }

  /// A charged thread is back. Answers an exchange that waited; then the thread stays charged for it.
  func leave() -> HTTPExchange? {
    change { state in
      state.lastReturn = Clock.monotonic()
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      state.threads -= 1
      return nil
    }
  }
}
