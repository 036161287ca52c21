// Times, half-closed clients, lingering, closing.
// Part of Connection.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

extension Connection {
  /// Bytes that a lingering connection reads before it gives up. Ours.
  private static let lingerBytes = 1 << 20

  /// The parser has used all bytes: the time limit on a head runs from its first byte.
  func headProgressed() {
    guard stage == .reading, parser.isInHead, !isTimingHead else { return }
    readDeadline = loop.now &+ limits.headerTime.nanosecondsClamped
    isTimingHead = true
  }

  /// Body bytes came: the client is given time for the next.
  func bodyProgressed() {
    guard parser.awaitsBody, readDeadline != .max else { return }
    readDeadline = loop.now &+ limits.bodyStall.nanosecondsClamped
  }

  /// The client will send no more. It may still read: what it asked for is answered, and a handler that has not begun to answer
  /// has a little time to do so; after that, nobody is taken to be there.
  func inputEnded() {
    guard !sawEnd else { return }
    if stage == .lingering { return close(.done) }
    sawEnd = true
    setInterest(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, false)
    switch stage {
    case .reading where output.isEmpty && finishing.isEmpty: close(.clientGone)
    case .reading:
      closeAfterFlush = true
      flush()
    case .gathering: close(.clientGone)
    case .serving:
      if !requestIsComplete { return close(.clientGone) }
      if !isBegun { goneAt = loop.now &+ limits.halfCloseGrace.nanosecondsClamped }
      // A client that has closed for good answers the next byte with a reset.
      if isEventStream { ping() }
    case .lingering, .closed: break
    }
  }

  /// A comment on an event stream, between two events.
  private func ping() {
    guard isStreaming, !responseIsComplete, !isHeadRequest else { return }
    guard isStillAllowed else { return close(.timeout) }
    output.append(isChunked ? "8\r\n: ping\n\n\r\n" : ": ping\n\n")
    pingAt = loop.now &+ limits.eventStreamPing.nanosecondsClamped
    flush()
  }

  /// Enters the earliest deadline into the wheel, unless an earlier look is planned.
  func arm() {
    let earliest = min(readDeadline, min(writeDeadline, min(requestDeadline, min(pingAt, goneAt))))
    guard earliest != .max else { return }
    let tick = loop.wheel.tick(for: earliest)
    guard tick < wheelTick else { return }
    wheelTick = tick
    loop.wheel.insert(key, at: tick)
  }

  /// A deadline may be over.
  func timer() {
    let now = loop.now
    if readDeadline <= now {
      readTimedOut()
    } else if writeDeadline <= now {
      writeStalled()
    } else if requestDeadline <= now {
      requestTimedOut()
    } else if goneAt <= now {
      close(.clientGone)
    } else if pingAt <= now {
      ping()
    }
    if stage != .closed { arm() }
  }

  /// The socket has taken nothing for long. The system reports room only when a third of its buffer is free, so a slow client may
  /// well have taken bytes: what it has not acknowledged tells.
  private func writeStalled() {
    let unsent = clx_bytes_unsent(socket)
    guard unsent >= 0, unsent != unsentBefore else { return close(.timeout) }
    unsentBefore = unsent
    writeDeadline = loop.now &+ limits.writeStall.nanosecondsClamped
  }

  private func readTimedOut() {
    readDeadline = .max
    switch stage {
    case .reading where parser.isAtStart: close(.done)
    case .reading: refuse(.headerTimeout)
    case .gathering: refuse(.bodyTimeout)
    case .serving: refuse(.bodyTimeout)
    case .lingering, .closed: close(.done)
    }
  }

  private func requestTimedOut() {
    requestDeadline = .max
    if stage == .gathering { return refuse(.bodyTimeout) }
    guard let exchange else { return }
    if isBegun { return close(.timeout) }
    endExchange(exchange, .timeout)
    keepsAlive = false
    answer(.handlerTimeout)
    flush()
  }

  /// Answers for a request whose handler was never entered.
  func refuseDropped(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
    guard exchange === self.exchange else { return }
    exchange.route.leave()
    releaseBody()
    self.exchange = nil
    answer(refusal)
    consumeInput()
    guard stage != .closed else { return }
    settle()
  }

  /// Everything is sent: tells the client so, and waits for its end, so that what it still sends does not become a reset that
  /// destroys the answer on its way. RFC 9112, 9.6.
  func linger() {
    guard stage != .lingering, stage != .closed else { return }
    if sawEnd { return close(.done) }
    stage = .lingering
    loop.setEvictable(self, true)
    input.consume(input.count)
    transport?.end(on: socket)
    shutdown(socket, Int32(SHUT_WR))
    setInterest(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, true)
    readDeadline = loop.now &+ limits.lingerTime.nanosecondsClamped
    requestDeadline = .max
    pingAt = .max
    goneAt = .max
    arm()
  }

  func discardWhileLingering(_ count: Int) {
    lingered += count
    if lingered > Connection.lingerBytes { close(.done) }
  }

  /// Closes at once. What was not sent is lost; whoever waited is told.
  func close(_ reason: HTTPEndReason) {
    guard stage != .closed else { return }
    let wasGathering = stage == .gathering
    let wasServing = wasGathering || (stage == .serving && !responseIsComplete)
    stage = .closed
    loop.remove(self)
    // Unsent data must not be delivered as if it were all: a reset says that the response is broken.
    if reason == .timeout || (reason == .error && isBegun) || (reason == .stopping && isStreaming) {
      var hard = Glibc.linger(l_onoff: 1, l_linger: 0)
      setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<Glibc.linger>.size))
    }
    _ = Glibc.close(socket)
    for response in finishing { report(response, reason == .done ? .clientGone : reason) }
    finishing = []
    guard wasServing else { return releaseBody() }
    if wasGathering, let route {
      leaveRoute(route)
      route.options.gate?.leave()
    }
    report(
      Finishing(exchange: exchange, route: route, status: status == 0 ? 499 : status, startedAt: startedAt, mark: 0),
      reason)
    exchange = nil
  }
}
