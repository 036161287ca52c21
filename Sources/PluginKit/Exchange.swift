// One HTTP exchange that is answered by hand: later, from another thread, or in pieces.
// Made by Routes.swift; EventStream.swift is built on it.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// One exchange. Answer it once, whenever and from wherever: after it has ended every call throws ``PluginError`` `gone`.
///
///     open ──respond()──────────────────▶ ended
///       └──begin()──▶ streaming ──end()──────▲
///     open, streaming ──(client gone, deadline, stop)──▶ ended
public final class Exchange: Sendable {
  private struct State {
    var isEnded = false
    var hasBegun = false
    var onEnd: [@Sendable () -> Void] = []
  }
  /// Held across calls into the host, which never calls back before they return: so the host sees the calls of one
  /// exchange one after the other, as it must.
  private let state = Mutex(State())
  /// Closed while the client is behind.
  private let room = Gate(isOpen: true)
  private let instance: Instance
  private let id: nexo_http_x

  init(_ instance: Instance, _ id: nexo_http_x) {
    self.instance = instance
    self.id = id
  }

  /// Whether it has ended, for whatever reason.
  public var isEnded: Bool { state.withLock { $0.isEnded } }
  /// Whether the status line has been sent.
  var hasBegun: Bool { state.withLock { $0.hasBegun } }

  /// Runs a closure when the exchange has ended, at once if it has already: the client may be gone long before the answer.
  public func onEnd(_ body: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      if !state.isEnded { state.onEnd.append(body) }
      return state.isEnded
    }
    if isLate { body() }
  }

  /// Sends the whole answer.
  public func respond(_ response: Response) throws {
    try call("respond") { http, host, _ in
      lend(response.headers) { headers in
        lend(response.body) {
          http.pointee.respond(host, id, UInt32(clamping: response.status), headers.baseAddress, headers.count, $0)
        }
      }
    }
  }

  /// Sends status and headers; the body follows with ``write(_:)`` and ``end()``.
  public func begin(status: Int = 200, headers: [(String, String)] = []) throws {
    try call("begin") { http, host, state in
      state.hasBegun = true
      return lend(headers) {
        http.pointee.begin(host, id, UInt32(clamping: status), $0.baseAddress, $0.count)
      }
    }
  }

  /// Sends a piece of the body.
  ///
  /// - Returns: false when it was taken but the client is behind: wait for ``writable()`` before the next one.
  @discardableResult
  public func write(_ chunk: [UInt8]) throws -> Bool {
    try call("write") { http, host, _ in
      let status = lend(chunk) { http.pointee.write(host, id, $0) }
      if status == NEXO_FULL.status { room.close() }
      return status
    } != NEXO_FULL.status
  }

  /// Waits until there is room for another ``write(_:)``. Throws when the exchange ends, or the task is cancelled.
  public func writable() async throws { try await room.wait() }

  /// Ends the body.
  public func end() throws { try call("end") { http, host, _ in http.pointee.end(host, id) } }

  private static let gone = PluginError(.gone, "the exchange has ended")

  @discardableResult
  private func call(
    _ what: String,
    _ body: (UnsafePointer<nexo_http_1>, UnsafePointer<nexo_host_1>, inout State) throws -> nexo_status
  ) throws -> nexo_status {
    let http = try instance.services.http
    let status = try state.withLock { state in
      state.isEnded ? NEXO_E_GONE.status : try body(http, instance.services.host, &state)
    }
    try PluginError.check(status, what)
    return status
  }

  // MARK: From the host

  /// Waits for the state's lock first: a write() that is about to close the gate has closed it by then.
  func becameWritable() { state.withLock { _ in room.open() } }

  func ended() {
    let closures = state.withLock { state in
      state.isEnded = true
      defer { state.onEnd = [] }
      return state.onEnd
    }
    room.fail(Self.gone)
    for body in closures { body() }
  }
}
