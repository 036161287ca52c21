// The bridge from the HTTP engine to a plugin's route: requests in, callbacks in order, on_end exactly once and last.
// Called by the engine on its own threads, watched there; for a serial plugin everything goes through its event queue.
// What a plugin sees of a request is put together in ForeignRoute+Request.swift.
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
  let functions: nexo_http_route_1
  let pattern: RoutePattern
  let instance: Instance
  /// The instance's, which it keeps, without counting references at each request: all loops would count in one place.
  private let exchanges: Unmanaged<SlotTable<ForeignExchange>>

  init(_ functions: nexo_http_route_1, pattern: RoutePattern, instance: Instance) {
    self.functions = functions
    self.pattern = pattern
    self.instance = instance
    exchanges = .passUnretained(instance.exchanges)
  }

  /// The engine calls ended() always: this object counts on it, even when the plugin does not want to hear.
  var hearsEnd: Bool { true }

  func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let foreign = ForeignExchange(exchange: exchange, isEventStream: functions.flags & UInt32(NEXO_HTTP_EVENTS) != 0)
    let id = exchanges._withUnsafeGuaranteedRef { $0.insert(foreign) }
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
    // Whatever the plugin does with the id from here on finds nothing, as it would find an exchange that is over.
    guard exchanges._withUnsafeGuaranteedRef({ $0.remove(id) }) != nil, let onEnd = functions.on_end else { return }
    _ = instance.event(.onEnd) { onEnd(functions.ctx, id, reason.foreign) }
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
}
