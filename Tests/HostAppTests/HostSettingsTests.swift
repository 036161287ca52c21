// Tests of the host's settings: precedence, addresses, folders, findings.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostReasons
import TestSupport
import Testing

@testable import HostApp

@Suite("Host settings")
struct HostSettingsTests {
  @Test func `with nothing given the defaults of the pages are in force`() throws {
    let folder = try TemporaryFolder()
    let settings = HostSettings.read(flags: [:], searchPaths: [], environment: ["HOME": "/h"], current: folder.path)
    #expect(settings.findings.isEmpty)
    #expect("\(settings.metricsListen) \(settings.httpListen)" == "0.0.0.0:9090 0.0.0.0:8080")
    #expect("\(settings.adminListen)" == "127.0.0.1:9091" && settings.extensions.maxDepth == 3)
    #expect(settings.folders.state.value == "/h/.local/state/nexo")
    #expect(settings.folders.config.value == "/etc/nexo")
  }

  @Test func `a flag beats the environment, that beats the file, that beats the default`() throws {
    let folder = try TemporaryFolder()
    try folder.write("config/nexo.yaml", "listen:\n  http: 127.0.0.1:1\n  metrics: 127.0.0.1:2\n  admin: 127.0.0.1:3\n")
    let settings = HostSettings.read(
      flags: ["--http-listen": ":7"], searchPaths: [],
      environment: ["NEXO_HTTP_LISTEN": ":8", "NEXO_METRICS_LISTEN": "[::1]:9"], current: folder.path)
    #expect("\(settings.httpListen) \(settings.metricsListen)" == "0.0.0.0:7 [::1]:9")
    #expect("\(settings.adminListen)" == "127.0.0.1:3")
    let origins = Dictionary(uniqueKeysWithValues: settings.rows.map { ($0.key, "\($0.origin)") })
    #expect(origins["listen.http"] == "flag --http-listen")
    #expect(origins["listen.metrics"] == "environment NEXO_METRICS_LISTEN")
    #expect(origins["listen.admin"]?.hasSuffix("nexo.yaml:4:10") == true)
    #expect(origins["shutdown.drain_ms"] == "default")
  }

  @Test func `every fault is found, with its place`() throws {
    let folder = try TemporaryFolder()
    try folder.write("config/nexo.yaml", "listn:\n  http: x\nshutdown:\n  drain_ms: soon\nlog:\n  level: loud\n")
    try folder.write("config/extensions.yaml", "extensions:\n  max_depth: -1\n  serch_paths: []\nother: 1\n")
    let settings = HostSettings.read(flags: [:], searchPaths: [], environment: [:], current: folder.path)
    let text = settings.findings.map { "\($0)" }.joined(separator: "\n")
    for place in ["nexo.yaml:1:1", "nexo.yaml:4:13", "nexo.yaml:6:10", "extensions.yaml:2:14", "extensions.yaml:3:3"] {
      #expect(text.contains(place), "\(text)")
    }
    #expect(text.contains("extensions.yaml:4:1") && text.contains("search_paths"))
    #expect(settings.hasErrors)
  }

  @Test func `the admin console is refused an address that others reach`() {
    let settings = HostSettings.read(
      flags: ["--admin-listen": "0.0.0.0:9091"], searchPaths: [], environment: [:], current: "/nowhere")
    #expect(settings.findings.map(\.reason.code) == ["listener.not_loopback"])
    let allowed = HostSettings.read(
      flags: ["--admin-listen": "0.0.0.0:9091", "--admin-allow-remote": "true"], searchPaths: [], environment: [:],
      current: "/nowhere")
    #expect(allowed.findings.isEmpty)
  }

  @Test(arguments: [
    ("127.0.0.1:0", "127.0.0.1:0"), (":8080", "0.0.0.0:8080"), ("[::1]:1", "[::1]:1"),
    ("localhost:65535", "127.0.0.1:65535"),
  ])
  func `an address is read`(text: String, address: String) { #expect(ListenAddress(text).map { "\($0)" } == address) }

  @Test(arguments: [
    "", "8080", "1.2.3.4", "::1:80", "example.com:80", "127.0.0.1:65536", "127.0.0.1:-1", "[1.2.3.4]:80",
  ])
  func `what is not an address is refused`(text: String) { #expect(ListenAddress(text) == nil) }

  @Test func `the state folder follows flag, variable, systemd, XDG`() {
    func state(_ flags: [String: String], _ environment: [String: String]) -> String {
      Folders(flags: flags, environment: environment, current: "/cwd", exists: { _ in false }).state.value
    }
    let all = ["NEXO_STATE_DIR": "/n", "STATE_DIRECTORY": "/s:/t", "XDG_STATE_HOME": "/x", "HOME": "/h"]
    #expect(state(["--state-dir": "rel"], all) == "/cwd/rel")
    #expect(state([:], all) == "/n")
    #expect(state([:], all.filter { $0.key != "NEXO_STATE_DIR" }) == "/s")
    #expect(state([:], ["XDG_STATE_HOME": "/x"]) == "/x/nexo")
    #expect(state([:], ["XDG_STATE_HOME": "x", "HOME": "/h"]) == "/h/.local/state/nexo")
  }
}
