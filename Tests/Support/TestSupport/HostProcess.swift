// The real host under test: its own folders, free ports, addresses read from its `listening` lines.
// The agent is the one beside the test executable, built by the same `swift build`.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux

/// A host's folders: configuration, state, extensions.
package struct Site: Sendable {
  package let folder: TemporaryFolder
  package var config: String { folder.file("config") }
  package var state: String { folder.file("state") }
  package var extensions: String { folder.file("extensions") }

  package init(_ name: String = "site") throws(SystemError) {
    folder = try TemporaryFolder(name)
    for path in [config, extensions] { try AtomicFile.makeFolder(path, mode: 0o755) }
  }
}

/// A running `agent run`.
package final class HostProcess: Sendable {
  package let site: Site
  package let child: ChildProcess

  /// The folder of the executables that are tested.
  package static var binaries: String { Path.executableFolder() }
  package static var agent: String { Path.join(binaries, "agent") }

  /// Starts a host on free loopback ports.
  ///
  /// - Parameter arguments: after `agent run` and the site's folders.
  package init(
    _ site: Site, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws(SystemError) {
    self.site = site
    var variables = ["PATH": "/usr/bin:/bin", "HOME": site.folder.path]
    variables.merge(environment) { $1 }
    child = try ChildProcess(
      [
        HostProcess.agent, "run", "--config", site.config, "--state-dir", site.state, "--extensions", site.extensions,
        "--metrics-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
      ] + arguments, environment: variables, folder: site.folder.path)
  }

  /// The addresses by role, `metrics`, `http`, `admin`: nil when it ended or said nothing in time.
  package func listeners() async -> [String: String]? {
    guard await child.wait(until: { HostProcess.listeners(in: $0.output).count >= 3 }) else { return nil }
    return HostProcess.listeners(in: child.output)
  }

  /// Waits for the line that ends the boot sweep.
  package func ready() async -> Bool { await child.wait(until: { $0.output.contains("\nready ") }) }

  /// SIGTERM and its end.
  package func stop(seconds: Int = 30) async -> ProcessEnd {
    child.signal(15)
    return await child.ended(seconds: seconds)
  }

  private static func listeners(in output: String) -> [String: String] {
    var found: [String: String] = [:]
    for line in output.split(separator: "\n") where line.hasPrefix("listening ") {
      let fields = line.split(separator: " ").dropFirst().map { $0.split(separator: "=", maxSplits: 1) }
      let values = Dictionary(
        fields.filter { $0.count == 2 }.map { (String($0[0]), String($0[1])) }, uniquingKeysWith: { $1 })
      if let role = values["role"], let address = values["address"] { found[role] = address }
    }
    return found
  }
}
