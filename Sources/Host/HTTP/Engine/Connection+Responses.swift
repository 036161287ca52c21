// From what a handler gave to bytes on the wire: status line, fields, framing, event streams, back-pressure.
// Part of Connection.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import HostLinux

extension Connection {
  /// A handler's callbacks have returned on the loop's thread.
  func afterCall(_ exchange: HTTPExchange) {
    collect(exchange)
    guard stage != .closed else { return }
    arm()
  }

  /// Takes what an exchange has to send, and goes on with the connection as far as possible.
  func collect(_ exchange: HTTPExchange) {
    guard exchange === self.exchange else { return }
    let output = exchange.takeOutput()
    if !output.isEmpty { send(output) }
    guard stage != .closed else { return }
    // A streamed body may go on; the next pipelined request may be there.
    consumeInput()
    guard stage != .closed else { return }
    settle()
    arm()
  }

  /// Puts what a handler gave into the output.
  func send(_ given: HTTPExchange.Output) {
    if let head = given.head {
      isBegun = true
      goneAt = .max
      status = head.status
      if head.isWhole {
        writeHead(head.status, head.fields, length: given.body.count)
        if !isHeadRequest { output.append(given.body) }
      } else {
        isStreaming = true
        isEventStream = head.fields.isEventStream
        writeHead(head.status, head.fields, length: nil)
        if isEventStream { pingAt = loop.now &+ limits.eventStreamPing.nanosecondsClamped }
      }
    }
    if isEventStream, !given.more.isEmpty, !isStillAllowed { return close(.timeout) }
    for piece in given.more { writePiece(piece) }
    if given.isCut { return close(.stopping) }
    if given.isFinished { endStream() }
  }

  /// The end of a response, whole or streamed.
  func endStream() {
    if isStreaming, isChunked { output.append("0\r\n\r\n") }
    responseCompleted()
  }

  private func writePiece(_ piece: [UInt8]) {
    guard !isHeadRequest else {
      // Nothing goes out for HEAD, so nothing waits for the client.
      if let exchange, exchange.flushed(piece.count) { loop.schedule(exchange) }
      return
    }
    if isChunked {
      output.append(UInt64(piece.count), radix: 16)
      output.append("\r\n")
    }
    output.append(piece)
    if isChunked { output.append("\r\n") }
    if isEventStream { pingAt = loop.now &+ limits.eventStreamPing.nanosecondsClamped }
  }

  /// Writes status line and fields. `length` nil: the response ends with a last chunk, or with the connection (HTTP/1.0).
  private func writeHead(_ status: Int, _ fields: HTTPFields, length: Int?) {
    let isOld = head?.minorVersion == 0
    let noBody = HTTPStatus.hasNoBody(status)
    isChunked = length == nil && !isOld && !noBody && !isHeadRequest
    // An old client sees the end of an unframed response by the end of the connection.
    if length == nil, isOld, !noBody { keepsAlive = false }
    if loop.stopBy != nil { keepsAlive = false }
    if !requestIsComplete, !canDiscardRest { keepsAlive = false }
    if status == 200 {
      output.append("HTTP/1.1 200 OK\r\n")
    } else {
      output.append("HTTP/1.1 ")
      output.append(UInt64(status))
      output.append(" ")
      output.append(HTTPStatus.phrase(status))
      output.append("\r\n")
    }
    if !fields.hasDate { output.append(loop.date.line) }
    output.append("x-content-type-options: nosniff\r\n")
    if let more = listener.setup.fields { output.append(more().wire) }
    if fields.fixedType.utf8CodeUnitCount > 0 {
      output.append("content-type: ")
      output.append(fields.fixedType)
      output.append("\r\n")
    }
    output.append(fields.wire)
    if let length, !noBody {
      output.append("content-length: ")
      output.append(UInt64(length))
      output.append("\r\n")
    } else if length == nil, !isOld, !noBody {
      output.append("transfer-encoding: chunked\r\n")
    }
    if !keepsAlive {
      output.append("connection: close\r\n")
    } else if isOld {
      output.append("connection: keep-alive\r\n")
    }
    output.append("\r\n")
  }

  /// Whether what is left of the request's body is short enough to be read for nothing.
  private var canDiscardRest: Bool {
    guard let rest = parser.remainingBody else { return bodyMode == .discard || bodyMode == .stream }
    return rest <= 65_536 && head?.expectsContinue != true
  }

  /// Answers without a handler.
  func answerLocally(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) {
    self.status = status
    isBegun = true
    loop.date.refresh(now: loop.now)
    writeHead(status, fields, length: body.count)
    if !isHeadRequest { output.append(body) }
    responseCompleted()
  }

  /// The response is in the queue, whole.
  private func responseCompleted() {
    responseIsComplete = true
    requestDeadline = .max
    pingAt = .max
    finishing.append(
      Finishing(exchange: exchange, route: route, status: status, startedAt: startedAt, mark: output.appended))
    if requestIsComplete {
      messageDone()
    } else if keepsAlive {
      bodyMode = .discard
      readDeadline = loop.now &+ limits.bodyStall.nanosecondsClamped
    } else {
      closeAfterFlush = true
    }
  }

  /// Request and response are complete: the connection is free for the next request, or to be closed.
  func messageDone() {
    if exchange == nil, route != nil { releaseBody() }
    exchange = nil
    route = nil
    if var kept = head.take(), isKnownUniquelyReferenced(&kept) { spareHead = kept }
    guard keepsAlive else {
      closeAfterFlush = true
      return
    }
    stage = .reading
    goneAt = .max
    readDeadline = loop.now &+ limits.idleTime.nanosecondsClamped
    loop.setEvictable(self, true)
  }

  /// Writes what waits. Ends exchanges whose last byte is out, and begins to close when that was asked for.
  func flush() {
    guard stage != .closed, stage != .lingering else { return }
    let before = output.written
    let result: OutputQueue.Flush
    if let transport { result = transport.flush(&output, to: socket) } else { result = output.flush(to: socket) }
    let moved = Int(output.written - before)
    if moved > 0 {
      if isStreaming, let exchange, exchange.flushed(moved) { loop.schedule(exchange) }
      reportFinished()
      writeDeadline = .max
    }
    switch result {
    case .failed: return close(.clientGone)
    case .blocked:
      setInterest(EPOLLOUT.rawValue, true)
      if writeDeadline == .max { writeDeadline = loop.now &+ limits.writeStall.nanosecondsClamped }
    case .drained:
      setInterest(EPOLLOUT.rawValue, false)
      writeDeadline = .max
      if closeAfterFlush { linger() }
    }
    if stage != .closed { arm() }
  }

  private func reportFinished() {
    var done = 0
    while done < finishing.count, finishing[done].mark <= output.written {
      report(finishing[done], .done)
      done += 1
    }
    if done > 0 { finishing.removeFirst(done) }
  }

  /// Ends the exchange of a response and tells the observer.
  func report(_ response: Finishing, _ reason: HTTPEndReason) {
    if let exchange = response.exchange { endExchange(exchange, reason) }
    guard let observer = loop.context.observer else { return }
    let elapsed = response.startedAt == 0 ? 0 : Clock.monotonic() &- response.startedAt
    observer(
      HTTPRecord(listener: listener.name, route: response.route, status: response.status, nanoseconds: elapsed))
  }

  /// Ends an exchange once: its place in the route is free, and its handler is told.
  func endExchange(_ exchange: HTTPExchange, _ reason: HTTPEndReason) {
    guard !exchange.isOver else { return }
    exchange.route.leave()
    releaseBody()
    if exchange.finish(reason) { loop.schedule(exchange) }
  }
}
