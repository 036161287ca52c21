// The event loop's face of an exchange: taking output, ending it, and running the handler's callbacks one at a time.
// Called by Connection (as owner of its loop) and, for callbacks, by whichever thread runs the handler.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

extension HTTPExchange {
  /// Takes what the handler has given since the last time.
  func takeOutput() -> Output {
    state.withLock { state in
      let taken = state.output
      state.output = Output()
      state.isPosted = false
      return taken
    }
  }

  /// Posts the exchange to its loop, unless it is there already.
  func postOnce() {
    if state.withLock({ $0.shouldPost() }) { loop.post(self) }
  }

  /// Body bytes were handed to the system. Answers whether `becameWritable` must be scheduled by the caller.
  func flushed(_ count: Int) -> Bool {
    state.withLock { state in
      state.waiting = max(0, state.waiting - count)
      guard state.saidFull, state.waiting <= lowWater, state.ended == nil, state.phase == .streaming else {
        return false
      }
      state.saidFull = false
      return HTTPExchange.enqueue(.writable, &state)
    }
  }

  /// Ends the exchange; only the first reason counts. Answers whether callbacks must be scheduled by the caller.
  func finish(_ reason: HTTPEndReason) -> Bool {
    let dropped: Output
    let schedule: Bool
    (dropped, schedule) = state.withLock { state in
      guard state.ended == nil else { return (Output(), false) }
      let reason = state.isAbandoned ? .stopping : reason
      state.ended = reason
      let output = state.output
      state.output = Output()
      return (output, route.hearsEnd && HTTPExchange.enqueue(.end(reason), &state))
    }
    withExtendedLifetime(dropped) {}
    return schedule
  }

  /// Whether the response's first byte was given by the handler.
  var isBegun: Bool { state.withLock { $0.phase != .open } }

  /// Queues a callback. Answers whether the caller must schedule ``runCallbacks()``.
  func enqueue(_ callback: Callback) -> Bool {
    state.withLock { state in
      guard state.ended == nil else { return false }
      if case .body = callback { state.queuedBodies += 1 }
      return HTTPExchange.enqueue(callback, &state)
    }
  }

  private static func enqueue(_ callback: Callback, _ state: inout State) -> Bool {
    if state.next == nil, state.later.isEmpty { state.next = callback } else { state.later.append(callback) }
    guard !state.isCalling else { return false }
    state.isCalling = true
    return true
  }

  /// Whether another piece of the request's body may be queued: none waits, and the handler has not paused.
  var wantsBody: Bool { state.withLock { $0.queuedBodies == 0 && !$0.bodyPaused } }

  /// Runs the queued callbacks until none is left. Exactly one thread does so at a time: the one that was told to.
  func runCallbacks() {
    while let callback = nextCallback() {
      switch callback {
      case .request(let request): route.handler.handle(request, self)
      case .body(let chunk, let last):
        state.withLock { $0.isInBody = true }
        let demand = chunk.withUnsafeBytes { route.handler.receive($0, last: last, self) }
        state.withLock { state in
          state.queuedBodies -= 1
          state.bodyPaused = demand == .pause && !state.resumedEarly
          state.isInBody = false
          state.resumedEarly = false
        }
      case .writable: route.handler.becameWritable(self)
      case .end(let reason):
        if route.handler.hearsEnd { route.handler.ended(self, reason) }
        route.options.gate?.leave()
      }
    }
  }

  private func nextCallback() -> Callback? {
    state.withLock { state in
      while let callback = state.next {
        state.next = state.later.isEmpty ? nil : state.later.removeFirst()
        // Nothing but the end is said after the end.
        if state.ended != nil, case .end = callback { return callback }
        if state.ended == nil { return callback }
        if case .request = callback { return callback }
      }
      state.isCalling = false
      return nil
    }
  }
}

extension HTTPExchange {
  /// Takes back a request whose handler was never entered; no callback will come. False: it was entered.
  func dropUnstarted() -> Bool {
    let dropped = state.withLock { state -> Bool in
      guard case .request = state.next else { return false }
      state.next = nil
      state.later = []
      state.isCalling = false
      state.ended = .error
      return true
    }
    if dropped { route.options.gate?.leave() }
    return dropped
  }
}
