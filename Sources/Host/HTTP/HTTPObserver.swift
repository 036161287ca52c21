// What the engine tells of each request that it answered: the seam to metrics and to the access log.
// Implemented by HostApp's wiring; called on loop threads, so it must be quick and must not block.
//
// SPDX-License-Identifier: Apache-2.0

/// One request that is over.
package struct HTTPRecord: Sendable {
  /// The listener's name.
  package let listener: String
  /// The route that was matched; nil when none was, or the request could not be read.
  package let route: Route?
  /// The status sent; 499 when the client left before one was (nginx's number for it).
  package let status: Int
  /// From the end of the request's head to the last byte handed to the system; 0 when there was no head.
  package let nanoseconds: UInt64
}

/// Hears of every request.
package typealias HTTPObserver = @Sendable (HTTPRecord) -> Void
