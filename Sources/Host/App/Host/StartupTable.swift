// What `agent run` prints for people once it is up: where to go, and what became of each extension.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// The table after the `ready` line.
enum StartupTable {
  /// - Parameters:
  ///   - addresses: by role, as bound.
  ///   - metricsScheme: `https` where the metrics listener speaks TLS.
  ///   - pages: of channels, where an owner goes first.
  ///   - links: the same for other machines: each opens once.
  static func lines(
    addresses: [(role: String, address: String)], metricsScheme: String = "http", pages: [(name: String, path: String)],
    links: [(name: String, url: String)] = [], report: SweepReport
  ) -> [String] {
    var table = TextTable("", "")
    for (role, address) in addresses {
      let base = "http://\(reachable(address))"
      switch role {
      case ListenerRole.metrics.rawValue: table.add("metrics", "\(metricsScheme)://\(reachable(address))/metrics")
      case ListenerRole.http.rawValue:
        table.add("health", "\(base)/health")
        table.add("readiness", "\(base)/ready?verbose")
        for page in pages { table.add(page.name, base + page.path) }
        for link in links { table.add("\(link.name), once, for 10 min", link.url) }
      default: table.add("admin console", "\(base)/admin/")
      }
    }
    var lines = [""] + table.lines.dropFirst().map { "  \($0)" } + [""]
    var plugins = TextTable("EXTENSION", "VERSION", "STATUS", "REASON")
    for record in report.records {
      plugins.add(record.name, record.version, record.verdict.rawValue, record.reason?.code ?? "")
    }
    if plugins.isEmpty {
      lines.append("  no extensions yet: copy a folder with a plugin.toml into an extension directory")
    } else {
      lines += plugins.lines.map { "  \($0)" }
    }
    return lines + [""]
  }

  /// An address that a browser on this machine can open: every-address listeners are reached by loopback.
  static func reachable(_ address: String) -> String {
    address.replacing("0.0.0.0:", with: "127.0.0.1:").replacing("[::]:", with: "[::1]:")
  }
}
