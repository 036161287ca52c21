// What may stand between a connection's bytes and its socket: TLS. The engine moves the bytes; the filter turns them.
// A listener without one pays one comparison per read and per flush.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What ``TransportFilter/read(into:)`` came to.
package enum TransportRead: Sendable, Equatable {
  /// So many plain bytes are in the buffer.
  case bytes(Int)
  case needsMore
  /// The peer has said that it sends no more.
  case ended
  /// The bytes were not what they must be; what the filter has to say of it is in its output.
  case failed
}

/// Turns bytes on their way. Belongs to one connection, is touched by its loop's owner only, and never blocks.
package protocol TransportFilter: AnyObject {
  /// Takes bytes as the socket gave them; they are copied.
  func receive(_ bytes: UnsafeRawBufferPointer)
  /// Gives plain bytes. Called until it says something else than ``TransportRead/bytes(_:)``.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportRead
  /// Takes plain bytes to send; answers how many. None before the filter is open.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int
  /// Gives bytes for the socket; 0 when there are none.
  func takeOutput(into buffer: UnsafeMutableRawBufferPointer) -> Int
  /// Whether there are bytes for the socket.
  var hasOutput: Bool { get }
  /// Whether plain bytes can pass: the handshake is over and was good.
  var isOpen: Bool { get }
  /// Says to the peer that nothing more comes.
  func end()
}

/// Makes the filter of a new connection.
package typealias TransportFilterMaker = @Sendable () -> any TransportFilter

/// A filter with what waits for the socket behind it.
final class FilteredTransport {
  let filter: any TransportFilter
  private var sealed = OutputQueue()

  /// Plain bytes turned at once: the most that a TLS record holds (RFC 8446, 5.1).
  private static let pieceBytes = 16_384
  /// A record with its header and tag.
  private static let sealedBytes = pieceBytes + 512

  init(_ filter: any TransportFilter) { self.filter = filter }

  /// Moves what waits in `output` through the filter to the socket.
  ///
  /// While the handshake goes on, `output` waits and counts as drained: a connection that is closed then says nothing in plain.
  func flush(_ output: inout OutputQueue, to socket: Int32) -> OutputQueue.Flush {
    while true {
      moveSealed()
      let result = sealed.flush(to: socket)
      guard case .drained = result, filter.isOpen, !output.isEmpty else { return result }
      let taken = output.take(upTo: FilteredTransport.pieceBytes) { filter.write($0) }
      guard taken > 0 || filter.hasOutput else { return .failed }
    }
  }

  private func moveSealed() {
    guard filter.hasOutput else { return }
    withUnsafeTemporaryAllocation(byteCount: FilteredTransport.sealedBytes, alignment: 16) { buffer in
      while true {
        let count = filter.takeOutput(into: buffer)
        guard count > 0, let base = buffer.baseAddress else { return }
        sealed.append(base, count)
      }
    }
  }

  /// Says the end as far as the socket takes it.
  func end(on socket: Int32) {
    filter.end()
    moveSealed()
    _ = sealed.flush(to: socket)
  }
}

extension Connection {
  /// Bytes of the socket for a connection with a filter.
  func receiveSealed(_ transport: FilteredTransport, _ bytes: UnsafeRawBufferPointer) {
    let wasOpen = transport.filter.isOpen
    transport.filter.receive(bytes)
    // The filter has copied the bytes, which lie in the loop's scratch: it can serve again.
    reading: while stage != .closed, stage != .lingering, !closeAfterFlush {
      switch transport.filter.read(into: loop.scratch) {
      case .bytes(let count): take(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
      case .needsMore: break reading
      case .ended:
        inputEnded()
        break reading
      case .failed:
        transport.end(on: socket)
        return close(.clientGone)
      }
    }
    guard stage != .closed else { return }
    if !wasOpen, transport.filter.isOpen, stage == .reading, parser.isAtStart {
      readDeadline = loop.now &+ limits.idleTime.nanosecondsClamped
    }
    if transport.filter.hasOutput { flush() }
  }
}
