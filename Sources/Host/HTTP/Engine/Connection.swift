// One client connection: reads, parses, dispatches, writes, closes. Belongs to one loop and is touched only by its owner.
// Requests are in Connection+Requests.swift, responses in +Responses.swift, times and ends in +Ending.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux

/// A connection and the request it is busy with.
///
///     reading ──head, route──▶ gathering ──body──▶ serving ──response and request complete──▶ reading
///        │  └─────head, no route, refusal───────────▶ serving (answered by the host itself)
///        └──refused(), closeAfterFlush flushed──▶ lingering ──client closes, or time──▶ closed
final class Connection {
  enum Stage { case reading, gathering, serving, lingering, closed }

  /// What happens with the body of the request in hand.
  enum BodyMode { case gather, stream, discard }

  /// A response that is in the output queue and not yet sent.
  struct Finishing {
    var exchange: HTTPExchange?
    var route: Route?
    var status: Int
    var startedAt: UInt64
    /// Sent when this many bytes of the connection are.
    var mark: UInt64
  }

  let loop: EventLoop
  let listener: HTTPListener
  let key: ConnectionKey
  let peer: PeerAddress
  let socket: Int32
  /// Between the bytes and the socket; nil for plain connections.
  let transport: FilteredTransport?
  var stage = Stage.reading
  var parser: RequestParser
  var input = ByteQueue()
  var output = OutputQueue()

  // The request in hand.
  var head: RequestHead?
  var spareHead: RequestHead?
  var route: Route?
  var parameters: [HTTPParameter] = []
  var body: [UInt8] = []
  var bodyHeld = 0
  var bodyMode = BodyMode.discard
  var discarded: UInt64 = 0
  var exchange: HTTPExchange?
  var startedAt: UInt64 = 0
  var requestIsComplete = false
  var requests = 0

  // The response in hand.
  var status = 0
  var isBegun = false
  var isStreaming = false
  var isEventStream = false
  var isChunked = false
  var isHeadRequest = false
  var responseIsComplete = false
  var keepsAlive = true
  /// The time limit on the head in hand is running.
  var isTimingHead = false
  var finishing: [Finishing] = []

  // The socket.
  var interest = EPOLLIN.rawValue | EPOLLRDHUP.rawValue
  var sawEnd = false
  var closeAfterFlush = false
  var lingered = 0
  /// What the client had not acknowledged when its write deadline was over last; -1 for never.
  var unsentBefore: Int32 = -1

  // Times, in monotonic nanoseconds; .max for none.
  var wheelTick = UInt64.max
  var readDeadline = UInt64.max
  var writeDeadline = UInt64.max
  var requestDeadline = UInt64.max
  var pingAt = UInt64.max
  var goneAt = UInt64.max

  // The list of connections that may be closed to make room, by slot; -1 for none.
  var isEvictable = false
  var previous = -1
  var following = -1

  var limits: HTTPLimits { listener.limits }

  init(loop: EventLoop, listener: HTTPListener, key: ConnectionKey, peer: PeerAddress, socket: Int32) {
    self.loop = loop
    self.listener = listener
    self.key = key
    self.peer = peer
    self.socket = socket
    parser = RequestParser(limits: listener.limits)
    transport = listener.setup.filter.map { FilteredTransport($0()) }
    // A handshake has the time of a head.
    let patience = transport == nil ? listener.limits.idleTime : listener.limits.headerTime
    readDeadline = loop.now &+ patience.nanosecondsClamped
  }

  /// What epoll says of the socket.
  func handle(_ events: UInt32) {
    if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0, stage != .lingering || events & EPOLLIN.rawValue == 0 {
      return close(.clientGone)
    }
    if events & EPOLLOUT.rawValue != 0 {
      flush()
      guard stage != .closed else { return }
      // Requests may have waited for room in the output.
      if stage == .reading { consumeInput() }
      guard stage != .closed else { return }
      settle()
    }
    guard stage != .closed else { return }
    if events & EPOLLIN.rawValue != 0 {
      read()
    } else if events & EPOLLRDHUP.rawValue != 0, interest & EPOLLIN.rawValue == 0 {
      inputEnded()
    }
    guard stage != .closed else { return }
    arm()
  }

  /// Reads once; the socket reports again if there is more.
  private func read() {
    let count = recv(socket, loop.scratch.baseAddress, loop.scratch.count, 0)
    if count < 0 {
      if errno != EAGAIN, errno != EINTR { close(.clientGone) }
      return
    }
    guard count > 0 else { return inputEnded() }
    let received = UnsafeRawBufferPointer(rebasing: loop.scratch[..<count])
    if stage == .lingering { return discardWhileLingering(count) }
    if closeAfterFlush { return }
    if let transport { return receiveSealed(transport, received) }
    take(received)
  }

  /// Takes plain bytes of the client's.
  func take(_ received: UnsafeRawBufferPointer) {
    if input.isEmpty {
      let used = consume(received)
      if stage != .closed, !closeAfterFlush, used < received.count {
        input.append(UnsafeRawBufferPointer(rebasing: received[used...]))
      }
    } else {
      input.append(received)
      consumeInput()
    }
    guard stage != .closed else { return }
    bodyProgressed()
    settle()
  }

  /// After input or output has moved: read on, stop reading, flush.
  func settle() {
    if sawEnd, stage == .reading { closeAfterFlush = true }
    setInterest(EPOLLIN.rawValue, input.count < limits.readAheadBytes && !sawEnd)
    if bodyMode == .stream, stage == .serving, !requestIsComplete {
      let isAwaited = exchange?.wantsBody ?? true
      readDeadline = isAwaited ? loop.now &+ limits.bodyStall.nanosecondsClamped : .max
    }
    // A socket that takes nothing says so when it does.
    guard interest & EPOLLOUT.rawValue == 0 else { return }
    if exchange == nil || stage == .reading || output.count > limits.lowWater {
      flush()
    } else if !output.isEmpty {
      loop.unflushed.append(key)
    }
  }

  /// Parses what was kept.
  func consumeInput() {
    guard !input.isEmpty else {
      // Ends that need no bytes: a request without a body.
      if mayParse, !parser.isAtStart { _ = consume(UnsafeRawBufferPointer(start: nil, count: 0)) }
      return
    }
    let used = consume(input.bytes)
    guard stage != .closed else { return }
    input.consume(closeAfterFlush ? input.count : used)
  }

  /// Whether the parser may go on: not past the end of a request that is not answered.
  private var mayParse: Bool {
    switch stage {
    case .reading: !closeAfterFlush && output.count < limits.highWater
    case .gathering: !closeAfterFlush
    case .serving:
      !requestIsComplete && !closeAfterFlush && (bodyMode != .stream || exchange?.wantsBody ?? true)
    case .lingering, .closed: false
    }
  }

  /// Parses as far as it may. Answers how many bytes were used.
  private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
    var offset = 0
    while mayParse {
      var used = 0
      let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
      let event = parser.next(rest, consumed: &used)
      offset += used
      switch event {
      case .needsMore:
        headProgressed()
        return offset
      case .head: headArrived()
      case .body(let range): bodyArrived(UnsafeRawBufferPointer(rebasing: rest[range]))
      case .end: requestEnded()
      case .refused(let refusal):
        refuse(refusal)
        return bytes.count
      }
      if stage == .reading, offset == bytes.count, parser.isAtStart { return offset }
    }
    return offset
  }

  /// Changes what epoll reports, if it differs.
  func setInterest(_ flag: UInt32, _ on: Bool) {
    let wanted = on ? interest | flag : interest & ~flag
    guard wanted != interest, stage != .closed else { return }
    interest = wanted
    var event = epoll_event(events: wanted, data: epoll_data_t(u64: key.data))
    epoll_ctl(loop.epoll, EPOLL_CTL_MOD, socket, &event)
  }
}

extension ConnectionKey {
  /// As epoll carries it. Generations stay below `UInt32.max`, which marks what is no connection.
  var data: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}
