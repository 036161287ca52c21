// Cuts the byte stream of the websocket into frames (3-byte big-endian length, then that many bytes) and puts the
// length in front of what goes out. Websocket message borders mean nothing: one may hold several frames or a part of one.
// Called by SecureChannel; fuzzed. Source: protocol page, section 1.2.
//
// SPDX-License-Identifier: Apache-2.0

/// The receiving half: append what arrives, take out whole frames.
package struct FrameSplitter: Sendable {
  /// Largest frame in bytes: what a 3-byte length can say. A frame of length 0 does not occur and is refused.
  package static let frameLimit = (1 << 24) - 1

  private var buffer: [UInt8] = []
  private var start = 0

  package init() {}

  /// Bytes received that are not part of a frame taken out yet. Never more than one frame and one message.
  package var pending: Int { buffer.count - start }

  /// Adds what the websocket delivered.
  package mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0, start == buffer.count || start > 1 << 16 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// The next whole frame without its length, or nil when more bytes are needed.
  ///
  /// - Throws: ``ProtocolFault/malformed(_:_:)`` for a length of 0. The stream is then useless: close it.
  package mutating func next() throws(ProtocolFault) -> [UInt8]? {
    guard pending >= 3 else { return nil }
    let length = buffer[start..<start + 3].reduce(0) { $0 << 8 | Int($1) }
    guard length > 0 else { throw .malformed(.frame, "frame of length 0") }
    guard pending >= 3 + length else { return nil }
    let body = start + 3
    start = body + length
    return [UInt8](buffer[body..<start])
  }

  /// Puts the length in front of a frame.
  ///
  /// - Throws: ``ProtocolFault/tooLarge(_:limit:)`` above ``frameLimit``.
  package static func frame(_ payload: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    guard !payload.isEmpty, let length = UInt32(exactly: payload.count), length <= UInt32(frameLimit) else {
      throw .tooLarge(.frame, limit: frameLimit)
    }
    return length.bigEndianBytes.dropFirst() + payload
  }
}

/// The bytes in front of the first client frame of a connection.
package enum ConnectionHeader {
  /// "WA", protocol 6, dictionary version: the Noise prologue too.
  package static let intro: [UInt8] = [0x57, 0x41, 6, Tokens.dictionaryVersion]

  /// The intro, behind the edge-routing pre-intro when the server gave routing information before.
  ///
  /// Routing information of 2^24 bytes and more is left out.
  package static func bytes(routing: [UInt8]?) -> [UInt8] {
    guard let routing, !routing.isEmpty, let length = UInt32(exactly: routing.count), length < 1 << 24 else {
      return intro
    }
    return [0x45, 0x44, 0, 1] + length.bigEndianBytes.dropFirst() + routing + intro
  }
}
