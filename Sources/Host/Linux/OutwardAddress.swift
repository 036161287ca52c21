// The address by which other machines reach this one: the source address of the default route.
// Used to print links that open on a phone. Sends nothing: connecting a datagram socket only asks the routing table.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the routing table says of this machine.
package enum OutwardAddress {
  /// 192.0.2.1, a documentation address (RFC 5737) that lies behind the default route like any other.
  private static let somewhere: UInt32 = 0xC000_0201

  /// An IPv4 address that is not loopback; nil without a default route.
  package static func ipv4() -> String? {
    let socket = FileDescriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
    guard socket.number >= 0 else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(9).bigEndian
    address.sin_addr.s_addr = somewhere.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        connect(socket.number, pointer, length) == 0 ? getsockname(socket.number, pointer, &length) : -1
      }
    }
    let host = UInt32(bigEndian: address.sin_addr.s_addr)
    guard code == 0, host != 0, host >> 24 != 127 else { return nil }
    return (0..<4).map { String(host >> UInt32(24 - $0 * 8) & 0xFF) }.joined(separator: ".")
  }
}
