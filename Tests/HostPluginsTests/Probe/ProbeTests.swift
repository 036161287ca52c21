// The rehearsal of plugins: every way of ending badly, at every point of a plugin's life, is a verdict and leaves nothing.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import ProbeWire
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Rehearsal", .timeLimit(.minutes(2)))
struct ProbeTests {
  let scratch: TemporaryFolder
  let runner: ProbeRunner

  init() throws {
    scratch = try TemporaryFolder("probe")
    // A name of its own, so that processes of this test can be told from those of others.
    let probe = scratch.file("nexo-probe")
    symlink(ProbeRunner(scratch: "").executablePath, probe)
    let work = scratch.file("work")
    try AtomicFile.makeFolder(work)
    runner = ProbeRunner(executable: probe, scratch: work)
  }

  func rehearse(
    _ macros: [String], _ manifest: Manifest? = nil, fixture: String = "life.c", config: String = "{}"
  ) async throws -> ProbeOutcome {
    let manifest = try manifest ?? TestLibrary.manifest()
    return await runner.rehearse(
      ProbeRequest(
        library: try TestLibrary.sealed(fixture, macros), manifest: manifest, config: Array(config.utf8),
        extensionFolder: "/", configFolder: "/"))
  }

  @Test func `a plugin that behaves passes, and its table is reported`() async throws {
    let outcome = try await rehearse([])
    guard case .passed(let report) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(report.id == "life")
    #expect(report.version == "1.0.0")
    #expect(report.threadsLeft == 0)
    #expect(report.startText == nil)
  }

  static let points: [(String, ProbePhase)] = [
    ("constructor", .constructors), ("entry", .entry), ("create", .create), ("start", .start), ("quiesce", .quiesce),
    ("destroy", .destroy),
  ]

  @Test(arguments: points)
  func `a crash is a verdict that names the call`(_ point: (macro: String, phase: ProbePhase)) async throws {
    let outcome = try await rehearse(["WHERE_\(point.macro)", "WHAT_crash"])
    #expect(outcome == .refused(.crashed(plugin: "life", phase: point.phase, signal: SIGSEGV)))
  }

  @Test(arguments: points)
  func `an exit is a verdict that names the call`(_ point: (macro: String, phase: ProbePhase)) async throws {
    let outcome = try await rehearse(["WHERE_\(point.macro)", "WHAT_exit"])
    #expect(outcome == .refused(.exited(plugin: "life", phase: point.phase, status: 3)))
    let silent = try await rehearse(["WHERE_\(point.macro)", "WHAT_exit0"])
    #expect(silent == .refused(.exited(plugin: "life", phase: point.phase, status: 0)))
  }

  @Test(arguments: points)
  func `a call that hangs is a verdict that names it`(_ point: (macro: String, phase: ProbePhase)) async throws {
    let outcome = try await rehearse(["WHERE_\(point.macro)", "WHAT_hang"])
    #expect(outcome == .refused(.hung(plugin: "life", phase: point.phase)))
  }

  @Test(arguments: [("abort", SIGABRT), ("overflow", SIGSEGV)])
  func `other deaths carry their signal`(_ death: (what: String, signal: Int32)) async throws {
    let outcome = try await rehearse(["WHERE_create", "WHAT_\(death.what)"])
    #expect(outcome == .refused(.crashed(plugin: "life", phase: .create, signal: death.signal)))
  }

  @Test func `an exception that leaves a call is a crash`() async throws {
    let outcome = try await rehearse([], fixture: "throw.cc")
    #expect(outcome == .refused(.crashed(plugin: "life", phase: .create, signal: SIGABRT)))
  }

  @Test func `a busy loop is a hang`() async throws {
    #expect(try await rehearse(["WHERE_start", "WHAT_spin"]) == .refused(.hung(plugin: "life", phase: .start)))
  }

  @Test func `a create that fails is refused with the plugin's words, a start that fails is not`() async throws {
    let created = try await rehearse(["WHERE_create", "WHAT_fail"])
    #expect(created == .refused(.createFailed(plugin: "life", status: -1, text: "misbehaved")))
    guard case .passed(let report) = try await rehearse(["WHERE_start", "WHAT_fail"]) else {
      Issue.record("a failing start was held against the plugin")
      return
    }
    #expect(report.startText == "misbehaved")
  }

  @Test(arguments: ["network", "kill"])
  func `there is no network and nobody to kill`(_ what: String) async throws {
    guard case .passed = try await rehearse(["WHERE_create", "WHAT_\(what)"]) else {
      Issue.record("\(what) was possible in a rehearsal")
      return
    }
  }

  @Test func `processes that the plugin leaves behind end with the rehearsal, their own session or not`() async throws {
    guard case .passed = try await rehearse(["WHERE_start", "WHAT_daemon"]) else {
      Issue.record("the plugin was refused")
      return
    }
    #expect(try leftovers() == [])
  }

  /// Processes that run this test's nexo-probe.
  private func leftovers() throws -> [String] {
    let own = runner.executablePath
    var found: [String] = []
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard Int(name) != nil, let line = try? AtomicFile.read("/proc/\(name)/cmdline") else { continue }
      let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      if words.first == own { found.append(words.joined(separator: " ")) }
    }
    return found
  }

  @Test func `an id or version unlike the manifest's is refused`() async throws {
    let other = try await rehearse([], TestLibrary.manifest("other"))
    #expect(other == .refused(.idMismatch(plugin: "other", table: "life")))
    let newer = try await rehearse([], TestLibrary.manifest(version: "2.0.0"))
    #expect(newer == .refused(.versionMismatch(plugin: "life", manifest: "2.0.0", table: "1.0.0")))
  }

  @Test func `another ABI, no entry, a declining entry and a broken table have their own reasons`() async throws {
    func reason(_ macros: [String]) async throws -> String? {
      if case .refused(let refusal) = try await rehearse(macros) { "\(refusal.reason)" } else { nil }
    }
    #expect(try await reason(["ENTRY=nexo_plugin_entry_2"]) == "abi.wrong")
    #expect(try await reason(["ENTRY=something"]) == "abi.no_entry")
    #expect(try await reason(["DECLINE"]) == "abi.declined")
    #expect(try await reason(["SIZE=40"]) == "abi.bad_table")
    #expect(try await reason(["SIZE=0"]) == "abi.bad_table")
    #expect(try await reason(["NO_START"]) == "abi.bad_table")
    #expect(try await reason(["SIZE=1000"]) == nil, "a larger table is a newer plugin")
    #expect(try await reason(["SIZE=4000000000u"]) == nil)
  }

  @Test func `bytes that are no library are refused with the linker's words`() async throws {
    let image = try SealedImage(label: "broken", name: "libbroken.so", bytes: Array("not a library".utf8))
    let outcome = await runner.rehearse(
      ProbeRequest(
        library: SealedLibrary(main: image), manifest: try TestLibrary.manifest(), extensionFolder: "/",
        configFolder: "/"))
    guard case .refused(.notLoadable(_, let library, let why)) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(library == "libbroken.so")
    #expect(!why.contains("/proc/"))
  }

  @Test func `rehearsals leave no file, descriptor or process`() async throws {
    let bytes = try AtomicFile.read(try TestLibrary.path("life.c", ["WHERE_start", "WHAT_crash"]))
    for _ in 0..<3 {
      let image = try SealedImage(label: "alone", name: "libfixture.so", bytes: bytes)
      let request = ProbeRequest(
        library: SealedLibrary(main: image), manifest: try TestLibrary.manifest(), extensionFolder: "/",
        configFolder: "/")
      _ = await runner.rehearse(request)
    }
    // The thread of the last rehearsal lets go a moment after its answer.
    #expect(try await eventually { try requests() == 0 })
    #expect(try leftovers() == [])
    var names: [String] = []
    let folder = try #require(opendir(scratch.file("work")))
    while let entry = readdir(folder) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    closedir(folder)
    #expect(names.sorted() == [".", ".."])
  }

  /// Open descriptors of this process that belong to a request of a rehearsal that is over.
  private func requests() throws -> Int {
    let folder = try #require(opendir("/proc/self/fd"))
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      var target = [CChar](repeating: 0, count: 256)
      let length = readlink("/proc/self/fd/\(name)", &target, 255)
      if length > 0, String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("alone-")
      {
        count += 1
      }
    }
    return count
  }

  @Test func `a missing nexo-probe says so and blames no plugin`() async throws {
    let runner = ProbeRunner(executable: "/nowhere/nexo-probe", scratch: scratch.path)
    let outcome = await runner.rehearse(
      ProbeRequest(
        library: try TestLibrary.sealed("life.c"), manifest: try TestLibrary.manifest(), extensionFolder: "/",
        configFolder: "/"))
    guard case .refused(let refusal) = outcome else {
      Issue.record("passed without a probe")
      return
    }
    #expect("\(refusal.reason)" == "probe.unavailable")
    #expect(refusal.detail.contains("/nowhere/nexo-probe"))
  }
}
