// The receiving end of sd_notify(3), as systemd has it: a datagram socket with a path or an abstract name.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import Synchronization

/// Collects what a service says of itself.
final class NotifySocket: Sendable {
  /// The value of `NOTIFY_SOCKET`.
  let address: String
  private let socket: Int32
  private let received = Mutex<[String]>([])

  /// - Parameter address: a path, or `@name`.
  init(_ address: String) throws(SystemError) {
    self.address = address
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var bytes = Array(address.utf8)
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
    let descriptor = socket
    let bound = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard bound == 0 else { throw SystemError("bind", on: address) }
  }

  deinit { close(socket) }

  /// Every datagram so far, each as its lines.
  var messages: [String] {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count >= 0 else { break }
      received.withLock { $0.append(String(decoding: buffer[..<count], as: UTF8.self)) }
    }
    return received.withLock { $0 }
  }

  /// Every assignment so far, in order.
  var lines: [String] { messages.flatMap { $0.split(separator: "\n").map(String.init) } }

  /// How often a line was said.
  func count(_ line: String) -> Int { lines.count { $0 == line } }

  /// Waits until the condition holds; false when it does not within the time.
  func wait(seconds: Int = 20, until holds: ([String]) -> Bool) async -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while Clock.monotonic() < deadline {
      if holds(lines) { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}
