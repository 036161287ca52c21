// The first five minutes of the product page, line by line: the host as `make run` starts it, with the plugins that ship and
// no configuration. The command itself, in a clean Debian root, is scripts/check-install.sh's.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("First five minutes", .timeLimit(.minutes(3)))
struct FirstFiveMinutesTests {
  /// A site without configuration, with every plugin that ships beside its manifest, as `make build` leaves it.
  private static func shipped() throws -> Site {
    let site = try Site("first")
    let source = Path.join(FixturePlugins.packageRoot, "extensions")
    let folder = try #require(opendir(source))
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let manifest = Path.join(Path.join(source, name), "plugin.toml")
      guard let text = try? AtomicFile.read(manifest) else { continue }
      let library = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("library = ") }
      let file = try #require(library?.split(separator: "\"").last).description
      let place = site.folder.file("extensions/\(name)")
      try AtomicFile.makeFolder(place, mode: 0o755)
      try Tree.copy(Path.join(HostProcess.binaries, file), to: Path.join(place, file))
      try Tree.copy(manifest, to: Path.join(place, "plugin.toml"))
    }
    return site
  }

  @Test func `a table shows where to go and what became of each plugin, and the host is ready`() async throws {
    let host = try await RunningHost(try Self.shipped())
    @Sendable func rows(_ output: String) -> [Substring] {
      output.split(separator: "\n").filter { $0.hasPrefix("  ") && $0.contains(" ok") }
    }
    #expect(await host.process.child.wait { rows($0.output).count == 3 }, "\(host.process.child.output)")
    let lines = host.process.child.output.split(separator: "\n").map(String.init)
    #expect(lines.contains("ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0"), "\(lines)")
    for address in [
      "http://\(host.metrics)/metrics", "http://\(host.http)/health", "http://\(host.http)/ready",
      "http://\(host.http)/chat",
      "http://\(host.admin)/admin",
    ] {
      #expect(lines.contains { $0.hasPrefix("  ") && $0.contains(address) }, "\(address)")
    }
    #expect(lines.contains { $0.contains("EXTENSION") && $0.contains("STATUS") && $0.contains("REASON") })
    #expect(try host.get("/ready").status == 200)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an agent answers in the web chat, and families on the scrape have moved and are lint-clean`() async throws
  {
    let host = try await RunningHost(try Self.shipped())
    let said = try HTTPClient(host.http).request(
      "POST", "/chat/messages", headers: ["Content-Type: application/json"], body: Array(#"{"text":"good day"}"#.utf8))
    #expect(said.status == 202, "\(said.text)")
    let cookie = try #require(said["set-cookie"]?.split(separator: ";").first)
    #expect(
      await host.eventually {
        try HTTPClient(host.http).request("GET", "/chat/messages", headers: ["Cookie: \(cookie)"]).text
          .contains("good day\"")
      })
    #expect(await host.eventually { try host.value(#"messages_processed_total{agent="echo"}"#) == 1 })
    try AtomicFile.write(Array(try host.scrape().utf8), to: host.process.site.folder.file("scrape"))
    let lint = try await ChildProcess.run([
      "sh", "-c", "promtool check metrics < \(host.process.site.folder.file("scrape"))",
    ])
    for line in (lint.output + lint.errors).split(separator: "\n") {
      #expect(ScrapeTests.mandated.contains { line.hasPrefix($0 + " ") }, "\(line)")
    }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a plugin folder that is copied in is live, a broken one is named with its remedy, and the rest goes on`()
    async throws
  {
    let host = try await RunningHost(try Self.shipped())
    let site = host.process.site
    let library = try Site.library("pages", ["ID=\"pages\"", "MARK=\"one\"", "METRIC=\"pages_requests_total\""])
    try site.folder.write(
      "made/pages/plugin.toml",
      Site.manifest("pages", capabilities: "routes = [\"/pages/*\"]\nmetrics = [\"pages_*\"]"))
    try AtomicFile.write(library, to: site.folder.file("made/pages/lib.so"), mode: 0o755)
    let copied = try await ChildProcess.run(["cp", "-r", site.folder.file("made/pages"), site.extensions])
    #expect(copied.end == .exited(0))
    #expect(await host.eventually { try host.get("/pages/hello").status == 200 })

    try site.drop("broken", Array("not a library".utf8), capabilities: "routes = [\"/broken/*\"]")
    #expect(await host.eventually { try host.verdicts()["broken"]?.hasPrefix("invalid ") == true })
    let explained = try await host.agent("ext", "explain", "broken")
    #expect(explained.output.contains("elf.not_elf"), "\(explained.output)")
    let reason = try #require(try host.verdicts()["broken"]?.split(separator: " ").last)
    let remedy = try await ChildProcess.run([HostProcess.agent, "explain", String(reason)])
    #expect(remedy.end == .exited(0) && remedy.output.contains("remedy"))
    #expect(try host.get("/pages/hello").status == 200 && host.get("/ready").status == 200)
    #expect(try host.get("/chat").status == 200)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `Ctrl-C lets a request finish and the host exits 0`() async throws {
    let site = try Site()
    try site.dropPages(more: ["LATER_MS=1500"])
    let host = try await RunningHost(site)
    let slow = try HTTPClient(host.http)
    try slow.send("GET /pages/later HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(
      await host.eventually {
        try host.value(#"nexo_plugin_calls_total{plugin="pages",call="on_request",result="ok"}"#) ?? 0 > 0
      })
    host.process.child.signal(SIGINT)
    #expect(try slow.response().status == 200)
    #expect(await host.process.child.ended() == .exited(0))
  }
}
