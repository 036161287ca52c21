// The bridge from the HTTP engine to a plugin's route: requests in, callbacks in order, on_end exactly once and last.
// Called by the engine on its own threads, watched there; for a serial plugin everything goes through its event queue.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// One exchange as a plugin knows it.
struct ForeignExchange: Sendable {
  let exchange: HTTPExchange
  /// Writes of event streams keep their boundaries.
  let isEventStream: Bool

  /// Ends it, because the instance ends: 503 if nothing was begun yet, else the response ends here.
  func stop() { exchange.abandon(cleanly: isEventStream) }
}

extension HTTPEndReason {
  /// As the header names it.
  fileprivate var foreign: Int32 {
    switch self {
    case .done: Int32(NEXO_END_DONE)
    case .clientGone: Int32(NEXO_END_CLIENT_GONE)
    case .timeout: Int32(NEXO_END_TIMEOUT)
    case .stopping: Int32(NEXO_END_STOPPING)
    case .error: Int32(NEXO_END_ERROR)
    }
  }
}

/// A plugin's route.
///
/// `@unchecked Sendable`: the functions and the context belong to the plugin, which allows any thread.
final class ForeignRoute: HTTPHandler, @unchecked Sendable {
  private let functions: nexo_http_route_1
  private let pattern: RoutePattern
  private let instance: Instance

  init(_ functions: nexo_http_route_1, pattern: RoutePattern, instance: Instance) {
    self.functions = functions
    self.pattern = pattern
    self.instance = instance
  }

  /// The engine calls ended() always: this object counts on it, even when the plugin does not want to hear.
  var hearsEnd: Bool { true }

  func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let foreign = ForeignExchange(exchange: exchange, isEventStream: functions.flags & UInt32(NEXO_HTTP_EVENTS) != 0)
    let id = instance.exchanges.insert { _ in foreign }
    guard id != 0 else {
      exchange.respond(503, text: "The plugin has too many requests.\n")
      return
    }
    exchange.tag.store(id, ordering: .releasing)
    guard instance.isSerial else { return enter(request, id) }
    run(exchange) { [self] in enter(request, id) }
  }

  func receive(_ chunk: UnsafeRawBufferPointer, last: Bool, _ exchange: HTTPExchange) -> BodyDemand {
    let id = exchange.tag.load(ordering: .acquiring)
    guard id != 0, let onBody = functions.on_body else { return .more }
    guard instance.isSerial else {
      return deliver(chunk, last, id, onBody) ? .more : .pause
    }
    // The engine waits for the plugin's queue: no more than one piece of a body is copied at a time.
    let copy = Array(chunk)
    run(exchange) { [self] in
      if copy.withUnsafeBytes({ deliver($0, last, id, onBody) }) { exchange.resumeBody() }
    }
    return .pause
  }

  func becameWritable(_ exchange: HTTPExchange) {
    let id = exchange.tag.load(ordering: .acquiring)
    guard id != 0, let onWritable = functions.on_writable else { return }
    run(exchange) { [self] in _ = instance.event(.onWritable) { onWritable(functions.ctx, id) } }
  }

  func ended(_ exchange: HTTPExchange, _ reason: HTTPEndReason) {
    let id = exchange.tag.load(ordering: .acquiring)
    guard id != 0 else { return }
    guard instance.isSerial else { return finish(id, reason) }
    // The engine counts the request out when this returns; the instance must still wait for the queue.
    instance.admission.enterAnyway()
    let isQueued = instance.events.submit(mustRun: true) { [self] in
      finish(id, reason)
      instance.admission.leave()
    }
    if !isQueued {
      _ = instance.exchanges.remove(id)
      instance.admission.leave()
    }
  }

  private func finish(_ id: UInt64, _ reason: HTTPEndReason) {
    if let onEnd = functions.on_end, instance.exchanges.find(id) != nil {
      _ = instance.event(.onEnd) { onEnd(functions.ctx, id, reason.foreign) }
    }
    _ = instance.exchanges.remove(id)
  }

  /// Calls the plugin here, or for a serial plugin on its one event thread.
  private func run(_ exchange: HTTPExchange, _ body: @escaping @Sendable () -> Void) {
    guard instance.isSerial else { return body() }
    if !instance.events.submit(body) { exchange.respond(503, text: "The plugin has too much to do.\n") }
  }

  private func deliver(
    _ chunk: UnsafeRawBufferPointer, _ last: Bool, _ id: UInt64,
    _ onBody: @convention(c) (UnsafeMutableRawPointer?, nexo_http_x, nexo_str, Int32) -> nexo_status
  ) -> Bool {
    let bytes = nexo_str(ptr: chunk.baseAddress?.assumingMemoryBound(to: CChar.self), len: chunk.count)
    return instance.event(.onBody) { onBody(functions.ctx, id, bytes, last ? 1 : 0) } != nexo_status(NEXO_FULL)
  }

  private func enter(_ request: HTTPRequest, _ id: UInt64) {
    let head = request.head
    let rest = pattern.isPrefix ? ForeignRoute.rest(of: head.buffer(head.rawPath), after: pattern.segments.count) : nil
    func text(_ span: HTTPSpan) -> nexo_str { ForeignRoute.text(head.buffer(span)) }
    withExtendedLifetime(head) {
      withUnsafeTemporaryAllocation(of: nexo_kv.self, capacity: head.fieldCount) { headers in
        for index in 0..<head.fieldCount {
          let field = head.fields[index]
          headers.initializeElement(at: index, to: nexo_kv(key: text(field.name), value: text(field.value)))
        }
        ForeignRoute.withParameters(request.parameters, rest: rest) { parameters in
          request.peer.withHost { peer in
            request.body.withUnsafeBufferPointer { body in
              var raw = nexo_http_request_1(
                size: UInt32(MemoryLayout<nexo_http_request_1>.size), flags: 0, method: text(head.method),
                path: text(head.path), query: text(head.query),
                peer: ForeignRoute.text(peer),
                headers: UnsafePointer(headers.baseAddress), header_count: head.fieldCount,
                params: parameters.baseAddress, param_count: parameters.count, body: ForeignRoute.text(body),
                content_length: request.contentLength ?? .max,
                deadline_ns: request.deadline == 0 ? .max : request.deadline)
              let isCalled: Void? = instance.event(.onRequest) { functions.on_request(functions.ctx, id, &raw) }
              if isCalled == nil { instance.exchanges.find(id)?.stop() }
            }
          }
        }
      }
    }
  }

  private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> nexo_str {
    guard !bytes.isEmpty, let base = bytes.baseAddress else { return nexo_str() }
    return nexo_str(ptr: UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self), len: bytes.count)
  }

  /// What a final `*` matched, decoded once: the path below the pattern's segments, without its first slash.
  static func rest(of rawPath: UnsafeBufferPointer<UInt8>, after segments: Int) -> [UInt8] {
    var raw = rawPath[...]
    for _ in 0...segments {
      guard let slash = raw.firstIndex(of: UInt8(ascii: "/")) else { return [] }
      raw = raw[(slash + 1)...]
    }
    var decoded: [UInt8] = []
    while let byte = raw.popFirst() {
      // The parser has refused escapes that are not two hexadecimal digits.
      if byte == UInt8(ascii: "%"), raw.count >= 2, let pair = Hex.bytes(String(decoding: raw.prefix(2), as: UTF8.self))
      {
        decoded += pair
        raw = raw.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    return decoded
  }

  private static func withParameters(
    _ matched: [HTTPParameter], rest: [UInt8]?, _ body: (UnsafeBufferPointer<nexo_kv>) -> Void
  ) {
    if matched.isEmpty, rest == nil { return body(UnsafeBufferPointer(start: nil, count: 0)) }
    var parameters = matched.map { (name: $0.name, value: $0.value) }
    if let rest { parameters.append((name: [UInt8(ascii: "*")], value: rest)) }
    var bytes: [UInt8] = []
    for parameter in parameters { bytes += parameter.name + parameter.value }
    bytes.withUnsafeBufferPointer { all in
      var offset = 0
      var pairs: [nexo_kv] = []
      func next(_ count: Int) -> nexo_str {
        defer { offset += count }
        return text(UnsafeBufferPointer(rebasing: all[offset..<offset + count]))
      }
      for parameter in parameters {
        pairs.append(nexo_kv(key: next(parameter.name.count), value: next(parameter.value.count)))
      }
      pairs.withUnsafeBufferPointer(body)
    }
  }
}
