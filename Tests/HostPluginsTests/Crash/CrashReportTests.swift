// Crash reports: a process that dies in a plugin leaves a file that names plugin, call and build.
//
// SPDX-License-Identifier: Apache-2.0

import CCrash
import Glibc
import HostLinux
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Crash reports", .timeLimit(.minutes(2)), .serialized)
struct CrashReportTests {
  @Test func `a crash in a handler names plugin, call and build, and the signal stays what it was`() async throws {
    let folder = try TemporaryFolder("crash")
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = folder.path as String] in
      let site = try PluginSite()
      try CrashReports.arm(folder: path, hostBuild: "test-host")
      _ = try await site.run("pages.c", [], PluginSite.pages())
      _ = try? await site.get("/pages/crash")
    }
    let report = try #require(CrashReports.pending(folder: folder.path).first)
    #expect(report.kind == .signal && report.signal == SIGSEGV)
    #expect(report.plugin == "pages" && report.call == "on_request" && report.blame == "call")
    #expect(report.build == (try TestLibrary.sealed("pages.c").main.hash))
    #expect(report.address == "0x10" && report.host == "test-host" && report.isComplete)
    #expect(report.frames.contains { $0.contains("pages+0x") }, "\(report.frames)")
    #expect(report.summary.hasPrefix("SIGSEGV at 0x10 in plugin 'pages' 1.0.0 in on_request"))
    try CrashReports.keep(report)
    #expect(CrashReports.pending(folder: folder.path).isEmpty)
    let kept = try AtomicFile.read(CrashReports.keptPath(report))
    #expect(CrashReports.read(String(decoding: kept, as: UTF8.self), path: report.path) == report)
  }

  @Test(arguments: [("create", "abort", SIGABRT), ("start", "overflow", SIGSEGV), ("destroy", "crash", SIGSEGV)])
  func `a crash in a control call is reported`(_ death: (at: String, what: String, signal: Int32)) async throws {
    let folder = try TemporaryFolder("crash")
    let (at, what) = (death.at, death.what)
    let path = folder.path
    switch death.signal {
    case SIGABRT:
      await #expect(processExitsWith: .signal(SIGABRT)) {
        [path = path as String, at = at as String, what = what as String] in
        try await CrashReportTests.die(path, at, what)
      }
    default:
      await #expect(processExitsWith: .signal(SIGSEGV)) {
        [path = path as String, at = at as String, what = what as String] in
        try await CrashReportTests.die(path, at, what)
      }
    }
    let report = try #require(CrashReports.pending(folder: path).first)
    #expect(report.plugin == "life" && report.call == at && report.signal == death.signal)
  }

  static func die(_ path: String, _ at: String, _ what: String) async throws {
    let site = try PluginSite()
    try CrashReports.arm(folder: path, hostBuild: "test-host")
    let instance = try await site.run("life.c", ["WHERE_\(at)", "WHAT_\(what)"], TestLibrary.manifest())
    _ = await site.host.retire(instance, grace: .zero)
  }

  @Test func `exit() in a plugin is reported`() async throws {
    let folder = try TemporaryFolder("crash")
    await #expect(processExitsWith: .exitCode(3)) { [path = folder.path as String] in
      try await CrashReportTests.die(path, "start", "exit")
    }
    let report = try #require(CrashReports.pending(folder: folder.path).first)
    #expect(report.kind == .exit && report.plugin == "life" && report.call == "start")
  }

  @Test func `a process that ends in good order leaves nothing`() async throws {
    let folder = try TemporaryFolder("crash")
    await #expect(processExitsWith: .exitCode(0)) { [path = folder.path as String] in
      let report = try CrashReports.arm(folder: path, hostBuild: "test-host")
      CrashReports.disarm(report)
      exit(0)
    }
    #expect(CrashReports.pending(folder: folder.path).isEmpty)
  }

  @Test func `a crash of the host itself blames nobody`() async throws {
    let folder = try TemporaryFolder("crash")
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = folder.path as String] in
      try CrashReports.arm(folder: path, hostBuild: "test-host")
      raise(SIGSEGV)
    }
    let report = try #require(CrashReports.pending(folder: folder.path).first)
    #expect(report.plugin == nil)
    #expect(report.summary.contains("the host's own code"))
  }

  @Test(arguments: ["", "kind=signal\n", "nexo-crash=2\nkind=signal\n", "nexo-crash=1\nkind=other\n", "garbage"])
  func `what is no report is not read as one`(_ text: String) {
    #expect(CrashReports.read(text, path: "/x") == nil)
  }

  @Test func `the newest reports are kept and the oldest go`() throws {
    let folder = try TemporaryFolder("crash")
    for time in 100..<(101 + CrashReports.kept) {
      try folder.write("crash-\(time)-1", "nexo-crash=1\nkind=signal\nsignal=11\nplugin=p\nend=1\n")
    }
    let pending = CrashReports.pending(folder: folder.path)
    #expect(pending.count == CrashReports.kept + 1)
    for report in pending { try CrashReports.keep(report) }
    let names = try Tree.names(in: Path.join(folder.path, "crashes")).sorted()
    #expect(names.count == CrashReports.kept && names.first == "crash-101-1")
  }
}
