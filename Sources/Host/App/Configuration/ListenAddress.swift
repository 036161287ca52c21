// An address to listen on, as a flag or a file gives it: `127.0.0.1:9090`, `[::1]:0`, `:8080`, `localhost:9091`.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A numeric host and a port.
struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// `127.0.0.1` or `::1`: numeric, without brackets.
  let host: String
  /// 0: any free port.
  let port: UInt16

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads the text forms; nil when it is none of them. An empty host is every IPv4 address; `localhost` is 127.0.0.1.
  /// Other names are refused: a listener must not depend on a resolver.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      var address = in6_addr()
      guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
    } else {
      if host.isEmpty { host = "0.0.0.0" }
      if host == "localhost" { host = "127.0.0.1" }
      var address = in_addr()
      guard inet_pton(AF_INET, host, &address) == 1 else { return nil }
    }
    self.init(host: host, port: port)
  }

  var isIPv6: Bool { host.contains(":") }

  /// Whether only this machine reaches it: 127.0.0.0/8 or ::1.
  var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

  /// `[::1]:8080`.
  var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
