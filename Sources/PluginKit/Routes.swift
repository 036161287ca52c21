// Registers routes, and turns the host's callbacks into calls of the plugin's closures.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// Who may use a route, and how much of it.
public struct RouteOptions: Sendable {
  /// Who may use a route.
  public enum Access: UInt32, Sendable {
    /// From this machine, or with a session of the owner; the host refuses everybody else.
    case owner = 0
    /// Everybody.
    case `public` = 1
  }
  /// Who may use it.
  public var access: Access
  /// To the end of the response, after which the client gets 504; nil: the host's default, 30 s.
  public var timeout: Duration?
  /// Larger request bodies get 413; nil: the host's default, 1 MiB.
  public var maxBody: Int?
  /// More exchanges at once get 503; nil: the host's default, 256.
  public var maxInflight: Int?

  /// The host's defaults, for the owner only.
  public init(access: Access = .owner, timeout: Duration? = nil, maxBody: Int? = nil, maxInflight: Int? = nil) {
    self.access = access
    self.timeout = timeout
    self.maxBody = maxBody
    self.maxInflight = maxInflight
  }

  /// For everybody, with the host's defaults.
  public static let open = RouteOptions(access: .public)
}

extension PluginHost {
  /// A route whose closure answers at once, on a thread of the host's. It should return within 1 ms.
  ///
  /// - Parameter method: "GET" (which answers HEAD as well), "POST", ...; "*" is every method.
  /// - Parameter pattern: "/weather/{city}/today": `{name}` is one segment, a final `*` is everything below. It must lie
  ///   under a pattern of the manifest's `routes`.
  /// - Throws: ``PluginError`` `taken`, `denied`, `invalid`, with words for the operator.
  public func route(
    _ method: String, _ pattern: String, _ options: RouteOptions = RouteOptions(),
    _ handler: @escaping @Sendable (Request) throws -> Response
  ) throws {
    try add(method, pattern, options, isStream: false) { route, exchange, request in
      route.answer(exchange, request) { try handler(request) }
    }
  }

  /// A route whose closure awaits, on the plugin's own threads. It is cancelled when the client leaves.
  public func route(
    _ method: String, _ pattern: String, _ options: RouteOptions = RouteOptions(),
    _ handler: @escaping @Sendable (Request) async throws -> Response
  ) throws {
    try add(method, pattern, options, isStream: false) { route, exchange, request in
      let task = route.instance.spawn {
        do {
          let response = try await handler(request)
          route.answer(exchange, request) { response }
        } catch {
          route.answer(exchange, request) { throw error }
        }
      }
      exchange.onEnd { task.cancel() }
    }
  }

  /// A route that is answered by hand: keep the exchange and answer it from a timer, a callback, another thread.
  public func route(
    _ method: String, _ pattern: String, _ options: RouteOptions = RouteOptions(),
    later handler: @escaping @Sendable (Request, Exchange) throws -> Void
  ) throws {
    try add(method, pattern, options, isStream: false) { route, exchange, request in
      route.instance.begin()
      exchange.onEnd { route.instance.end(pending: ()) }
      do { try handler(request, exchange) } catch { route.answer(exchange, request) { throw error } }
    }
  }

  /// A route that streams server-sent events, for as long as the closure runs. It is cancelled when the client leaves
  /// and when the plugin stops or is replaced. Throw an ``HTTPError`` before the first event to refuse.
  public func events(
    _ pattern: String, _ options: RouteOptions = RouteOptions(),
    _ handler: @escaping @Sendable (Request, EventStream) async throws -> Void
  ) throws {
    try add("GET", pattern, options, isStream: true) { route, exchange, request in
      let task = route.instance.spawn(endless: true) {
        do {
          let stream = EventStream(exchange)
          try await handler(request, stream)
          try stream.finish()
        } catch {
          route.broke(exchange, request, error)
        }
      }
      exchange.onEnd { task.cancel() }
    }
  }

  private func add(
    _ method: String, _ pattern: String, _ options: RouteOptions, isStream: Bool,
    _ handler: @escaping @Sendable (Route, Exchange, Request) -> Void
  ) throws {
    let http = try services.http
    let route = Route(instance, pattern: pattern, handler)
    try checked("route \(method) \(pattern)") { error in
      method.withCString { method in
        pattern.withCString { pattern in
          var spec = nexo_http_route_1()
          spec.size = UInt32(MemoryLayout<nexo_http_route_1>.size)
          spec.flags = isStream ? NEXO_HTTP_EVENTS.bits : 0
          spec.method = method
          spec.pattern = pattern
          spec.access = options.access.rawValue
          spec.timeout_ms = UInt32(clamping: (options.timeout?.nanoseconds ?? 0) / 1_000_000)
          spec.max_body = UInt64(clamping: options.maxBody ?? 0)
          spec.max_inflight = UInt32(clamping: options.maxInflight ?? 0)
          spec.ctx = instance.keep(route)
          spec.on_request = { ctx, id, request in
            if let ctx, let request { Route.at(ctx).begin(id, Request(request)) }
          }
          spec.on_writable = { ctx, id in if let ctx { Route.at(ctx).exchange(id)?.becameWritable() } }
          spec.on_end = { ctx, id, _ in if let ctx { Route.at(ctx).end(id) } }
          return http.pointee.route(services.host, &spec, error)
        }
      }
    }
  }
}

/// What the host's callbacks of one route point to: the closure, and the exchanges that are under way.
private final class Route: Sendable {
  let instance: Instance
  private let pattern: String
  private let handler: @Sendable (Route, Exchange, Request) -> Void
  private let exchanges = Mutex<[nexo_http_x: Exchange]>([:])

  init(_ instance: Instance, pattern: String, _ handler: @escaping @Sendable (Route, Exchange, Request) -> Void) {
    self.instance = instance
    self.pattern = pattern
    self.handler = handler
  }

  static func at(_ ctx: UnsafeMutableRawPointer) -> Route { Unmanaged<Route>.fromOpaque(ctx).takeUnretainedValue() }

  func exchange(_ id: nexo_http_x) -> Exchange? { exchanges.withLock { $0[id] } }

  func begin(_ id: nexo_http_x, _ request: Request) {
    let exchange = Exchange(instance, id)
    exchanges.withLock { $0[id] = exchange }
    handler(self, exchange, request)
  }

  func end(_ id: nexo_http_x) { exchanges.withLock { $0.removeValue(forKey: id) }?.ended() }

  /// Answers with what a handler gave, or with what its error means.
  func answer(_ exchange: Exchange, _ request: Request, _ result: () throws -> Response) {
    do { try exchange.respond(try result()) } catch { broke(exchange, request, error) }
  }

  /// A handler failed: the client gets an ``HTTPError``'s own answer or a bare 500, the operator gets the words.
  func broke(_ exchange: Exchange, _ request: Request, _ error: any Error) {
    if exchange.isEnded { return }
    if !(error is HTTPError || error is CancellationError) {
      PluginLog(instance.services).error(
        "handler failed",
        ["error.text": PluginError(error).text, "http.method": request.method, "http.route": pattern])
    }
    // A client that left meanwhile is no failure.
    if exchange.hasBegun { try? exchange.end() } else { try? exchange.respond(Response(error)) }
  }
}

extension Int {
  /// A flag of the header's, as the unsigned field that it goes into.
  var bits: UInt32 { UInt32(truncatingIfNeeded: self) }
}
