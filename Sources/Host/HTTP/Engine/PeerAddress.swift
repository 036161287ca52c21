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

  /// Without the port: the key for counting connections of one peer.
  var withoutPort: PeerAddress { PeerAddress(high: high, low: low, port: 0) }

  /// The address without port or brackets: `127.0.0.1`, `::1`.
  package var host: String {
    if isIPv4 { return (0..<4).map { String(low >> UInt64(24 - $0 * 8) & 0xFF) }.joined(separator: ".") }
    var address = (high.bigEndian, low.bigEndian)
    var text = [CChar](repeating: 0, count: 46)
    guard inet_ntop(AF_INET6, &address, &text, 46) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// `127.0.0.1:8080`, `[::1]:8080`.
  package var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}
