// Generations beside each other: replacing under load loses no request, counters go on, refused loads change nothing.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import Synchronization
import TestSupport
import Testing

@testable import HostPlugins

/// 300 by default; the full figure of the issue with NEXO_TEST_CYCLES=10000.
private let loadsAndStops = getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 300

@Suite("Replacement", .timeLimit(.minutes(loadsAndStops > 1_000 ? 60 : 5)))
struct ReplacementTests {
  @Test(arguments: [[], ["FLAGS=NEXO_PLUGIN_SERIAL"]])
  func `no request fails while a plugin is replaced again and again`(_ macros: [String]) async throws {
    let site = try PluginSite()
    var current = try await site.run("pages.c", macros, PluginSite.pages())
    let isOver = Atomic<Bool>(false)
    let address = site.address
    async let load: [String: Int] = onThread {
      var seen: [String: Int] = [:]
      while !isOver.load(ordering: .relaxed) {
        let client = try HTTPClient(address)
        for _ in 0..<20 {
          let answer = try client.request("GET", "/pages/hello")
          seen["\(answer.status) \(answer.text)", default: 0] += 1
        }
        client.close()
      }
      return seen
    }
    for round in 0..<20 {
      let mark = round.isMultiple(of: 2) ? ["MARK=\"two\""] : []
      let next = try await site.run("pages.c", macros + mark, PluginSite.pages(), replacing: current)
      #expect(await site.host.retire(current, grace: .seconds(10)) == .ended)
      current = next
    }
    isOver.store(true, ordering: .relaxed)
    let seen = try await load
    #expect(Set(seen.keys) == ["200 hello one\n", "200 hello two\n"], "\(seen)")
    let total = seen.values.reduce(0, +)
    #expect(site.exposition.contains(#"pages_requests_total{page="hello"} \#(total)"#))
    #expect(site.host.mappedImages == 2)
  }

  @Test func `a stream of the old generation goes on until the grace is over, and its end says stopping`() async throws
  {
    let site = try PluginSite()
    let old = try await site.run("pages.c", [], PluginSite.pages())
    let address = site.address
    async let stream: Int = onThread {
      let client = try HTTPClient(address)
      try client.send("GET /pages/events HTTP/1.1\r\nHost: t\r\n\r\n")
      _ = try client.head()
      var count = 0
      while let chunk = try? client.chunk() { count += chunk.count }
      return count
    }
    _ = try await eventually { old.inFlight == 1 }
    let new = try await site.run("pages.c", ["MARK=\"two\""], PluginSite.pages(), replacing: old)
    #expect(try await site.get("/pages/hello").text == "hello two\n")
    #expect(await site.host.retire(old, grace: .milliseconds(200)) == .ended)
    #expect(try await stream > 0)
    #expect(new.phase == .running)
  }

  @Test func `half an answer is cut off at the end of the grace, not passed off as a whole one`() async throws {
    let site = try PluginSite()
    let old = try await site.run("pages.c", ["LATER_MS=4000"], PluginSite.pages())
    let address = site.address
    async let answer: HTTPClientError? = onThread {
      do throws(HTTPClientError) {
        _ = try HTTPClient.get(address, "/pages/half")
        return nil
      } catch {
        return error
      }
    }
    #expect(try await eventually { old.inFlight == 1 })
    #expect(await site.host.retire(old, grace: .milliseconds(100)) == .ended)
    #expect(try await answer != nil)
  }

  @Test func `an answer that comes after the end is refused, not crashed`() async throws {
    let site = try PluginSite()
    let old = try await site.run("pages.c", ["LATER_MS=30000"], PluginSite.pages())
    let address = site.address
    async let late = onThread { try HTTPClient.get(address, "/pages/later").status }
    #expect(try await eventually { old.inFlight == 1 })
    #expect(await site.host.retire(old, grace: .zero) == .ended)
    #expect(try await late == 503)
    #expect(old.phase == .gone)
  }

  @Test func `a load that fails leaves what runs as it is`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", [], PluginSite.pages())
    let manifest = try TestLibrary.manifest("pages", "routes = [\"/elsewhere/*\"]\nmetrics = [\"pages_*\"]")
    let refused = try await site.load("pages.c", ["MARK=\"three\""], manifest)
    guard case .failure(.registration(_, let refusal)) = refused else {
      Issue.record("\(refused)")
      return
    }
    #expect(refusal.text.contains("/pages/hello"))
    #expect(try await site.get("/pages/hello").text == "hello one\n")
  }

  @Test func `a route belongs to the plugin that had it first, and never covers the host's`() async throws {
    let site = try PluginSite(reserved: ["/pages/own"])
    _ = try await site.run("pages.c", [], PluginSite.pages())
    let other = try await site.load("pages.c", ["ID=\"other\"", "METRIC=\"other_total\""], PluginSite.pages("other"))
    guard case .failure(let first) = other, case .registration(_, let refusal) = first else {
      Issue.record("\(other)")
      return
    }
    #expect("\(refusal.reason)" == "registration.taken")
    #expect(refusal.text.contains("plugin 'pages'"))
    let metric = try await site.load("pages.c", ["ID=\"other\""], PluginSite.pages("other"))
    guard case .failure(let second) = metric else {
      Issue.record("\(metric)")
      return
    }
    #expect("\(second.reason)" == "metrics.name_taken")
    let greedy = try await site.load("pages.c", ["EXTRA_ROUTE=\"/pages/own\""], PluginSite.pages())
    guard case .failure(.registration(_, let own)) = greedy else {
      Issue.record("\(greedy)")
      return
    }
    #expect(own.text.contains("belongs to the host"))
  }

  @Test func `load and stop, again and again, leave no descriptor, thread or mapping`() async throws {
    let site = try PluginSite()
    func once() async throws {
      let instance = try await site.run("pages.c", Self.own, PluginSite.pages())
      let tools = try await site.run("services.c", Self.own, ServicesTests.manifest())
      _ = try await site.get("/pages/hello")
      #expect(await site.host.retire(instance, grace: .seconds(5)) == .ended)
      #expect(await site.host.retire(tools, grace: .seconds(5)) == .ended)
    }
    for _ in 0..<20 { try await once() }
    let maps = try images()
    for _ in 0..<loadsAndStops { try await once() }
    #expect(try images() == maps)
    #expect(site.host.mappedImages == 2)
    #expect(try await eventually { try sealed() == 0 }, "descriptors of sealed copies are open")
    #expect(try await eventually { try threads().isEmpty })
  }

  /// Makes builds that no other test has: others load and stop theirs at the same time.
  static let own = ["MARK=\"cycles\"", "CYCLES"]

  private func builds() throws -> [String] {
    try ["pages.c", "services.c"].map { "memfd:fixture-" + (try TestLibrary.sealed($0, Self.own).main.hash.prefix(8)) }
  }

  /// Mappings of this test's two builds.
  private func images() throws -> Int {
    let builds = try builds()
    let text = String(decoding: try AtomicFile.read("/proc/self/maps", limit: 64 << 20), as: UTF8.self)
    return text.split(separator: "\n").count { line in builds.contains { line.contains($0) } }
  }

  /// Open descriptors of sealed copies of them.
  private func sealed() throws -> Int {
    let builds = try builds()
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      var target = [CChar](repeating: 0, count: 256)
      guard readlink("/proc/self/fd/\(name)", &target, 255) > 0 else { continue }
      let text = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if builds.contains(where: { text.contains($0) }) { count += 1 }
    }
    return count
  }

  /// Threads of instances and of the lifecycle that should have ended.
  private func threads() throws -> [String] {
    guard let folder = opendir("/proc/self/task") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let task = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let bytes = try? AtomicFile.read("/proc/self/task/\(task)/comm") else { continue }
      let name = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
      if name.hasPrefix("nx-create") || name.hasPrefix("nx-destroy") { names.append(name) }
    }
    return names
  }
}
