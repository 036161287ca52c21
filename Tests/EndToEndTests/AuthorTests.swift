// What somebody who only has the header and docs/plugin-authors.md wrote, in the real host: the example in C, the one in
// Rust, and the frozen binaries of ABI 1.0 in C and Swift. Each loads, answers, answers later, streams, counts, stops.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@Suite("Plugins of authors", .timeLimit(.minutes(4)))
struct AuthorTests {
  static let root = FixturePlugins.packageRoot

  @Test func `plugins frozen with the first header run in this host`() async throws {
    let site = try Site("frozen")
    for name in ["weather-c", "weather-swift"] {
      try Tree.copy("\(Self.root)/Tests/Fixtures/abi/1.0/\(name)", to: site.folder.file("extensions/\(name)"))
    }
    let host = try await RunningHost(site)
    #expect(try host.verdicts() == ["weather-c": "ok", "weather-swift": "ok"])
    for name in ["weather-c", "weather-swift"] { try await check(name, in: host) }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `the example in C builds with its Makefile, installs into a running host, and works`() async throws {
    let site = try Site("example")
    let host = try await RunningHost(site)
    let copy = site.folder.file("weather-c")
    try Tree.copy("\(Self.root)/examples/weather-c", to: copy)
    let make = try await ChildProcess.run([
      "make", "-C", copy, "install", "EXTENSIONS=\(site.extensions)", "NEXO_SDK=\(Self.root)/sdk",
    ])
    #expect(make.end == .exited(0), "\(make.output)\(make.errors)")
    #expect(await host.eventually { try host.verdicts() == ["weather-c": "ok"] })
    try await check("weather-c", in: host)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `the example in Rust works`() async throws {
    let site = try Site("rust")
    let copy = site.folder.file("weather-rust")
    try Tree.copy("\(Self.root)/Tests/Fixtures/Plugins/weather-rust", to: copy)
    let place = site.folder.file("extensions/weather-rust")
    try AtomicFile.makeFolder(place, mode: 0o755)
    let build = try await ChildProcess.run(
      ["bash", "\(Self.root)/Tests/Fixtures/Plugins/weather-rust/build.sh", place])
    #expect(build.end == .exited(0), "\(build.output)\(build.errors)")
    try Tree.copy("\(copy)/plugin.toml", to: "\(place)/plugin.toml")
    let host = try await RunningHost(site)
    #expect(try host.verdicts() == ["weather-rust": "ok"])
    try await check("weather-rust", in: host)
    #expect(await host.process.stop() == .exited(0))
  }

  /// What every weather plugin promises.
  private func check(_ name: String, in host: RunningHost) async throws {
    let now = try host.get("/\(name)/now/oslo")
    #expect(now.status == 200 && now.text.contains("\"celsius\":"), "\(name): \(now.text)")
    #expect(now["content-type"] == "application/json; charset=utf-8")
    let before = Clock.monotonic()
    #expect(try host.get("/\(name)/later").status == 200)
    #expect(Clock.monotonic() - before > 500_000_000, "it answers from a timer or thread, not at once")
    let events = try HTTPClient(host.http)
    try events.send("GET /\(name)/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try events.head()["content-type"]?.hasPrefix("text/event-stream") == true)
    #expect(try events.chunk().map { String(decoding: $0, as: UTF8.self) }?.hasPrefix("data:") == true)
    events.close()
    let prefix = name.replacing("-", with: "_")
    let text = try host.scrape()
    #expect(text.contains("\n\(prefix)_requests_total") && text.contains("\n\(prefix)_celsius "), "\(name)")
  }
}
