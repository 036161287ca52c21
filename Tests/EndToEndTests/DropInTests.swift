// Flow 1, docs/flows/drop-in.md: a file appears and is live; it changes, goes, or is broken, and all else goes on.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Drop-in", .timeLimit(.minutes(4)))
struct DropInTests {
  static let series = #"pages_requests_total{page="hello"}"#

  @Test func `a plugin dropped into a running host answers, counts, is listed, and goes when it is taken away`()
    async throws
  {
    let site = try Site("dropin")
    let host = try await RunningHost(site)
    #expect(try host.get("/pages/hello").status == 404)
    try site.dropPages()
    #expect(await host.eventually { try host.get("/pages/hello").text == "hello one\n" })
    #expect(try host.value(Self.series) == 1)
    #expect(try host.verdicts() == ["pages": "ok"])
    let list = try await host.agent("ext", "list")
    #expect(list.end == .exited(0) && list.output.contains("pages"))
    Tree.remove(site.folder.file("extensions/pages"))
    #expect(await host.eventually { try host.get("/pages/hello").status == 404 })
    #expect(try host.verdicts().isEmpty)
    #expect(await host.process.stop() == .exited(0))
  }

  /// 25 by default; the figure of the issue, at 200 requests a second, is `benchmarks/host/replace.py`.
  static let replacements = getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 25

  @Test func `new bytes are served without a failed request, and counters go on`() async throws {
    let site = try Site("replace")
    try site.dropPages(mark: "build0")
    let host = try await RunningHost(site)
    let clients = (0..<3).map { _ in HammeringClient(host.http) }
    let results = await withTaskGroup(of: HammeringClient.Result.self) { group in
      for client in clients { group.addTask { await client.run() } }
      for build in 1...Self.replacements {
        try? site.dropPages(mark: "build\(build % 5)")
        #expect(await host.eventually { try host.get("/pages/hello").text == "hello build\(build % 5)\n" })
      }
      for client in clients { client.stop() }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for result in results { #expect(result.failures == [], "\(result.answered) answered") }
    #expect(results.allSatisfy { $0.answered > 0 })
    let counted = try host.value(Self.series) ?? 0
    #expect(counted >= Double(results.map(\.answered).reduce(0, +)))
    #expect(try host.value("nexo_plugin_images_mapped") == 5)
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a handler that never returns holds up no other route, and the scrape answers`() async throws {
    let site = try Site("stuck")
    try site.dropPages(more: ["LATER_MS=50"])
    let host = try await RunningHost(site)
    let stuck = try (0..<4).map { _ in
      let client = try HTTPClient(host.http)
      try client.send("GET /pages/stuck HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return client
    }
    for _ in 0..<50 { #expect(try host.get("/health").status == 200) }
    #expect(try host.get("/pages/hello").status == 200)
    #expect(try host.scrape().contains("nexo_build_info"))
    for client in stuck { client.close() }
    _ = await host.process.stop(seconds: 30)
  }

  @Test func `a plugin that crashes the host is named, kept out at the next start, and let in again`() async throws {
    let site = try Site("crash")
    try site.dropPages()
    let first = try await RunningHost(site)
    _ = try? first.get("/pages/crash")
    guard case .signalled = await first.process.child.ended() else {
      Issue.record("the host did not crash")
      return
    }
    let second = try await RunningHost(site)
    #expect(try second.verdicts() == ["pages": "disabled extension.quarantined"])
    #expect(second.process.child.errors.contains("plugin.call=on_request"))
    #expect(try second.value(#"nexo_plugin_crashes_total{plugin="pages",cause="signal"}"#) == 1)
    let cleared = try await second.agent("ext", "clear", "pages")
    #expect(cleared.end == .exited(0) && cleared.output.contains("ok"))
    #expect(try second.get("/pages/hello").status == 200)
    #expect(await second.process.stop() == .exited(0))
  }
}

/// Sends requests over one connection, one after the other, until told to stop.
final class HammeringClient: Sendable {
  struct Result: Sendable {
    var answered = 0
    var failures: [String] = []
  }
  private let address: String
  private let flag = Flag()

  init(_ address: String) { self.address = address }

  func stop() { flag.raise() }

  func run() async -> Result {
    (try? await Thread.run("hammer") { [address, flag] in
      var result = Result()
      guard let client = try? HTTPClient(address) else { return Result(failures: ["no connection"]) }
      while !flag.isRaised {
        do {
          let answer = try client.request("GET", "/pages/hello")
          if answer.status == 200, answer.text.hasPrefix("hello build") {
            result.answered += 1
          } else {
            result.failures.append("\(answer.status) \(answer.text)")
          }
        } catch {
          result.failures.append("\(error)")
          return result
        }
      }
      return result
    }) ?? Result(failures: ["no thread"])
  }
}
