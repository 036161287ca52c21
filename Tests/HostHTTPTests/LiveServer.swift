// A server of the engine on a free port, for tests, and handlers that record what they are told.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP
import HostLinux
import Synchronization
import TestSupport

/// A running server with one listener, stopped when it goes away.
final class LiveServer: Sendable {
  let server: HTTPServer
  let router: Router
  let records = Recorder<HTTPRecord>()
  var address: String { server.listeners[0].address.description }

  init(_ routes: [Route], limits: HTTPLimits = HTTPLimits(), loops: Int = 2, rule: AccessRule? = nil) throws {
    router = Router(try RouteTable(routes))
    var setup = HTTPListenerSetup(name: "public", address: "127.0.0.1:0", router: router)
    setup.limits = limits
    setup.accessRule = rule
    let records = records
    server = try HTTPServer([setup], loops: loops, observer: { records.add($0) })
    try server.start()
  }

  deinit { server.stop(grace: .zero) }

  func client(seconds: Int = 20) throws -> HTTPClient { try HTTPClient(address, seconds: seconds) }
}

/// Collects values from any thread; a test waits for them on its own thread.
final class Recorder<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  var all: [Value] { values.withLock { $0 } }

  func add(_ value: Value) { values.withLock { $0.append(value) } }
  func clear() { values.withLock { $0 = [] } }

  /// The values once there are at least `count`; fewer when the deadline passes first.
  func wait(for count: Int, seconds: Int = 20) -> [Value] {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while Clock.monotonic() < deadline {
      let now = all
      if now.count >= count { return now }
      usleep(1_000)
    }
    return all
  }
}

/// A handler made of closures, which records how its exchanges end.
struct Scripted: HTTPHandler {
  let ends = Recorder<HTTPEndReason>()
  let writables = Recorder<Bool>()
  let pieces = Recorder<(bytes: [UInt8], last: Bool)>()
  var demand = BodyDemand.more
  var onEnd: (@Sendable () -> Void)?
  let onRequest: @Sendable (HTTPRequest, HTTPExchange) -> Void

  init(demand: BodyDemand = .more, _ onRequest: @escaping @Sendable (HTTPRequest, HTTPExchange) -> Void) {
    self.demand = demand
    self.onRequest = onRequest
  }

  func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) { onRequest(request, exchange) }
  func receive(_ chunk: UnsafeRawBufferPointer, last: Bool, _ exchange: HTTPExchange) -> BodyDemand {
    pieces.add((Array(chunk), last))
    if last { exchange.respond(200, text: "got it") }
    return demand
  }
  func becameWritable(_ exchange: HTTPExchange) { writables.add(true) }
  func ended(_ exchange: HTTPExchange, _ reason: HTTPEndReason) {
    ends.add(reason)
    onEnd?()
  }
}

/// A route that answers at once with a text.
func page(_ method: String = "GET", _ pattern: String, _ text: String = "ok", _ options: RouteOptions = RouteOptions())
  throws -> Route
{
  try Route(method, pattern, options, handler: HTTPPage { _, exchange in exchange.respond(200, text: text) })
}

/// Options of a foreign route.
func foreign(_ name: String = "plugin", limit: Int = 16) -> RouteOptions {
  var options = RouteOptions()
  options.owner = HandlerOwner(name: name, stuckLimit: limit)
  return options
}

/// Blocks threads until it is opened; opening lets all through, for ever.
final class Barrier: Sendable {
  private let isOpen = Atomic<Bool>(false)
  private let inside = Atomic<Int>(0)
  var waiting: Int { inside.load(ordering: .sequentiallyConsistent) }
  func wait() {
    inside.add(1, ordering: .sequentiallyConsistent)
    while !isOpen.load(ordering: .sequentiallyConsistent) { usleep(500) }
    inside.subtract(1, ordering: .sequentiallyConsistent)
  }
  func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }
  /// Waits until so many threads stand here.
  func awaitArrivals(_ count: Int, seconds: Int = 20) -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while waiting < count, Clock.monotonic() < deadline { usleep(500) }
    return waiting >= count
  }
}
