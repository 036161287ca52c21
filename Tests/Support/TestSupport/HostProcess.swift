// The real host under test: its own folders, free ports, addresses read from its `listening` lines.
// The agent is the one beside the test executable, built by the same `swift build`.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import HostLinux

/// A host's folders: configuration, state, extensions. Comes with canaries planted.
package struct Site: Sendable {
  package let folder: TemporaryFolder
  /// What must not show, looked for in every process of this site.
  package let canaries = Canaries()
  package var config: String { folder.file("config") }
  package var state: String { folder.file("state") }
  package var extensions: String { folder.file("extensions") }

  package init(_ name: String = "site") throws(SystemError) {
    folder = try TemporaryFolder(name)
    for path in [config, extensions] { try AtomicFile.makeFolder(path, mode: 0o755) }
    try plant()
    canaries.answer(to: config)
  }

  /// The variable that the planted configuration reads.
  static let variable = "NEXO_CANARY"

  /// Plants a plugin's configuration that no plugin asks for: the host reads it, resolves it and compares it all the same.
  private func plant() throws(SystemError) {
    try folder.write("secrets/canary", canaries.secret("secret file") + "\n", mode: 0o600)
    try folder.write(
      "config/plugins/zz-canary.yaml",
      """
      zz-canary:
        token: "\(canaries.secret("plugin's configuration"))"
        owner: "\(canaries.address("plugin's configuration"))"
        number: "+\(canaries.number("plugin's configuration"))"
        from_variable: "${\(Site.variable):-}"
        from_file: "${file:\(folder.file("secrets/canary"))}"

      """, mode: 0o600)
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
    // What the host's environment holds must not come out of it either.
    variables[Site.variable] = site.canaries.secret("environment")
    variables["OPENAI_API_KEY"] = site.canaries.secret("key of a model provider")
    // scripts/sanitize.sh turns Swift's own report of a crash off.
    if let setting = getenv("SWIFT_BACKTRACE") { variables["SWIFT_BACKTRACE"] = String(cString: setting) }
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
    let found = HostProcess.listeners(in: child.output)
    for address in found.values { site.canaries.answer(to: address) }
    return found
  }

  /// Waits for the line that ends the boot sweep.
  package func ready() async -> Bool { await child.wait(until: { $0.output.contains("\nready ") }) }

  /// Looks for canaries, then SIGTERM and its end.
  package func stop(seconds: Int = 30) async -> ProcessEnd {
    if child.end == nil { look() }
    child.signal(15)
    let end = await child.ended(seconds: seconds)
    site.canaries.look(atState: site.state)
    return end
  }

  /// Looks through what the running host says of itself. What does not answer, for the test has taken it away or shut
  /// itself out, is not looked at.
  package func look() {
    let addresses = HostProcess.listeners(in: child.output)
    func look(_ role: String, _ path: String, _ allowed: Set<Canaries.Reach>) -> Bool {
      guard let address = addresses[role], let client = try? HTTPClient(address, seconds: 5),
        let answer = try? client.request("GET", path)
      else { return false }
      site.canaries.look(in: answer.text, "\(role) \(path)", allowed: allowed)
      return true
    }
    guard look("metrics", "/metrics", []) else { return }
    for path in ["/health", "/ready", "/ready?verbose"] { _ = look("http", path, []) }
    for path in HostProcess.adminPages { guard look("admin", path, [.owner]) else { return } }
  }

  /// Everything that the admin console shows to who asks without naming anything.
  private static let adminPages = [
    "/admin/", "/admin/agents", "/admin/tool-policy", "/admin/tool-cache/stats", "/admin/extensions",
    "/admin/credentials", "/admin/pairing", "/admin/dlq",
  ]

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
