// A socket address as the engine needs it: comparable without its port, and as text.
// Made from accept(2)'s answer and from the addresses that listeners are configured with.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 address and port. IPv4-mapped IPv6 addresses are IPv4.
package struct PeerAddress: Sendable, Hashable, CustomStringConvertible {
  /// The address in network order, IPv4 as `::ffff:a.b.c.d`.
  private let high: UInt64
  private let low: UInt64
  package let port: UInt16

  private init(high: UInt64, low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    self.port = port
  }

  /// From what the system filled in. Nil for other families.
  init?(_ storage: sockaddr_storage) {
    var storage = storage
    switch Int32(storage.ss_family) {
    case AF_INET:
      self = withUnsafeBytes(of: &storage) { raw in
        let address = raw.load(as: sockaddr_in.self)
        return PeerAddress(
          high: 0, low: 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.sin_addr.s_addr)),
          port: UInt16(bigEndian: address.sin_port))
      }
    case AF_INET6:
      self = withUnsafeBytes(of: &storage) { raw in
        let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
        return PeerAddress(
          high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
          low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)),
          port: UInt16(bigEndian: raw.load(as: sockaddr_in6.self).sin6_port))
      }
    default: return nil
    }
  }

  private var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// 127.0.0.0/8 or ::1.
  package var isLoopback: Bool { isIPv4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1 }

  /// What one visitor has to himself, without the port: an IPv4 address, or the /64 of an IPv6 one (RFC 4291, 2.5.4).
  /// The key for limits of what he may try.
  package var visitor: PeerAddress { PeerAddress(high: high, low: isIPv4 ? low : high == 0 ? low : 0, port: 0) }

  /// Without the port: the key for counting connections of one peer.
  var withoutPort: PeerAddress { PeerAddress(high: high, low: low, port: 0) }

  /// The address without port or brackets: `127.0.0.1`, `::1`.
  package var host: String { withHost { String(decoding: $0, as: UTF8.self) } }

  /// The bytes of ``host``, borrowed for the call; made without allocating, for each request to a plugin.
  package func withHost<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      let count = isIPv4 ? writeIPv4(text) : writeIPv6(text)
      return body(UnsafeBufferPointer(rebasing: text[..<count]))
    }
  }

  private func writeIPv4(_ text: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var count = 0
    func add(_ byte: UInt8) {
      text[count] = byte
      count += 1
    }
    for index in 0..<4 {
      let part = UInt8(truncatingIfNeeded: low >> UInt64(24 - index * 8))
      if index > 0 { add(Byte.dot) }
      if part >= 100 { add(UInt8(ascii: "0") + part / 100) }
      if part >= 10 { add(UInt8(ascii: "0") + part / 10 % 10) }
      add(UInt8(ascii: "0") + part % 10)
    }
    return count
  }

  private func writeIPv6(_ text: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var address = (high.bigEndian, low.bigEndian)
    return text.withMemoryRebound(to: CChar.self) { text in
      inet_ntop(AF_INET6, &address, text.baseAddress, socklen_t(text.count)).map { strlen($0) } ?? 0
    }
  }

  /// `127.0.0.1:8080`, `[::1]:8080`.
  package var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}
