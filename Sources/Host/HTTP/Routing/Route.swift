// One route: method, pattern, its handler, and the limits under which the handler is entered.
// Made by the host's modules and by the plugin bridge; entered by the connection that matched it.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Who may use a route. What the classes mean is decided by the listener's ``AccessRule``.
package enum AccessClass: String, Sendable, CaseIterable {
  /// Anybody who reaches the listener.
  case `public`
  /// The operator.
  case owner
}

/// Lets something that comes and goes (a plugin's generation) refuse new requests and count those inside.
package protocol RouteGate: Sendable {
  /// Called before the handler is entered. False: leaving; the router is asked again with its newest table.
  func enter() -> Bool
  /// Called once for each successful ``enter()``, after the handler's last callback for the request has returned.
  func leave()
}

/// How long a request may take, from its head to the last byte of its response.
package enum RouteTimeLimit: Sendable, Equatable {
  /// The listener's ``HTTPLimits/requestTime``.
  case standard
  case after(Duration)
  /// For event streams. The handler is ended when the host stops.
  case none
}

/// What holds for a route beside its method, pattern and handler. The defaults suit a page of the host.
package struct RouteOptions: Sendable {
  /// Bytes of a request's body; nil: the listener's limit.
  package var maxBody: UInt64?
  /// Requests inside at once; more get 503. nil: no bound but the connections.
  package var maxInFlight: Int?
  package var timeLimit = RouteTimeLimit.standard
  /// The handler is called at the head and gets the body in pieces.
  package var streamsBody = false
  /// A request without Content-Length is answered 411.
  package var requiresLength = false
  package var access = AccessClass.public
  /// Set: the handler is foreign code that may block, and is watched on account of this owner. nil: it never blocks and
  /// runs as part of the event loop.
  package var owner: HandlerOwner?
  package var gate: (any RouteGate)?

  package init() {}
}

/// A route that requests can be matched to.
package final class Route: Sendable {
  /// An upper-case method name, or another token.
  package let method: String
  package let pattern: RoutePattern
  package let options: RouteOptions
  package let handler: any HTTPHandler
  /// Unique in the process: lets an observer keep per-route state in its own table.
  package let id: Int
  /// Whether the end of an exchange concerns anybody.
  let hearsEnd: Bool
  /// ``RouteOptions/owner``, which the options keep, without counting references at each request (docs/adr/0004, item 10).
  let owner: Unmanaged<HandlerOwner>?
  /// Requests inside.
  let inFlight = Atomic<Int>(0)

  private static let nextID = Atomic<Int>(0)

  /// - Throws: ``RouteError``, for the pattern or the method.
  package init(
    _ method: String, _ pattern: String, _ options: RouteOptions = RouteOptions(), handler: any HTTPHandler
  ) throws(RouteError) {
    guard !method.isEmpty, method.utf8.count <= 32, method.utf8.allSatisfy({ ByteSet.token.contains($0) }),
      method != "CONNECT"
    else { throw .badMethod(method) }
    self.method = method
    self.pattern = try RoutePattern(pattern)
    self.options = options
    self.handler = handler
    hearsEnd = handler.hearsEnd || options.gate != nil
    owner = options.owner.map(Unmanaged.passUnretained)
    id = Route.nextID.add(1, ordering: .relaxed).newValue
  }

  /// Takes a place, or answers false when all are taken.
  func enter() -> Bool {
    let inside = inFlight.add(1, ordering: .relaxed).newValue
    guard let bound = options.maxInFlight, inside > bound else { return true }
    inFlight.subtract(1, ordering: .relaxed)
    return false
  }

  func leave() { inFlight.subtract(1, ordering: .relaxed) }
}
