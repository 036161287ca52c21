// A free TCP port on loopback, for programs that cannot choose one themselves.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux

/// Holds a port for as long as the value lives.
struct HTTPPort: ~Copyable {
  let number: Int
  private let socket: FileDescriptor

  init() throws(SystemError) {
    socket = FileDescriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = socket.number
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard code == 0 else { throw SystemError("bind") }
    number = Int(UInt16(bigEndian: address.sin_port))
  }
}
