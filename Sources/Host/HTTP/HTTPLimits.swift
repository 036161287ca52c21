// Every bound of the HTTP engine in one place: sizes, counts and times, each with its unit and where it comes from.
// A listener carries one value of this type; tests make small ones.
//
// SPDX-License-Identifier: Apache-2.0

/// The limits of one listener. The defaults are ours unless a source is named.
package struct HTTPLimits: Sendable, Equatable {
  /// Bytes of the request line with its CRLF; more is 414. RFC 9112, 3 asks for at least 8,000.
  package var requestLineBytes = 8_192
  /// Bytes of all header lines together with their CRLFs, the empty line included; more is 431. nginx: 4 x 8 KiB.
  package var headerBytes = 32_768
  /// Header lines; more is 431. Apache httpd's `LimitRequestFields` is 100.
  package var headerCount = 100
  /// Bytes of a request body where the route says nothing else; more is 413. nginx's `client_max_body_size` is 1 MiB.
  package var bodyBytes: UInt64 = 1 << 20
  /// Bytes of buffered request bodies over all connections of the server; beyond it 503.
  package var bufferedBodyBytes = 64 << 20
  /// Bytes of one chunk-size line with its extensions and CRLF; more is 400. RFC 9112, 7.1.1: "ought to limit".
  package var chunkLineBytes = 256
  /// Bytes of chunk framing over what the data earns (8 bytes of framing per byte of data); more is 400.
  package var chunkOverheadBytes = 16_384
  /// Bytes of the trailer section; more is 431. Trailers are checked and dropped.
  package var trailerBytes = 8_192
  /// Empty lines tolerated before a request line; more is 400. RFC 9112, 2.2: "at least one".
  package var leadingEmptyLines = 4

  /// Connections open at once on the listener. Full: the longest idle or slowest goes; if all work, the new one gets 503.
  package var connections = 4_096
  /// Connections open at once from one address, with the same consequence.
  package var connectionsPerPeer = 2_048
  /// Requests on one connection before it is closed. nginx's `keepalive_requests` is 1,000; ours only bounds odd clients.
  package var requestsPerConnection = 1_000_000
  /// Bytes read ahead of the request being answered (pipelining); then the socket is not read until it is answered.
  package var readAheadBytes = 65_536
  /// Bytes of answers waiting for the client before a handler's `write` says `.full`.
  package var highWater = 256 << 10
  /// Bytes of answers waiting at which `onWritable` follows a `.full`.
  package var lowWater = 64 << 10
  /// Bytes waiting beyond which `write` refuses: the handler ignored `.full`.
  package var hardWater = 4 << 20

  /// Time from a request's first byte to the end of its headers, in all; then 408. A slow loris lives this long.
  package var headerTime: Duration = .seconds(10)
  /// Time without any byte of a body that is awaited; then 408.
  package var bodyStall: Duration = .seconds(20)
  /// Time a connection may be idle between requests, and before its first byte; then it is closed.
  package var idleTime: Duration = .seconds(60)
  /// Time without any byte taken by a client that has bytes waiting; then it is reset.
  package var writeStall: Duration = .seconds(30)
  /// Time a half-closed client may wait for an answer that is not begun before it counts as gone.
  package var halfCloseGrace: Duration = .seconds(3)
  /// Time that a closing connection reads and discards, so that the last answer is not lost to a reset. RFC 9112, 9.6.
  package var lingerTime: Duration = .seconds(2)
  /// Time from request to the end of the response where the route says nothing else; then 504 or a reset.
  package var requestTime: Duration = .seconds(30)
  /// Time between comments on a silent event stream, which show a client that has gone.
  package var eventStreamPing: Duration = .seconds(15)
  /// Threads that one route owner's stuck handlers may hold; beyond it 503.
  package var stuckHandlersPerOwner = 16

  package init() {}
}

extension Duration {
  /// Whole nanoseconds; negative durations are 0, and more than 292 years is 292 years.
  package var nanosecondsClamped: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 9_000_000_000 else { return 9_000_000_000_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
