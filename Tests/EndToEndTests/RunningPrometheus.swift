// A real Prometheus, as Debian has it, beside a host under test.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport

/// A running `prometheus`; stopped with ``stop()``, killed when it goes away.
struct RunningPrometheus: Sendable {
  let process: ChildProcess
  let address: String

  init(_ site: Site, configuration: String) throws {
    // Prometheus cannot say which port it chose, so it is given one that was free a moment ago.
    address = "127.0.0.1:\(try HTTPPort().number)"
    process = try ChildProcess([
      "prometheus", "--config.file=\(configuration)", "--storage.tsdb.path=\(site.folder.file("tsdb"))",
      "--web.listen-address=\(address)",
    ])
  }

  /// The API's answer to a query, as text.
  func query(_ expression: String) throws -> String { try ask(expression).text }

  /// The API's answer to a query.
  func ask(_ expression: String) throws -> HTTPAnswer {
    let unreserved = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
    let digits = Array("0123456789ABCDEF")
    let encoded = expression.utf8.reduce(into: "") { text, byte in
      text +=
        unreserved.contains(byte) ? String(UnicodeScalar(byte)) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }
    return try HTTPClient.get(address, "/api/v1/query?query=\(encoded)")
  }

  func stop() async {
    process.signal(15)
    _ = await process.ended()
  }
}
