// Tests of the supervisor: what a sweep starts, replaces, keeps and ends, and how it counts.
//
// SPDX-License-Identifier: Apache-2.0

import HostMetrics
import HostPlugins
import HostReasons
import Synchronization
import TestSupport
import Testing

@Suite("Extension supervisor", .timeLimit(.minutes(2)))
struct ExtensionSupervisorTests {
  @Test func `an extension that lies there is loaded once, however often it is swept`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try await rig.run {
      for _ in 0..<3 { #expect(rig.verdicts(await rig.supervisor.sweep(.watch)) == ["alpha": "ok"]) }
      #expect(rig.loader.journal.all == ["load alpha", "publish alpha#1"])
    }
    #expect(rig.loader.journal.all.last == "retire alpha#1")
  }

  @Test func `new bytes replace the old generation, which retires after the new one is public`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      try rig.drop("alpha", build: 2)
      let report = await rig.supervisor.sweep(.watch)
      #expect(report.records.map(\.generation) == [2])
      #expect(
        rig.loader.journal.all == [
          "load alpha", "publish alpha#1", "load alpha", "publish alpha#2 replacing alpha#1", "retire alpha#1",
        ])
    }
  }

  @Test func `a new build that fails is invalid, and the one before it goes on`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      rig.loader.script.withLock { $0.failing = ["alpha"] }
      try rig.drop("alpha", build: 2)
      let report = await rig.supervisor.sweep(.watch)
      #expect(rig.verdicts(report) == ["alpha": "invalid file.changed_while_read"])
      #expect(report.records.map(\.isRunning) == [true])
      #expect(!rig.loader.journal.all.contains("retire alpha#1"))
    }
  }

  @Test func `a truncated library on disk leaves the running one alone`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      try rig.folder.write("extensions/alpha/lib.so", "\u{7F}ELF")
      let report = await rig.supervisor.sweep(.watch)
      #expect(report.records.map(\.verdict) == [.invalid] && report.records.map(\.isRunning) == [true])
    }
  }

  @Test func `a removed or disabled extension retires`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try rig.drop("beta")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      try await rig.remove("alpha")
      #expect(rig.verdicts(await rig.supervisor.sweep(.watch)) == ["beta": "ok"])
      let disabled = try await rig.supervisor.setDisabled("beta", true)
      #expect(rig.verdicts(disabled) == ["beta": "disabled extension.disabled"])
      let enabled = try await rig.supervisor.setDisabled("beta", false)
      #expect(rig.verdicts(enabled) == ["beta": "ok"])
    }
    #expect(rig.loader.journal.all.count { $0.hasPrefix("retire") } == 3)
  }

  @Test func `an extension that is still loading does not keep another from going live`() async throws {
    let rig = try SupervisorRig()
    let gate = Gate()
    rig.loader.script.withLock { $0.held = ["slow": gate] }
    try rig.drop("slow")
    try await rig.run {
      async let first = rig.supervisor.sweep(.boot)
      while !rig.loader.journal.all.contains("load slow") { await Task.yield() }
      try rig.drop("quick")
      async let second = rig.supervisor.sweep(.watch)
      while !rig.loader.journal.all.contains(where: { $0.hasPrefix("publish quick") }) { await Task.yield() }
      await gate.open()
      #expect(rig.verdicts(await first) == ["slow": "ok"])
      #expect(rig.verdicts(await second) == ["quick": "ok", "slow": "ok"])
    }
  }

  @Test func `a build that is overtaken while it loads never becomes public`() async throws {
    let rig = try SupervisorRig()
    let gate = Gate()
    rig.loader.script.withLock { $0.held = ["alpha": gate] }
    try rig.drop("alpha")
    try await rig.run {
      async let first = rig.supervisor.sweep(.boot)
      while rig.loader.script.withLock({ $0.loads }) < 1 { await Task.yield() }
      try rig.drop("alpha", build: 2)
      async let second = rig.supervisor.sweep(.watch)
      while rig.loader.script.withLock({ $0.loads }) < 2 { await Task.yield() }
      await gate.open()
      _ = await (first, second)
      #expect(rig.loader.journal.all.filter { $0.hasPrefix("publish") } == ["publish alpha#2"])
      #expect(rig.loader.journal.all.contains("retire alpha#1"))
    }
  }

  @Test func `what failed is tried again when somebody asks, unless it is certain to fail`() async throws {
    let rig = try SupervisorRig()
    rig.loader.script.withLock { $0.failing = ["alpha", "final"] }
    try rig.drop("alpha")
    try rig.drop("final")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      await rig.supervisor.sweep(.watch)
      #expect(rig.loader.script.withLock { $0.loads } == 2)
      rig.loader.script.withLock { $0.failing = [] }
      #expect(
        rig.verdicts(await rig.supervisor.sweep(.request)) == [
          "alpha": "ok", "final": "invalid file.changed_while_read",
        ])
      let cleared = try await rig.supervisor.clear("final")
      #expect(rig.verdicts(cleared) == ["alpha": "ok", "final": "ok"])
    }
  }

  @Test func `a claimed route goes to the one that runs, then to the lower priority`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("beta", capabilities: #"routes = ["/x/*"]"#)
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      try rig.drop("alpha", capabilities: #"routes = ["/x/y"]"#, priority: -1)
      try rig.drop("gamma", capabilities: #"channels = ["c"]"#, priority: 5)
      try rig.drop("delta", capabilities: #"channels = ["c"]"#, priority: 1)
      try rig.drop("health", capabilities: #"routes = ["/health"]"#)
      #expect(
        rig.verdicts(await rig.supervisor.sweep(.watch)) == [
          "alpha": "invalid route.taken", "beta": "ok", "delta": "ok", "gamma": "invalid capability.taken",
          "health": "invalid route.taken",
        ])
    }
  }

  @Test func `a generation that gives up is invalid from then on, and tried again on request`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try await rig.run {
      await rig.supervisor.sweep(.boot)
      rig.loader.script.withLock { $0.live }.first?.giveUp()
      while !rig.loader.journal.all.contains("retire alpha#1") { await Task.yield() }
      #expect(rig.verdicts(await rig.supervisor.sweep(.watch)) == ["alpha": "invalid extension.quarantined"])
      #expect(rig.verdicts(await rig.supervisor.sweep(.request)) == ["alpha": "ok"])
    }
  }

  @Test func `every sweep adds its three counts, and a quarantine survives the process`() async throws {
    let rig = try SupervisorRig()
    try rig.drop("alpha")
    try rig.drop("beta")
    try rig.folder.write("extensions/broken/plugin.toml", "[plugin")
    try rig.supervisor.state.setQuarantined("beta", "crashed in start")
    try await rig.run {
      for sweep in 1...3 {
        await rig.supervisor.sweep(.request)
        let text = String(decoding: rig.registry.render(), as: UTF8.self)
        for status in ["ok", "disabled", "invalid"] {
          #expect(text.contains("nexo_extensions_discovered{status=\"\(status)\"} \(sweep)\n"))
        }
      }
    }
    #expect(ExtensionState(folder: rig.folder.file("state")).quarantined == ["beta": "crashed in start"])
  }

  @Test(arguments: [
    ("/a/*", "/a/b", true), ("/a/*", "/a", true), ("/a/*", "/ab", false), ("/*", "/x/y", true), ("/a", "/a", true),
    ("/a/b", "/a", false), ("/a/b/*", "/a/*", true), ("/a/b/*", "/a/c/*", false),
  ])
  func `patterns overlap when one path could match both`(left: String, right: String, overlap: Bool) {
    #expect(RouteClaim.overlap(left, right) == overlap && RouteClaim.overlap(right, left) == overlap)
  }
}
