// nexo.http/1: registering routes and answering exchanges, from any thread.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import PluginAPI
internal import PluginBoundary

enum HTTPService {
  private static let maxHeaders = 128
  /// Ours: larger responses are streamed.
  private static let maxBody = 64 << 20
  /// What `*` stands for; HEAD comes with GET, CONNECT is no business of an origin server.
  private static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

  static var table: nexo_http_1 {
    nexo_http_1(
      size: ServiceTables.size(nexo_http_1.self),
      route: { host, route, error in HTTPService.route(host, route, error) },
      respond: { host, id, status, headers, count, body in
        HTTPService.onExchange(host, id) { foreign in
          guard let fields = HTTPService.fields(headers, count), let body = body.bytes(limit: HTTPService.maxBody)
          else {
            return .misuse(.fieldValue)
          }
          return foreign.exchange.respond(Int(status), fields, body)
        }
      },
      begin: { host, id, status, headers, count in
        HTTPService.onExchange(host, id) { foreign in
          guard let fields = HTTPService.fields(headers, count, isEventStream: foreign.isEventStream) else {
            return .misuse(.fieldValue)
          }
          return foreign.exchange.begin(Int(status), fields)
        }
      },
      write: { host, id, chunk in
        HTTPService.onExchange(host, id) { foreign in
          guard let bytes = chunk.borrowed(limit: HTTPService.maxBody) else { return .misuse(.fieldValue) }
          return foreign.exchange.write(bytes)
        }
      },
      end: { host, id in HTTPService.onExchange(host, id) { $0.exchange.end() } },
      body_resume: { host, id in HTTPService.onExchange(host, id) { $0.exchange.resumeBody() } })
  }

  private static func onExchange(_ host: Host?, _ id: nexo_http_x, _ body: (ForeignExchange) -> HTTPSend) -> nexo_status
  {
    HostDoor.withInstance(of: host) { instance in
      guard let foreign = instance.exchanges.find(id) else { return gone }
      switch body(foreign) {
      case .ok: return ok
      case .full: return nexo_status(NEXO_FULL)
      case .gone: return gone
      case .misuse(.ignoredFull): return nexo_status(NEXO_E_LIMIT)
      case .misuse(let misuse):
        instance.misbehaved("http", "\(misuse)")
        return invalid
      }
    } ?? gone
  }

  /// The header fields; nil when the list cannot be read.
  private static func fields(_ headers: UnsafePointer<nexo_kv>?, _ count: Int, isEventStream: Bool = false)
    -> HTTPFields?
  {
    guard count > 0 else { return isEventStream ? untypedEvents : untyped }
    var fields = HTTPFields()
    var hasType = false
    guard count <= maxHeaders, headers != nil else { return nil }
    if let headers {
      for index in 0..<count {
        guard let name = headers[index].key.borrowed(limit: 1_024),
          let value = headers[index].value.borrowed(limit: 65_536)
        else { return nil }
        let bytes = name.bindMemory(to: UInt8.self)
        hasType = hasType || isContentType(bytes)
        // Dates are the host's: its own is always right.
        if isDate(bytes) { return nil }
        fields.append(name: bytes, value: value.bindMemory(to: UInt8.self))
      }
    }
    if !hasType { fields.append("content-type", isEventStream ? eventStream : plainText) }
    return fields
  }

  /// What a response says of its type when the plugin does not.
  private static let plainText = "text/plain; charset=utf-8"
  private static let eventStream = "text/event-stream"
  /// The fields of a response for which the plugin gives none.
  private static var untyped: HTTPFields { HTTPFields(fixedType: "text/plain; charset=utf-8") }
  private static let untypedEvents = HTTPFields(contentType: eventStream)

  private static func isContentType(_ name: UnsafeBufferPointer<UInt8>) -> Bool { isSame(name, "content-type") }
  private static func isDate(_ name: UnsafeBufferPointer<UInt8>) -> Bool { isSame(name, "date") }
  private static func isSame(_ name: UnsafeBufferPointer<UInt8>, _ lower: StaticString) -> Bool {
    guard name.count == lower.utf8CodeUnitCount else { return false }
    for index in 0..<name.count where name[index] | 0x20 != lower.utf8Start[index] | 0x20 { return false }
    return true
  }

  private static func route(
    _ host: Host?, _ raw: UnsafePointer<nexo_http_route_1>?, _ error: UnsafeMutablePointer<nexo_err>?
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return fail(error, gone, "the instance has ended") }
    guard let raw = take(raw), let method = text(of: raw.method, limit: 64),
      let pattern = text(of: raw.pattern, limit: 1_024), raw.on_request != nil
    else {
      return instance.refuse(RegistrationRules.invalid("route: size, method, pattern or on_request is missing"), error)
    }
    let what = "route \(method) \(pattern)"
    guard instance.ledger.isCreating else { return instance.refuse(RegistrationRules.late(what), error) }
    if let refusal = RegistrationRules(instance.manifest).route(method: method, pattern: pattern) {
      return instance.refuse(refusal, error)
    }
    if let owner = instance.host.routes.owner(of: pattern, besides: instance.id) {
      return instance.refuse(RegistrationRules.taken(what, by: owner), error)
    }
    do throws(RouteError) {
      let handler = ForeignRoute(raw, pattern: try RoutePattern(pattern), instance: instance)
      let options = options(raw, instance)
      var made: [Route] = []
      for method in method == "*" ? methods : [method] {
        made.append(try Route(method, pattern, options, handler: handler))
      }
      // Two of the same place in one plugin: the second is refused, as one of another plugin would be.
      _ = try RouteTable(instance.ledger.entries.routes + made)
      instance.ledger.add { $0.routes += made }
      return ok
    } catch let refused {
      if case .taken = refused {
        return instance.refuse(RegistrationRules.taken(what, by: "this plugin itself"), error)
      }
      return instance.refuse(RegistrationRules.invalid("\(refused)"), error)
    }
  }

  private static func options(_ raw: nexo_http_route_1, _ instance: Instance) -> RouteOptions {
    /// The header's defaults.
    let defaultTimeout: UInt32 = 30_000
    let defaultBody: UInt64 = 1 << 20
    let defaultInFlight: UInt32 = 256
    var options = RouteOptions()
    options.maxBody = raw.max_body == 0 ? defaultBody : raw.max_body
    options.maxInFlight = Int(raw.max_inflight == 0 ? defaultInFlight : raw.max_inflight)
    let isEvents = raw.flags & UInt32(NEXO_HTTP_EVENTS) != 0
    options.timeLimit =
      isEvents ? .none : .after(.milliseconds(Int(raw.timeout_ms == 0 ? defaultTimeout : raw.timeout_ms)))
    options.streamsBody = raw.on_body != nil
    options.access = Int(raw.access) == NEXO_ACCESS_PUBLIC ? .public : .owner
    options.owner = instance.host.handlerOwner(of: instance.id)
    options.gate = instance.admission
    return options
  }
}
