// One request and its response: what a handler holds to answer, from any thread, now or years later.
// Made by the connection at dispatch. Its other face, for the event loop, is in HTTPExchange+Loop.swift.
//
// SPDX-License-Identifier: Apache-2.0

package import Synchronization

/// What became of a call on an exchange.
package enum HTTPSend: Equatable, Sendable {
  /// Taken. Not: received by the client.
  case ok
  /// Taken, and enough waits for the client: write no more until `becameWritable`.
  case full
  /// The exchange is over; nothing was taken.
  case gone
  /// The call breaks the contract; nothing was taken, nothing reached the wire.
  case misuse(HTTPMisuse)
}

/// The response side of a request. Every call is safe from every thread, and answers `.gone` after the end.
///
///     open ──respond()────────────────────────▶ answered ──flushed──▶ ended(done)
///       └──begin()──▶ streaming ──end()──────────▲
///     any ──client leaves, time over, host stops──▶ ended(reason)
package final class HTTPExchange: Sendable {
  enum Phase { case open, streaming, answered }

  /// A callback that waits for its turn.
  enum Callback {
    case request(HTTPRequest)
    case body([UInt8], last: Bool)
    case writable
    case end(HTTPEndReason)
  }

  /// The status and fields of a response that the loop has not yet taken.
  struct Head {
    var status: Int
    var fields: HTTPFields
    /// The response ends with the body that is taken together with the head: its length is known.
    var isWhole: Bool
  }

  /// What waits for the loop, in the order of the calls.
  struct Output {
    var head: Head?
    var body: [UInt8] = []
    var more: [[UInt8]] = []
    var isFinished = false
    /// The connection is cut instead of a proper end.
    var isCut = false
    var isEmpty: Bool { head == nil && body.isEmpty && more.isEmpty && !isFinished && !isCut }
  }

  struct State {
    var phase = Phase.open
    var ended: HTTPEndReason?
    var output = Output()
    /// Body bytes taken by `write` and not yet handed to the system.
    var waiting = 0
    var saidFull = false
    var noBody = false
    /// A thread runs the callbacks, or is about to.
    var isCalling = false
    var next: Callback?
    var later: [Callback] = []
    var queuedBodies = 0
    var bodyPaused = false
    /// The handler has a piece of the body in hand; a resume that comes now cancels the pause that it may answer.
    var isInBody = false
    var resumedEarly = false
    /// The exchange is in the loop's mailbox, or about to be.
    var isPosted = false
    /// The owner ended it for the handler.
    var isAbandoned = false

    /// Whether this call has to post the exchange.
    mutating func shouldPost() -> Bool {
      defer { isPosted = true }
      return !isPosted
    }
  }

  /// The route that was matched.
  package let route: Route
  /// A number for the bridge to plugins, free to use.
  package let tag = Atomic<UInt64>(0)
  let loop: LoopMailbox
  let connection: ConnectionKey
  let lowWater: Int
  let highWater: Int
  let hardWater: Int
  let state = Mutex(State())

  init(route: Route, loop: LoopMailbox, connection: ConnectionKey, limits: HTTPLimits) {
    self.route = route
    self.loop = loop
    self.connection = connection
    lowWater = limits.lowWater
    highWater = limits.highWater
    hardWater = limits.hardWater
  }

  /// Whether the exchange is over: the client left, the response is complete and sent, or time ran out.
  package var isOver: Bool { state.withLock { $0.ended != nil } }

  /// Gives the whole response.
  ///
  /// - Parameters:
  ///   - status: 200 to 599.
  ///   - fields: without Content-Length and other framing, which the host adds.
  ///   - body: empty for 204, 205 and 304. Left out on the wire when the request was HEAD.
  @discardableResult
  package func respond(_ status: Int, _ fields: HTTPFields, _ body: [UInt8] = []) -> HTTPSend {
    let result = state.withLock { state -> HTTPSend in
      if let refusal = HTTPExchange.check(state, status, fields) { return refusal }
      guard body.isEmpty || !HTTPStatus.forbidsContent(status) else { return .misuse(.bodyNotAllowed) }
      state.phase = .answered
      state.output.head = Head(status: status, fields: fields, isWhole: true)
      state.output.body = body
      state.output.isFinished = true
      return .ok
    }
    if result == .ok { postOnce() }
    return result
  }

  /// Gives the whole response, as text.
  @discardableResult
  package func respond(_ status: Int, contentType: String = "text/plain; charset=utf-8", text: String) -> HTTPSend {
    respond(status, HTTPFields(contentType: contentType), Array(text.utf8))
  }

  /// Gives status and fields of a response whose length is not known yet. Content-Type `text/event-stream` makes it an event
  /// stream: then each `write` is one whole event, and the host puts comments between them when it is silent.
  @discardableResult
  package func begin(_ status: Int, _ fields: HTTPFields) -> HTTPSend {
    let result = state.withLock { state -> HTTPSend in
      if let refusal = HTTPExchange.check(state, status, fields) { return refusal }
      state.phase = .streaming
      state.noBody = HTTPStatus.forbidsContent(status)
      state.output.head = Head(status: status, fields: fields, isWhole: false)
      return .ok
    }
    if result == .ok { postOnce() }
    return result
  }

  /// Gives the next piece of a begun response. No bytes are no piece, and taken.
  @discardableResult
  package func write(_ bytes: [UInt8]) -> HTTPSend {
    let result = state.withLock { state -> HTTPSend in
      guard state.ended == nil else { return .gone }
      guard state.phase == .streaming else { return .misuse(state.phase == .open ? .notBegun : .alreadyAnswered) }
      guard !bytes.isEmpty else { return state.waiting >= highWater ? .full : .ok }
      guard !state.noBody else { return .misuse(.bodyNotAllowed) }
      guard state.waiting < hardWater else { return .misuse(.ignoredFull) }
      state.output.more.append(bytes)
      state.waiting += bytes.count
      guard state.waiting >= highWater else { return .ok }
      state.saidFull = true
      return .full
    }
    if result == .ok || result == .full, !bytes.isEmpty { postOnce() }
    return result
  }

  /// Gives the next piece, copied from memory borrowed for the call.
  @discardableResult
  package func write(_ bytes: UnsafeRawBufferPointer) -> HTTPSend { write([UInt8](bytes)) }

  /// Ends a begun response.
  @discardableResult
  package func end() -> HTTPSend {
    let result = state.withLock { state -> HTTPSend in
      guard state.ended == nil else { return .gone }
      guard state.phase == .streaming else { return .misuse(state.phase == .open ? .notBegun : .alreadyAnswered) }
      state.phase = .answered
      state.output.isFinished = true
      return .ok
    }
    if result == .ok { postOnce() }
    return result
  }

  /// Asks for the next piece of the request's body, after ``BodyDemand/pause``.
  @discardableResult
  package func resumeBody() -> HTTPSend {
    let wasPaused = state.withLock { state -> Bool? in
      guard state.ended == nil else { return nil }
      let before = state.bodyPaused
      state.bodyPaused = false
      state.resumedEarly = state.isInBody
      return before
    }
    guard let wasPaused else { return .gone }
    if wasPaused { postOnce() }
    return .ok
  }

  private static func check(_ state: State, _ status: Int, _ fields: HTTPFields) -> HTTPSend? {
    guard state.ended == nil else { return .gone }
    guard state.phase == .open else { return .misuse(.alreadyAnswered) }
    guard (200...599).contains(status) else { return .misuse(.status(status)) }
    return fields.misuse.map(HTTPSend.misuse)
  }
}
