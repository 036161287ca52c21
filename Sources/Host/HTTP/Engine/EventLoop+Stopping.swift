// The graceful end of a loop: no new connections, answers in flight finished, streams ended, the rest cut at the deadline.
// Part of EventLoop; ordered by HTTPServer.stop through the mailbox.
//
// SPDX-License-Identifier: Apache-2.0

extension EventLoop {
  /// The order has come.
  func beginStopping(_ deadline: UInt64) {
    stopBy = deadline
    setListening(false)
    for connection in connections { connection?.beginStopping() }
  }

  /// Whether the loop may end. At the deadline, what is left is cut.
  func finishStopping(_ deadline: UInt64) -> Bool {
    if openConnections > 0, now >= deadline {
      for connection in connections { connection?.cut() }
    }
    return openConnections == 0 && nextCall == calls.count
  }
}

extension Connection {
  /// Idle: closed. An endless response: ended as complete. Anything else may finish.
  func beginStopping() {
    switch stage {
    case .reading where parser.isAtStart && output.isEmpty: close(.done)
    case .serving where requestDeadline == .max && !responseIsComplete: endEndless()
    default: break
    }
  }

  private func endEndless() {
    guard let exchange else { return }
    let given = exchange.takeOutput()
    endExchange(exchange, .stopping)
    keepsAlive = false
    send(given)
    if !responseIsComplete { isBegun ? endStream() : answer(.stopping) }
    settle()
  }

  /// The deadline of the stop: an answer that was not begun is 503, one that was begun is broken off.
  func cut() {
    if stage == .serving, !isBegun, let exchange {
      endExchange(exchange, .stopping)
      keepsAlive = false
      answer(.stopping)
      flush()
    }
    close(.stopping)
  }
}
