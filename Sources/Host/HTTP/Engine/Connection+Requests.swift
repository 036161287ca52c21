// From a parsed head to a handler: route, access, limits, body.
// Part of Connection. What a request may not have is answered here, by the host itself.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

extension Connection {
  /// Bytes of an unread body that are read and dropped to keep the connection; a longer one costs the connection. Ours.
  private static let discardLimit: UInt64 = 65_536
  /// How often a route that is leaving sends us back to the router for its successor. Ours.
  private static let gateAttempts = 8

  /// A head is complete: finds its route and decides about its body.
  func headArrived() {
    let head = parser.takeHead(replacement: spareHead.take())
    self.head = head
    loop.setEvictable(self, false)
    requests += 1
    startedAt = Clock.monotonic()
    isHeadRequest = head.equals(head.method, "HEAD")
    keepsAlive = head.keepsAlive && loop.stopBy == nil && requests < limits.requestsPerConnection
    requestIsComplete = false
    responseIsComplete = false
    isBegun = false
    isStreaming = false
    isEventStream = false
    discarded = 0
    status = 0
    readDeadline = .max
    isTimingHead = false
    bodyMode = .discard
    stage = .serving
    switch findRoute(head) {
    case .found(let route, let parameters): routeFound(route, parameters, head)
    case .options(let allow):
      if let refused = denied(head, nil) { return answer(refused) }
      var fields = HTTPFields()
      fields.append("allow", allow)
      answerLocally(204, fields, [])
    case .methodNotAllowed(let allow):
      if let refused = denied(head, nil) { return answer(refused) }
      guard ProblemDetails.isKnownMethod(head) else { return answer(.methodUnknown) }
      var fields = HTTPFields()
      fields.append("allow", allow)
      answer(.methodNotAllowed, fields)
    case .notFound:
      if let refused = denied(head, nil) { return answer(refused) }
      answer(ProblemDetails.isKnownMethod(head) ? .notFound : .methodUnknown)
    case nil: answer(.routeLeaving)
    }
  }

  /// Asks the router, again if the route found is leaving. A gate that was entered is left when the exchange ends.
  private func findRoute(_ head: RequestHead) -> RouteMatch? {
    for _ in 0..<Connection.gateAttempts {
      let match = listener.setup.router.current.match(head)
      guard case .found(let route, _) = match, let gate = route.options.gate else { return match }
      if gate.enter() { return match }
    }
    return nil
  }

  private func denied(_ head: RequestHead, _ route: Route?) -> AccessVerdict? {
    guard let rule = listener.setup.accessRule else { return nil }
    let verdict = rule(head, peer, route)
    if case .allow = verdict { return nil }
    return verdict
  }

  /// Whether the rule that let an event stream begin still does: a session may have ended since. Asked before each event and
  /// each ping, so that nothing more is shown to whom the owner has shut out.
  var isStillAllowed: Bool { head.map { denied($0, route) == nil } ?? true }

  private func routeFound(_ route: Route, _ parameters: [HTTPParameter], _ head: RequestHead) {
    if let refused = denied(head, route) {
      route.options.gate?.leave()
      self.route = route
      return answer(refused)
    }
    self.route = route
    if let refusal = bodyRefusal(route, head) {
      route.options.gate?.leave()
      return answer(refusal)
    }
    guard route.enter() else {
      route.options.gate?.leave()
      return answer(.tooManyRequests)
    }
    self.parameters = parameters
    requestDeadline = deadline(of: route)
    if head.expectsContinue, input.isEmpty { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
    if head.framing != .none { readDeadline = loop.now &+ limits.bodyStall.nanosecondsClamped }
    if route.options.streamsBody {
      bodyMode = .stream
      dispatch()
    } else {
      bodyMode = .gather
      stage = .gathering
    }
  }

  private func bodyRefusal(_ route: Route, _ head: RequestHead) -> HTTPRefusal? {
    let limit = route.options.maxBody ?? limits.bodyBytes
    parser.bodyLimit = limit
    switch head.framing {
    case .none: return nil
    case .length(let length): return length > limit ? .bodyTooLarge : nil
    case .chunked: return route.options.requiresLength ? .lengthRequired : nil
    }
  }

  private func deadline(of route: Route) -> UInt64 {
    switch route.options.timeLimit {
    case .none: .max
    case .standard: startedAt &+ limits.requestTime.nanosecondsClamped
    case .after(let time): startedAt &+ time.nanosecondsClamped
    }
  }

  /// A piece of the body.
  func bodyArrived(_ bytes: UnsafeRawBufferPointer) {
    switch bodyMode {
    case .gather:
      bodyHeld += bytes.count
      let held = loop.context.bodyMemory.add(bytes.count, ordering: .relaxed).newValue
      guard held <= limits.bufferedBodyBytes else { return abandonRoute(.bodyMemory) }
      body.append(contentsOf: bytes)
    case .stream:
      guard let exchange else { return }
      if exchange.enqueue(.body([UInt8](bytes), last: false)) { loop.schedule(exchange) }
    case .discard:
      discarded += UInt64(bytes.count)
      if discarded > Connection.discardLimit { closeAfterFlush = true }
    }
  }

  /// The request is complete, body and all.
  func requestEnded() {
    requestIsComplete = true
    readDeadline = .max
    if stage == .gathering {
      dispatch()
    } else if bodyMode == .stream, let exchange {
      if exchange.enqueue(.body([], last: true)) { loop.schedule(exchange) }
    }
    if responseIsComplete { messageDone() }
  }

  /// Hands the request to its handler.
  private func dispatch() {
    guard let route, let head else { return }
    stage = .serving
    let exchange = HTTPExchange(route: route, loop: loop.mailbox, connection: key, limits: limits)
    self.exchange = exchange
    let request = HTTPRequest(
      head: head, body: body, parameters: parameters, peer: peer, listener: listener.name,
      deadline: requestDeadline == .max ? 0 : requestDeadline)
    body = []
    parameters = []
    if sawEnd { goneAt = loop.now &+ limits.halfCloseGrace.nanosecondsClamped }
    if exchange.enqueue(.request(request)) { loop.schedule(exchange) }
  }

  /// Gives up a request whose route was entered and whose handler was not.
  func abandonRoute(_ refusal: HTTPRefusal) {
    guard let route else { return }
    leaveRoute(route)
    route.options.gate?.leave()
    stage = .serving
    bodyMode = .discard
    body = []
    answer(refusal)
  }

  /// The request is no longer inside its route.
  func leaveRoute(_ route: Route) {
    route.leave()
    releaseBody()
  }

  func releaseBody() {
    guard bodyHeld > 0 else { return }
    loop.context.bodyMemory.subtract(bodyHeld, ordering: .relaxed)
    bodyHeld = 0
  }

  /// Answers an access rule's refusal.
  private func answer(_ verdict: AccessVerdict) {
    switch verdict {
    case .allow: return
    case .refuse(let status, let fields, let code, let detail):
      let (problemFields, body) = ProblemDetails.body(status: status, code: code, detail: detail, for: head, fields)
      answerLocally(status, problemFields, body)
    case .page(let status, let fields, let body): answerLocally(status, fields, body)
    }
  }

  /// Answers a refusal, keeping the connection if the framing allows.
  func answer(_ refusal: HTTPRefusal, _ fields: HTTPFields = HTTPFields()) {
    let (problemFields, body) = ProblemDetails.body(of: refusal, for: head, fields)
    answerLocally(refusal.status, problemFields, body)
  }

  /// The parser refused: the bytes that follow mean nothing any more. Answer and close.
  func refuse(_ refusal: HTTPRefusal) {
    keepsAlive = false
    closeAfterFlush = true
    switch stage {
    case .reading:
      head = nil
      isHeadRequest = false
      startedAt = 0
      stage = .serving
      loop.setEvictable(self, false)
      responseIsComplete = false
      requestIsComplete = false
      answer(refusal)
    case .gathering: abandonRoute(refusal)
    case .serving:
      // The handler streams the body, or has answered already.
      guard let exchange, !responseIsComplete else { return flush() }
      endExchange(exchange, .error)
      if isBegun { return close(.error) }
      answer(refusal)
    case .lingering, .closed: break
    }
    flush()
  }
}
