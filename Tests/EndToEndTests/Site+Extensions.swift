// What end-to-end tests drop into a site: fixtures compiled on demand, manifests, broken files; and asking the host.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport

extension Site {
  static let fixtures = FixturePlugins.packageRoot + "/Tests/Fixtures/Plugins"

  /// A manifest for a library.
  static func manifest(
    _ id: String, version: String = "1.0.0", capabilities: String, library: String = "lib.so", more: String = ""
  ) -> String {
    """
    [plugin]
    id = "\(id)"
    version = "\(version)"
    [capabilities]
    \(capabilities)
    [transport]
    kind = "library"
    library = "\(library)"
    \(more)
    """
  }

  /// Compiles a fixture plugin.
  static func library(_ fixture: String, _ macros: [String] = [], flags: [String] = []) throws -> [UInt8] {
    let source = String(decoding: try AtomicFile.read("\(fixtures)/\(fixture).c"), as: UTF8.self)
    let path = try FixturePlugins.build(source: source, flags: macros.map { "-D\($0)" } + flags + ["-pthread"])
    return try AtomicFile.read(path)
  }

  /// Puts an extension in place: the library first, then the manifest, as `agent ext install` would have it.
  func drop(
    _ id: String, _ library: [UInt8]?, capabilities: String, version: String = "1.0.0", more: String = "",
    folder: String? = nil
  ) throws {
    let place = "extensions/\(folder ?? id)"
    try AtomicFile.makeFolder(self.folder.file(place), mode: 0o755)
    if let library { try AtomicFile.write(library, to: self.folder.file("\(place)/lib.so"), mode: 0o755) }
    try self.folder.write(
      "\(place)/plugin.toml", Site.manifest(id, version: version, capabilities: capabilities, more: more))
  }

  /// The pages fixture under an id of its own.
  func dropPages(_ id: String = "pages", mark: String = "one", more: [String] = []) throws {
    let library = try Site.library(
      "pages", ["ID=\"\(id)\"", "MARK=\"\(mark)\"", "METRIC=\"\(id)_requests_total\""] + more)
    try drop(id, library, capabilities: "routes = [\"/pages/*\"]\nmetrics = [\"\(id)_*\"]")
  }
}

/// A running host with its addresses.
struct RunningHost: Sendable {
  let process: HostProcess
  let http: String
  let metrics: String
  let admin: String

  /// Starts a host and waits until its boot sweep is over.
  init(_ site: Site, _ arguments: [String] = [], environment: [String: String] = [:]) async throws {
    process = try HostProcess(site, arguments, environment: environment)
    guard let listeners = await process.listeners(), await process.ready() else {
      let errors = process.child.errors
      _ = await process.stop()
      throw HostDidNotStart(description: errors)
    }
    http = listeners["http"] ?? ""
    metrics = listeners["metrics"] ?? ""
    admin = listeners["admin"] ?? ""
  }

  func get(_ path: String) throws -> HTTPAnswer { try HTTPClient.get(http, path) }
  func scrape() throws -> String { try HTTPClient.get(metrics, "/metrics").text }

  /// The value of a series, nil when it is not there.
  func value(_ series: String) throws -> Double? {
    try scrape().split(separator: "\n").first { $0.hasPrefix(series + " ") }
      .flatMap { Double($0.dropFirst(series.count + 1)) }
  }

  /// A request to the admin console.
  func ask(_ method: String, _ path: String) throws -> (status: Int, body: JSON) {
    let answer = try HTTPClient(admin).request(method, path)
    return (answer.status, try JSON.parse(answer.body))
  }

  /// Id to `status reason` of the last sweep.
  func verdicts() throws -> [String: String] {
    let rows = try ask("GET", "/admin/extensions").body.array ?? []
    return Dictionary(
      rows.map { row in
        let reason = row["reason"]?.string.map { " \($0)" } ?? ""
        return (row["id"]?.string ?? "", (row["status"]?.string ?? "") + reason)
      }, uniquingKeysWith: { "\($0), \($1)" })
  }

  /// Asks again until the condition holds; false when it does not within the time.
  func eventually(seconds: Int = 20, _ holds: () throws -> Bool) async -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while Clock.monotonic() < deadline {
      if (try? holds()) == true { return true }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return false
  }

  /// Runs a command of the agent against this host.
  func agent(_ words: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
    try await ChildProcess.run([HostProcess.agent] + words + ["--endpoint", "http://\(admin)"])
  }
}

/// A host that ended before it was ready.
struct HostDidNotStart: Error, CustomStringConvertible { let description: String }
