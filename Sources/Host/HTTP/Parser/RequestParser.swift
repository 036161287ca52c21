// The request parser: bytes in, head, body and refusals out. Strict by RFC 9112 and RFC 9110; never guesses.
// Called by Connection with whatever the socket gave; pure, does no I/O and knows no clock.
// The head is parsed line by line (RequestParser+Head.swift), chunked bodies in RequestParser+Body.swift.
//
// The verdict never depends on how the bytes are split: a line is judged when its line feed is there, or when it is longer
// than its limit, and both depend only on the bytes so far.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An incremental parser of the requests of one connection.
///
///     start ──first byte──▶ requestLine ──line──▶ fields ──empty line──▶ headDone ──next()──┐
///       ▲                                                                                 │
///       │        ┌── lengthBody ◀── Content-Length ──────────────────────────────────────┤
///       │        ├── chunkSize ⇄ chunkData ⇄ chunkEnd ─0─▶ trailers ◀── chunked ─────────┤
///       └─next()─┴── messageDone ◀── no body ────────────────────────────────────────────┘
///     any ──refuse()──▶ refused (for ever)
package struct RequestParser {
  /// What the parser made of the bytes it was given.
  package enum Event: Equatable {
    /// All bytes are consumed and more are needed.
    case needsMore
    /// The head is complete and in ``head``.
    case head
    /// Bytes of the body: a range of the input given to this call.
    case body(Range<Int>)
    /// The message is complete; the next byte belongs to the next request.
    case end
    /// The connection's framing is lost, or the request is not acceptable: answer and close.
    case refused(HTTPRefusal)
  }

  enum State: Equatable {
    case start
    case requestLine
    case fields
    /// The head was handed out; the framing is kept here, since the head may have been taken since.
    case headDone(RequestHead.BodyFraming)
    case lengthBody(UInt64)
    case chunkSize
    case chunkData(UInt64)
    case chunkEnd(carriageReturnSeen: Bool)
    case trailers
    case messageDone
    case refused(HTTPRefusal)
  }

  let limits: HTTPLimits
  var state = State.start
  /// The head being parsed, or parsed last.
  package private(set) var head = RequestHead()
  /// Bytes the body of the current message may have; set it after ``Event/head`` to the route's limit.
  package var bodyLimit: UInt64

  /// Offset in the head's block of the line being read.
  var lineStart = 0
  /// Offset in the head's block of the first header line.
  var fieldsStart = 0
  var emptyLines = 0
  var sawCarriageReturn = false
  /// A chunk-size or trailer line that arrived in pieces.
  var line: [UInt8] = []
  var bodyReceived: UInt64 = 0
  var chunkOverhead = 0
  var trailerBytes = 0

  /// A parser at the start of a connection.
  package init(limits: HTTPLimits) {
    self.limits = limits
    bodyLimit = limits.bodyBytes
  }

  /// Whether a request has begun and its head is not complete: the time limit on headers applies.
  package var isInHead: Bool {
    switch state {
    case .requestLine, .fields: true
    case .start: emptyLines > 0 || sawCarriageReturn
    default: false
    }
  }

  /// Whether nothing of a request has arrived yet.
  package var isAtStart: Bool { state == .start && !sawCarriageReturn && emptyLines == 0 }

  /// Whether body bytes of the current message are still to come.
  package var awaitsBody: Bool {
    switch state {
    case .headDone(let framing): framing != .none
    case .lengthBody, .chunkSize, .chunkData, .chunkEnd, .trailers: true
    default: false
    }
  }

  /// Body bytes still to come, if the length is known.
  package var remainingBody: UInt64? {
    switch state {
    case .headDone(let framing):
      switch framing {
      case .none: 0
      case .length(let length): length
      case .chunked: nil
      }
    case .lengthBody(let rest): rest
    case .messageDone, .start: 0
    default: nil
    }
  }

  /// Gives the parsed head away and takes another block for the next request.
  ///
  /// - Parameter replacement: an unshared head to use again, or nil for a new one.
  package mutating func takeHead(replacement: RequestHead? = nil) -> RequestHead {
    let taken = head
    head = replacement ?? RequestHead()
    return taken
  }

  /// Goes on parsing.
  ///
  /// - Parameters:
  ///   - input: bytes not yet consumed; borrowed for the call. May be empty: ends that need no bytes are reported.
  ///   - consumed: set to how many of them were used. After ``Event/needsMore`` it is all of them.
  package mutating func next(_ input: UnsafeRawBufferPointer, consumed: inout Int) -> Event {
    consumed = 0
    while true {
      let event: Event?
      switch state {
      case .start: event = skipToRequest(input, &consumed)
      case .requestLine, .fields: event = headLine(input, &consumed)
      case .headDone(let framing): event = beginBody(framing)
      case .lengthBody, .chunkData: event = data(input, &consumed)
      case .chunkSize, .trailers: event = framingLine(input, &consumed)
      case .chunkEnd: event = chunkEnd(input, &consumed)
      case .messageDone:
        restart()
        return .end
      case .refused(let refusal): return .refused(refusal)
      }
      if let event { return event }
    }
  }

  /// Enters the refused state, which is never left.
  mutating func refuse(_ refusal: HTTPRefusal) -> Event {
    state = .refused(refusal)
    return .refused(refusal)
  }

  private mutating func restart() {
    state = .start
    emptyLines = 0
    sawCarriageReturn = false
    bodyLimit = limits.bodyBytes
  }

  /// Skips empty lines before the request line (RFC 9112, 2.2) and refuses at once what cannot begin a method.
  private mutating func skipToRequest(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Event? {
    while consumed < input.count {
      let byte = input[consumed]
      if sawCarriageReturn {
        guard byte == Byte.lf else { return refuse(.leadingGarbage) }
        sawCarriageReturn = false
        emptyLines += 1
        guard emptyLines <= limits.leadingEmptyLines else { return refuse(.leadingGarbage) }
      } else if byte == Byte.cr {
        sawCarriageReturn = true
      } else if byte == Byte.lf {
        return refuse(.bareLineFeed)
      } else {
        guard ByteSet.token.contains(byte) else { return refuse(.leadingGarbage) }
        head.reset()
        lineStart = 0
        state = .requestLine
        return nil
      }
      consumed += 1
    }
    return .needsMore
  }

  /// Takes one line of the head, or what there is of it.
  private mutating func headLine(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> Event? {
    let rest = input.count - consumed
    guard rest > 0, let start = input.baseAddress.map({ $0 + consumed }) else { return .needsMore }
    let found = memchr(start, Int32(Byte.lf), rest)
    let length = found.map { UnsafeRawPointer($0) - start + 1 } ?? rest
    let inRequestLine = state == .requestLine
    let section = inRequestLine ? lineStart : fieldsStart
    let limit = inRequestLine ? limits.requestLineBytes : limits.headerBytes
    guard head.count - section + length <= limit else {
      return refuse(inRequestLine ? .requestLineTooLong : .headersTooLarge)
    }
    head.append(start, length)
    consumed += length
    guard found != nil else { return .needsMore }
    let end = head.count - 2
    guard end >= lineStart, head.bytes[end] == Byte.cr else { return refuse(.bareLineFeed) }
    if inRequestLine {
      if let refusal = requestLine(lineStart..<end) { return refuse(refusal) }
      fieldsStart = head.count
      state = .fields
    } else if end == lineStart {
      if let refusal = finishHead() { return refuse(refusal) }
      state = .headDone(head.framing)
      return .head
    } else {
      guard head.fieldCount < limits.headerCount else { return refuse(.headersTooLarge) }
      if let refusal = field(lineStart..<end) { return refuse(refusal) }
    }
    lineStart = head.count
    return nil
  }
}
