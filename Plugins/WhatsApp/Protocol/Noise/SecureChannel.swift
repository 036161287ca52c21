// The whole of one connection below the stanzas: header, frames, handshake, transport ciphers, node codec.
// LinkMachine owns one per websocket connection, feeds it the received bytes and sends what it returns. No I/O, no clock of its own.
//
// SPDX-License-Identifier: Apache-2.0

/// Turns received bytes into stanzas and stanzas into bytes to send.
///
///     idle ──open()──▶ helloSent ──receive(): server hello──▶ ready
///                          │                                   │
///                          └── receive(): fault ──▶ broken ◀───┘ (every later call is refused)
package struct SecureChannel: Sendable {
  /// What the received bytes brought.
  package enum Event: Sendable {
    /// The server is verified; send these bytes. Stanzas may flow from now on.
    case established(send: [UInt8])
    case stanza(Node)
    /// A frame that is the server's, but no stanza that we can read. The stream goes on behind it.
    case unreadable(ProtocolFault)
    /// The last event of a channel: close the connection.
    case broken(ProtocolFault)
  }

  private enum State {
    case idle
    case helloSent(NoiseHandshake)
    case ready(sender: TransportCipher, receiver: TransportCipher)
    case broken
  }

  private var state = State.idle
  private var splitter = FrameSplitter()
  private let payload: [UInt8]

  /// - Parameter payload: the ``ClientPayload`` for this connection.
  package init(payload: [UInt8]) { self.payload = payload }

  /// Whether the handshake is done.
  package var isReady: Bool { if case .ready = state { true } else { false } }

  /// The first bytes of the connection: header and client hello.
  ///
  /// - Parameter routing: routing information from an earlier connection, nil for none.
  package mutating func open(_ handshake: NoiseHandshake, routing: [UInt8]? = nil) throws(ProtocolFault) -> [UInt8] {
    guard case .idle = state else { throw .outOfOrder("open of a channel") }
    state = .helloSent(handshake)
    return ConnectionHeader.bytes(routing: routing) + (try FrameSplitter.frame(handshake.clientHello))
  }

  /// Takes bytes from the websocket, in whatever pieces.
  ///
  /// - Parameter now: unix seconds.
  /// - Returns: what they brought, in order; empty when no frame is complete. After ``Event/broken(_:)`` nothing follows.
  package mutating func receive(_ bytes: some Collection<UInt8>, now: Int64) -> [Event] {
    splitter.append(bytes)
    var events: [Event] = []
    do throws(ProtocolFault) {
      while let frame = try splitter.next() { events.append(try self.event(for: frame, now: now)) }
    } catch {
      state = .broken
      events.append(.broken(error))
    }
    return events
  }

  /// Encodes, encrypts and frames one stanza.
  package mutating func send(_ node: Node) throws(ProtocolFault) -> [UInt8] {
    guard case .ready(var sender, let receiver) = state else { throw .outOfOrder("send on a channel") }
    let frame = try FrameSplitter.frame(try sender.seal(try NodeEncoder.encode(node)))
    state = .ready(sender: sender, receiver: receiver)
    return frame
  }

  private mutating func event(for frame: [UInt8], now: Int64) throws(ProtocolFault) -> Event {
    switch state {
    case .idle, .broken: throw .outOfOrder("receive on a channel")
    case .helloSent(var handshake):
      let outcome = try handshake.finish(frame, payload: payload, now: now)
      state = .ready(sender: outcome.sender, receiver: outcome.receiver)
      return .established(send: try FrameSplitter.frame(outcome.clientFinish))
    case .ready(let sender, var receiver):
      let plain = try receiver.open(frame)
      state = .ready(sender: sender, receiver: receiver)
      do throws(ProtocolFault) { return .stanza(try NodeDecoder.decode(plain)) } catch { return .unreadable(error) }
    }
  }
}
