// What answers requests: the host's pages, the scrape, the admin console, and the bridge to plugins.
// Called by the event loop (routes of the host) or under the watch of HandlerOwner (routes of plugins).
//
// SPDX-License-Identifier: Apache-2.0

/// Whether a handler wants the next piece of a body.
package enum BodyDemand: Sendable {
  case more
  /// No more until ``HTTPExchange/resumeBody()``; the host stops reading the socket.
  case pause
}

/// Why an exchange is over.
package enum HTTPEndReason: String, Sendable, CaseIterable {
  /// The whole response was handed to the system.
  case done
  /// The client closed or reset the connection.
  case clientGone = "client_gone"
  /// The route's time was over, or the client took nothing for too long.
  case timeout
  /// The host, or the route's owner, is stopping.
  case stopping
  /// The request's body was malformed or too long, or the response could not be sent.
  case error
}

/// Answers the requests of a route.
///
/// The callbacks of one exchange come one at a time and in order; those of different exchanges come at the same time from
/// several threads. A handler of a route without an owner must not block.
package protocol HTTPHandler: Sendable {
  /// A request. Answer through the exchange, now or later, from any thread.
  func handle(_ request: HTTPRequest, _ exchange: HTTPExchange)

  /// A piece of the body, for routes with ``RouteOptions/streamsBody``.
  ///
  /// - Parameters:
  ///   - chunk: borrowed for the call; may be empty when `last`.
  ///   - last: true exactly once, unless the exchange ends before.
  func receive(_ chunk: UnsafeRawBufferPointer, last: Bool, _ exchange: HTTPExchange) -> BodyDemand

  /// After a `write` that said `.full`: little enough waits now.
  func becameWritable(_ exchange: HTTPExchange)

  /// Exactly once for each `handle`, after every other callback of the exchange has returned.
  func ended(_ exchange: HTTPExchange, _ reason: HTTPEndReason)

  /// False spares the call of ``ended(_:_:)``.
  var hearsEnd: Bool { get }
}

extension HTTPHandler {
  package func receive(_ chunk: UnsafeRawBufferPointer, last: Bool, _ exchange: HTTPExchange) -> BodyDemand { .more }
  package func becameWritable(_ exchange: HTTPExchange) {}
  package func ended(_ exchange: HTTPExchange, _ reason: HTTPEndReason) {}
  package var hearsEnd: Bool { true }
}

/// A handler that is one closure, for pages that answer at once or keep the exchange themselves.
package struct HTTPPage: HTTPHandler {
  private let body: @Sendable (HTTPRequest, HTTPExchange) -> Void

  package init(_ body: @escaping @Sendable (HTTPRequest, HTTPExchange) -> Void) { self.body = body }

  package func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) { body(request, exchange) }
  package var hearsEnd: Bool { false }
}
