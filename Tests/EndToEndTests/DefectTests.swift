// Every way an extension can be wrong, all in one host at once: each has its verdict and reason, a good one serves on,
// and the counts add up sweep after sweep.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Defects", .timeLimit(.minutes(4)))
struct DefectTests {
  /// Id to the verdict that it must have.
  static let fromProbe: [(id: String, macros: [String], verdict: String)] = [
    ("crash-constructor", ["WHERE_constructor", "WHAT_crash"], "invalid probe.crashed"),
    ("crash-entry", ["WHERE_entry", "WHAT_crash"], "invalid probe.crashed"),
    ("crash-create", ["WHERE_create", "WHAT_crash"], "invalid probe.crashed"),
    ("crash-start", ["WHERE_start", "WHAT_crash"], "invalid probe.crashed"),
    ("abort-start", ["WHERE_start", "WHAT_abort"], "invalid probe.crashed"),
    ("overflow-create", ["WHERE_create", "WHAT_overflow"], "invalid probe.crashed"),
    ("exit-constructor", ["WHERE_constructor", "WHAT_exit"], "invalid probe.exited"),
    ("exit-entry", ["WHERE_entry", "WHAT_exit0"], "invalid probe.exited"),
    ("exit-create", ["WHERE_create", "WHAT_exit"], "invalid probe.exited"),
    ("exit-start", ["WHERE_start", "WHAT_exit0"], "invalid probe.exited"),
    ("hang-constructor", ["WHERE_constructor", "WHAT_hang"], "invalid probe.hung"),
    ("hang-entry", ["WHERE_entry", "WHAT_hang"], "invalid probe.hung"),
    ("hang-create", ["WHERE_create", "WHAT_spin"], "invalid probe.hung"),
    ("hang-start", ["WHERE_start", "WHAT_hang"], "invalid probe.hung"),
    ("declines", ["DECLINE"], "invalid abi.declined"),
    ("small-table", ["SIZE=16"], "invalid abi.bad_table"),
    ("no-start", ["NO_START"], "invalid abi.bad_table"),
    ("no-entry", ["ENTRY=other"], "invalid elf.no_entry"),
    ("abi-two", ["ENTRY=nexo_plugin_entry_2"], "invalid elf.abi_too_new"),
    ("large-table", ["SIZE=1024"], "ok"),
  ]

  @Test func `each defect has its verdict and reason while a good plugin serves on`() async throws {
    let site = try Site("defects")
    try site.dropPages()
    var expected = ["pages": "ok"]
    for (id, macros, verdict) in Self.fromProbe {
      let library = try Site.library("life", ["ID=\"\(id)\""] + macros)
      try site.drop(id, library, capabilities: "channels = [\"c_\(expected.count)\"]")
      expected[id] = verdict
    }
    for (id, verdict) in try addBrokenFiles(site) { expected[id] = verdict }
    let host = try await RunningHost(site)
    let verdicts = try host.verdicts()
    for (id, verdict) in expected { #expect(verdicts[id] == verdict, "\(id)") }
    #expect(verdicts.count == expected.count)
    #expect(try host.get("/pages/hello").status == 200)

    // Disabled and invalid extensions are counted by every sweep, and the three counts add up to the candidates.
    let candidates = try host.ask("GET", "/admin/extensions").body.array?.count ?? 0
    let before = try counts(host)
    let swept = try host.ask("POST", "/admin/extensions/sweep")
    #expect(swept.status == 200)
    let after = try counts(host)
    #expect(after.reduce(0, +) - before.reduce(0, +) == Double(candidates))
    #expect(try host.get("/pages/hello").status == 200)
    #expect(await host.process.stop() == .exited(0))
  }

  private func counts(_ host: RunningHost) throws -> [Double] {
    try ["ok", "disabled", "invalid"].map { try host.value("nexo_extensions_discovered{status=\"\($0)\"}") ?? -1 }
  }

  /// Defects of files, manifests and folders.
  private func addBrokenFiles(_ site: Site) throws -> [String: String] {
    let good = try Site.library("life", ["ID=\"good\""])
    func caps(_ name: String) -> String { "channels = [\"\(name)\"]" }
    try site.drop("truncated", Array(good.prefix(good.count / 2)), capabilities: caps("d1"))
    try site.drop("empty", [], capabilities: caps("d2"))
    try site.drop("not-elf", Array("#!/bin/sh\n".utf8), capabilities: caps("d3"))
    try site.drop("missing", nil, capabilities: caps("d4"))
    var machine = good
    machine[18] = 0xB7  // EM_AARCH64
    try site.drop("machine", machine, capabilities: caps("d5"))
    try site.drop("renamed", good, capabilities: caps("d6"))  // the note says `good`
    try site.drop("writable", good, capabilities: caps("d7"))
    chmod(site.folder.file("extensions/writable/lib.so"), 0o777)
    try site.drop("needs-lib", try needing(), capabilities: caps("d8"))
    try AtomicFile.makeFolder(site.folder.file("extensions/symlink"), mode: 0o755)
    symlink("/usr/lib/x86_64-linux-gnu/libz.so.1", site.folder.file("extensions/symlink/lib.so"))
    try site.folder.write("extensions/symlink/plugin.toml", Site.manifest("symlink", capabilities: caps("d9")))
    try site.folder.write("extensions/toml/plugin.toml", "[plugin]\nid = \"toml\"\nversion = 1.0.0.0\n")
    try site.drop("pages", good, capabilities: caps("d10"), folder: "zz-duplicate")
    try site.drop("nested", good, capabilities: caps("d11"), folder: "machine/inner")
    try site.drop("taken", try Site.library("life", ["ID=\"taken\""]), capabilities: "routes = [\"/pages/x\"]")
    try site.drop(
      "needs-bin", good, capabilities: caps("d12"), more: "[requires]\nbins = [\"no-such-program-anywhere\"]")
    try site.folder.write(
      "extensions/stdio/plugin.toml",
      """
      [plugin]
      id = "stdio"
      version = "0.1.0"
      [capabilities]
      tools = ["t"]
      [transport]
      kind = "stdio"
      command = "./run"
      """)
    return [
      "truncated": "invalid elf.truncated", "empty": "invalid file.empty", "not-elf": "invalid elf.not_elf",
      "missing": "invalid file.missing", "machine": "invalid elf.wrong_machine",
      "renamed": "invalid elf.id_mismatch", "writable": "invalid file.writable_by_others",
      "needs-lib": "invalid elf.missing_needed", "symlink": "invalid file.symlink",
      "toml": "invalid manifest.syntax", "pages": "ok, invalid extension.duplicate_id",
      "nested": "invalid extension.nested", "taken": "invalid route.taken",
      "needs-bin": "disabled requires.bins", "stdio": "disabled transport.unsupported",
    ]
  }

  /// A plugin linked with a library that is nowhere.
  private func needing() throws -> [UInt8] {
    let folder = try TemporaryFolder("needed")
    let gone = try FixturePlugins.build(
      source: "int gone(void) { return 1; }", flags: ["-Wl,-soname,libgone-42.so"], name: "libgone.so")
    _ = folder
    return try Site.library("life", ["ID=\"needs-lib\""], flags: ["-Wl,--no-as-needed", gone])
  }
}
