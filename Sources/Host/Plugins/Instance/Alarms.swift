// One thread for everything that happens at a time: deadlines of calls and operations, timers of plugins.
// Actions are short and never plugin code: they hand work to an EventQueue or resume a continuation.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// Actions by time, in a binary heap. The thread exists while something is set.
package final class Alarms: Sendable {
  package typealias Token = UInt64

  fileprivate struct State {
    /// A heap by (time, token); cancelled tokens stay in it until they come up.
    var heap: [(at: UInt64, token: Token)] = []
    var actions: [Token: @Sendable () -> Void] = [:]
    var next: Token = 1
    var hasThread = false
  }

  private static let linger: UInt64 = 5_000_000_000
  private let state = Monitor(State())

  package init() {}

  /// Runs `action` at or shortly after `time`, on the alarm thread.
  package func set(_ time: UInt64, _ action: @escaping @Sendable () -> Void) -> Token {
    let (token, needsThread) = state.change { state -> (Token, Bool) in
      let token = state.next
      state.next += 1
      state.actions[token] = action
      state.push(time, token)
      defer { state.hasThread = true }
      return (token, !state.hasThread)
    }
    if needsThread { startThread() }
    return token
  }

  /// Whether it was still to come; false: it ran, runs, or never was.
  @discardableResult
  package func cancel(_ token: Token) -> Bool {
    state.withLock { state in
      guard state.actions.removeValue(forKey: token) != nil else { return false }
      // Most alarms are deadlines that never come: clear the heap of the dead now and then.
      if state.heap.count > 64, state.heap.count > 4 * state.actions.count { state.compact() }
      return true
    }
  }

  /// How many are set.
  package var count: Int { state.withLock { $0.actions.count } }

  private func startThread() {
    do throws(SystemError) {
      try Thread.start("nx-alarms") { [self] in run() }
    } catch {
      // The next alarm tries again; until then those set are late.
      state.withLock { $0.hasThread = false }
    }
  }

  private func run() {
    while let action = nextAction() { action() }
  }

  private enum Step {
    case run(@Sendable () -> Void)
    /// An earlier alarm was set: wait for that one.
    case again
  }

  private func nextAction() -> (@Sendable () -> Void)? {
    while true {
      let idleEnd = Clock.monotonic() + Alarms.linger
      let wake = min(state.withLock { $0.heap.first?.at } ?? idleEnd, idleEnd)
      let step = state.wait(until: wake) { state -> Step? in
        if let action = state.takeDue(Clock.monotonic()) { return .run(action) }
        return state.heap.first.map { $0.at < wake } == true ? .again : nil
      }
      switch step {
      case .run(let action): return action
      case .again: continue
      case nil: break
      }
      let ends = state.withLock { state -> Bool in
        guard state.actions.isEmpty else { return false }
        state.heap = []
        state.hasThread = false
        return true
      }
      if ends { return nil }
    }
  }
}

extension Alarms.State {
  fileprivate mutating func push(_ at: UInt64, _ token: UInt64) {
    heap.append((at, token))
    var child = heap.count - 1
    while child > 0, heap[child].at < heap[(child - 1) / 2].at {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The first action whose time has come.
  fileprivate mutating func takeDue(_ now: UInt64) -> (@Sendable () -> Void)? {
    while let first = heap.first, first.at <= now {
      pop()
      if let action = actions.removeValue(forKey: first.token) { return action }
    }
    return nil
  }

  private mutating func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    sink(0)
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].at < heap[least].at {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  fileprivate mutating func compact() {
    heap.removeAll { actions[$0.token] == nil }
    for index in stride(from: heap.count / 2, through: 0, by: -1) where index < heap.count { sink(index) }
  }
}
