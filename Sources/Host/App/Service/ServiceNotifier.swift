// Tells the service manager how the host is: the datagrams of sd_notify(3), written by ourselves, since the protocol is
// a few lines of text and libsystemd would bring more code into the process than the host has.
// Used by ServiceManager only. Does not know what the host is doing.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux

/// The way to the service manager: `$NOTIFY_SOCKET`.
final class ServiceNotifier: Sendable {
  /// What goes into `sun_path`; the first byte of an abstract name is 0 (unix(7)).
  private let path: [UInt8]
  private let socket: FileDescriptor

  /// Bytes of `sun_path`, unix(7).
  private static let pathBytes = 108

  /// - Parameter address: the variable's value: an absolute path, or `@name` for an abstract one. Others, such as
  ///   `vsock:`, are for machines, not services.
  /// - Returns: nil when there is no service manager to tell, or no such address.
  init?(_ address: String?) {
    guard let address, let first = address.utf8.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else {
      return nil
    }
    var bytes = Array(address.utf8)
    guard bytes.count > 1, bytes.count < ServiceNotifier.pathBytes else { return nil }
    if first == UInt8(ascii: "@") { bytes[0] = 0 }
    path = bytes
    socket = FileDescriptor(
      owning: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0))
    guard socket.number >= 0 else { return nil }
  }

  /// Sends assignments, such as `READY=1`, in one datagram. A manager that is gone or does not read is not waited for.
  ///
  /// - Returns: whether the system took it.
  @discardableResult
  func send(_ assignments: [String]) -> Bool {
    let text = assignments.map { $0.replacing("\n", with: " ") }.joined(separator: "\n")
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    // An abstract name ends where the length says, a path at its NUL.
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    let length = socklen_t(offset + path.count + (path[0] == 0 ? 0 : 1))
    let bytes = Array(text.utf8)
    let descriptor = socket.number
    let sent = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == bytes.count
  }
}
