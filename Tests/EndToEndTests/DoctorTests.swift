// `agent doctor` on sound and on broken sites.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Doctor", .timeLimit(.minutes(2)))
struct DoctorTests {
  /// Result and detail by check.
  private static func doctor(
    _ site: Site, _ more: [String] = [], environment: [String: String] = [:]
  ) async throws -> (end: ProcessEnd, checks: [String: JSON]) {
    let ports = ["METRICS", "HTTP", "ADMIN"].map { ("NEXO_\($0)_LISTEN", "127.0.0.1:0") }
    var variables = Dictionary(uniqueKeysWithValues: ports)
    variables.merge(["PATH": "/usr/bin:/bin", "NEXO_ENDPOINT": "http://127.0.0.1:1"]) { $1 }
    variables.merge(environment) { $1 }
    let done = try await ChildProcess.run(
      [
        HostProcess.agent, "doctor", "--json", "--config", site.config, "--state-dir", site.state, "--extensions",
        site.extensions,
      ] + more, environment: variables)
    let checks = try JSON.parse(Array(done.output.utf8)).array ?? []
    #expect(!checks.isEmpty && checks.count <= 20, "\(done.errors)")
    for check in checks {
      #expect((check["result"]?.string == "ok") == (check["remedy"]?.string == ""), "\(check)")
    }
    return (
      done.end, Dictionary(checks.map { ($0["check"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    )
  }

  @Test func `a sound site has no failure`() async throws {
    let (end, checks) = try await Self.doctor(try Site())
    #expect(end == .exited(0))
    #expect(checks.values.allSatisfy { $0["result"]?.string != "failed" }, "\(checks)")
    for name in ["agents", "listeners", "disk space", "web configuration", "running host", "crashes", "probe"] {
      #expect(checks[name] != nil, "\(name)")
    }
  }

  @Test func `each kind of fault is found by its check, with a remedy, and ends with 3`() async throws {
    let site = try Site()
    let taken = try await RunningHost(try Site())
    try site.folder.write("config/agents.yaml", "agents:\n  - id: a\n    model: {provider: nowhere}\n")
    try site.folder.write("config/nexo.yaml", "listen: {web_config: web.yaml}\n")
    try site.folder.write("config/web.yaml", "basic_auth_users: {ana: secret}\n")
    try site.drop("broken", Array("no library".utf8), capabilities: "routes = [\"/broken/*\"]")
    let (end, checks) = try await Self.doctor(site, environment: ["NEXO_HTTP_LISTEN": taken.http])
    #expect(end == .exited(3))
    for name in ["agents", "listeners", "web configuration", "extensions"] {
      #expect(checks[name]?["result"]?.string == "failed", "\(name): \(String(describing: checks[name]))")
    }
    #expect(checks["agents"]?["detail"]?.string?.contains("agents.yaml:2") == true)
    #expect(checks["listeners"]?["detail"]?.string?.contains(taken.http) == true)
    // The file holds a password: it is not shown.
    #expect(checks["web configuration"]?["detail"]?.string?.contains("secret") == false)
    #expect(await taken.process.stop() == .exited(0))
  }

  @Test func `beside a running host it asks that host, and finds its addresses held by it`() async throws {
    let host = try await RunningHost(try Site())
    let (end, checks) = try await Self.doctor(host.process.site, ["--endpoint", "http://\(host.admin)"])
    #expect(end == .exited(0))
    #expect(checks["running host"]?["detail"]?.string == "http://\(host.admin)")
    #expect(checks["listeners"]?["detail"]?.string == "held by the running host")
    #expect(await host.process.stop() == .exited(0))
  }
}
