// Running handlers: inline for the host's own, watched for foreign ones, on other threads for owners known to be slow.
// Part of EventLoop; see LoopOwnership for who owns the loop meanwhile.
//
// SPDX-License-Identifier: Apache-2.0

extension EventLoop {
  /// Puts an exchange in line. Its callbacks are queued in itself.
  func schedule(_ exchange: HTTPExchange) { calls.append(exchange) }

  /// Runs what is in line. False: this thread was replaced, and must return without touching the loop.
  func runCalls() -> Bool {
    while nextCall < calls.count {
      let exchange = calls[nextCall]
      nextCall += 1
      if nextCall == calls.count {
        calls.removeAll(keepingCapacity: true)
        nextCall = 0
      }
      guard let owner = exchange.route.owner else {
        exchange.runCallbacks()
        connection(exchange.connection)?.afterCall(exchange)
        continue
      }
      let admission = owner._withUnsafeGuaranteedRef { $0.admit() }
      if admission == .inline {
        guard runWatched(exchange) else { return false }
      } else if let owner = exchange.route.options.owner {
        divert(exchange, owner, admission)
      }
    }
    return true
  }

  /// Takes foreign callbacks elsewhere, because their owner is slow.
  private func divert(_ exchange: HTTPExchange, _ owner: HandlerOwner, _ admission: HandlerOwner.Admission) {
    switch admission {
    case .inline: return
    case .offload: offload(exchange, owner)
    case .queue: if owner.wait(exchange) { offload(exchange, owner) }
    case .refuse: refuse(exchange, owner)
    }
  }

  /// Runs foreign callbacks with the loop given up. False: replaced.
  private func runWatched(_ exchange: HTTPExchange) -> Bool {
    watchedExchange = exchange
    let token = ownership.beginCall()
    watchdog._withUnsafeGuaranteedRef { $0.noteCall() }
    exchange.runCallbacks()
    guard ownership.endCall(token) else {
      if let owner = exchange.route.options.owner { EventLoop.returnCharged(exchange, owner) }
      return false
    }
    watchedExchange = nil
    connection(exchange.connection)?.afterCall(exchange)
    return true
  }

  /// Called by the new owner: whose call it was.
  func chargeStuckCall() -> String? {
    guard let owner = watchedExchange?.route.options.owner else { return nil }
    watchedExchange = nil
    owner.overran()
    return owner.name
  }

  /// Runs foreign callbacks on a thread of the pool; the account is charged already.
  private func offload(_ exchange: HTTPExchange, _ owner: HandlerOwner) {
    let started = context.pool.run {
      exchange.runCallbacks()
      EventLoop.returnCharged(exchange, owner)
    }
    guard !started else { return }
    // No thread to be had: the account is discharged, and who cannot be refused is put in line again.
    if exchange.dropUnstarted() {
      connection(exchange.connection)?.refuseDropped(exchange, .handlerThreads)
    } else {
      schedule(exchange)
    }
    if let waiting = owner.leave() { schedule(waiting) }
  }

  /// A charged thread is back from a handler: the loop sees what it left, and ends that waited for a thread are told.
  private static func returnCharged(_ exchange: HTTPExchange, _ owner: HandlerOwner) {
    exchange.loop.post(exchange)
    while let waiting = owner.leave() {
      waiting.runCallbacks()
      waiting.loop.post(waiting)
    }
  }

  /// The owner holds all its threads: a request that was not yet handed over is answered 503 and never told of; for one that
  /// was, the rest is told when a thread is free.
  private func refuse(_ exchange: HTTPExchange, _ owner: HandlerOwner) {
    guard exchange.dropUnstarted() else {
      if owner.wait(exchange) { offload(exchange, owner) }
      return
    }
    connection(exchange.connection)?.refuseDropped(exchange, .handlerThreads)
  }
}
