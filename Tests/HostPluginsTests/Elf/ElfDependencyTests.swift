// Needed libraries, their versions and symbols: found as the loader finds them, and named when they are not.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostPlugins

@Suite("ELF dependencies")
struct ElfDependencyTests {
  /// Copies a fixture to a place of its own.
  private func copy(_ path: String, to target: String) throws {
    try AtomicFile.makeFolder(Path.parent(of: target), mode: 0o755)
    try AtomicFile.write(try AtomicFile.read(path, limit: 64 << 20), to: target, mode: 0o755)
  }

  private func helper(_ source: String = "int helper(void) { return 7; }", _ flags: [String] = []) throws -> String {
    try FixturePlugins.build(source: source, flags: ["-Wl,-soname,libhelper.so.1"] + flags, name: "libhelper.so.1")
  }

  private static let user = "extern int helper(void); int use(void); int use(void) { return helper(); }"

  private func linked(_ helper: String, _ flags: [String]) throws -> String {
    try ElfFixtures.library(Self.user, flags: [helper] + flags)
  }

  @Test func `a library beside the plugin is found through $ORIGIN and listed for preloading`() throws {
    let helper = try helper()
    let plugin = try linked(helper, ["-Wl,-rpath=$ORIGIN/lib", "-Wl,--enable-new-dtags"])
    let folder = try TemporaryFolder("elf")
    try copy(plugin, to: folder.file("libweather.so"))
    #expect(try ElfFixtures.errors(folder.file("libweather.so")) == ["elf.missing_needed"])
    try copy(helper, to: folder.file("lib/libhelper.so.1"))
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.isEmpty, "\(report.findings)")
    #expect(
      report.preload == [
        NeededLibrary(name: "libhelper.so.1", path: folder.file("lib/libhelper.so.1"), source: .origin)
      ])
  }

  @Test func `preloading goes from the deepest up`() throws {
    let deep = try FixturePlugins.build(
      source: "int deep(void) { return 1; }", flags: ["-Wl,-soname,libdeep.so"], name: "libdeep.so")
    let helper = try helper(
      "extern int deep(void); int helper(void) { return deep(); }", [deep, "-Wl,-rpath=${ORIGIN}"])
    let plugin = try linked(helper, ["-Wl,-rpath=$ORIGIN"])
    let folder = try TemporaryFolder("elf")
    try copy(plugin, to: folder.file("libweather.so"))
    try copy(helper, to: folder.file("libhelper.so.1"))
    try copy(deep, to: folder.file("libdeep.so"))
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.isEmpty, "\(report.findings)")
    #expect(report.preload.map(\.name) == ["libdeep.so", "libhelper.so.1"])
  }

  @Test func `a library that lies elsewhere finds its own neighbours without preloading`() throws {
    let deep = try FixturePlugins.build(
      source: "int deep(void) { return 1; }", flags: ["-Wl,-soname,libdeep.so"], name: "libdeep.so")
    let helper = try helper(
      "extern int deep(void); int helper(void) { return deep(); }", [deep, "-Wl,-rpath=$ORIGIN"])
    let folder = try TemporaryFolder("elf")
    try copy(helper, to: folder.file("runtime/libhelper.so.1"))
    try copy(deep, to: folder.file("runtime/libdeep.so"))
    let plugin = try linked(helper, ["-Wl,-rpath=\(folder.file("runtime"))"])
    let report = try ElfFixtures.check(plugin)
    #expect(report.findings.isEmpty, "\(report.findings)")
    #expect(report.needed.map(\.source).contains(.runpath))
    #expect(report.preload.isEmpty)
  }

  @Test func `a missing library of a needed library names both`() throws {
    let deep = try FixturePlugins.build(
      source: "int deep(void) { return 1; }", flags: ["-Wl,-soname,libdeep.so"], name: "libdeep.so")
    let helper = try helper("extern int deep(void); int helper(void) { return deep(); }", [deep])
    let plugin = try linked(helper, ["-Wl,-rpath=$ORIGIN", "-Wl,--allow-shlib-undefined"])
    let folder = try TemporaryFolder("elf")
    try copy(plugin, to: folder.file("libweather.so"))
    try copy(helper, to: folder.file("libhelper.so.1"))
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.map(\.message) == ["libdeep.so (needed by libhelper.so.1) is not installed"])
  }

  @Test func `the host's own folder and an absolute run path serve`() throws {
    let helper = try helper()
    var rules = ElfFixtures.rules
    rules.places.hostFolders = [Path.parent(of: helper)]
    let plain = try ElfFixtures.check(try linked(helper, []), rules: rules)
    #expect(plain.findings.isEmpty)
    #expect(plain.preload.map(\.source) == [.host])
    let absolute = try ElfFixtures.check(try linked(helper, ["-Wl,-rpath=\(Path.parent(of: helper))"]))
    #expect(absolute.findings.isEmpty)
    #expect(absolute.preload.isEmpty)
    let old = try ElfFixtures.check(
      try linked(helper, ["-Wl,-rpath=\(Path.parent(of: helper))", "-Wl,--disable-new-dtags"]))
    #expect(old.findings.isEmpty)
  }

  @Test func `a damaged needed library is told from a missing one`() throws {
    let plugin = try linked(try helper(), ["-Wl,-rpath=$ORIGIN"])
    let folder = try TemporaryFolder("elf")
    try copy(plugin, to: folder.file("libweather.so"))
    try folder.write("libhelper.so.1", "this is no library")
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.map(\.reason) == [.elfUnusableNeeded])
  }

  @Test func `a symbol that the installed library lacks is named`() throws {
    let plugin = try linked(try helper(), ["-Wl,-rpath=$ORIGIN"])
    let folder = try TemporaryFolder("elf")
    try copy(plugin, to: folder.file("libweather.so"))
    try copy(try helper("int other(void) { return 7; }"), to: folder.file("libhelper.so.1"))
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.map(\.message) == ["it uses `helper`, which no needed library has"])
  }

  @Test func `a version that the installed library lacks is named with the newest that it has`() throws {
    let folder = try TemporaryFolder("elf")
    func versioned(_ versions: String) throws -> String {
      let map = try folder.write("\(ContentHash.sha256(Array(versions.utf8)).prefix(8)).map", versions)
      return try FixturePlugins.build(
        source: "int helper(void) { return 7; } // \(versions.utf8.count)",
        flags: ["-Wl,-soname,libhelper.so.1", "-Wl,--version-script=\(map)"], name: "libhelper.so.1")
    }
    let new = try versioned("HELPER_2.9 { }; HELPER_2.10 { global: helper; local: *; };")
    let plugin = try linked(new, ["-Wl,-rpath=$ORIGIN"])
    try copy(plugin, to: folder.file("libweather.so"))
    try copy(new, to: folder.file("libhelper.so.1"))
    #expect(try ElfFixtures.errors(folder.file("libweather.so")).isEmpty)
    try copy(try versioned("HELPER_2.9 { global: helper; local: *; }; "), to: folder.file("libhelper.so.1"))
    let report = try ElfFixtures.check(folder.file("libweather.so"))
    #expect(report.findings.map(\.reason) == [.elfMissingVersion])
    #expect(
      report.findings.first?.message == "it needs HELPER_2.10 of libhelper.so.1, which here has up to HELPER_2.9")
  }

  @Test func `musl and sanitizer runtimes are refused by their names`() throws {
    let musl = try FixturePlugins.build(
      source: "int helper(void) { return 7; }", flags: ["-Wl,-soname,libc.so"], name: "libmusl.so")
    #expect(try ElfFixtures.errors(try linked(musl, ["-Wl,-rpath=$ORIGIN"])).contains("elf.foreign_libc"))
    let asan = try FixturePlugins.build(
      source: "int helper(void) { return 7; }", flags: ["-Wl,-soname,libasan.so.8"], name: "libasan.so")
    #expect(try ElfFixtures.errors(try linked(asan, [])).contains("elf.foreign_runtime"))
  }

  @Test func `a dynamic Swift plugin of another release is refused`() throws {
    let core = try FixturePlugins.build(
      source: "int helper(void) { return 7; }", flags: ["-Wl,-soname,libswiftCore.so"], name: "libswiftCore.so")
    let entry = ElfFixtures.entry.replacing("nexo.http/1\"", with: "nexo.http/1\\\"\\n\\t.asciz \\\"swift=5.9\"")
    let path = try ElfFixtures.library(Self.user, entry: entry, flags: [core, "-Wl,-rpath=\(Path.parent(of: core))"])
    #expect(try ElfFixtures.errors(path) == ["elf.swift_mismatch"])
  }

  @Test func `what every process has needs no name in the library`() throws {
    let helper = try helper()
    let plugin = try ElfFixtures.library(Self.user)
    #expect(try ElfFixtures.errors(plugin) == ["elf.undefined_symbol"])
    var rules = ElfFixtures.rules
    rules.places.alwaysPresent = [helper]
    #expect(try ElfFixtures.errors(plugin, rules: rules).isEmpty)
  }

  @Test func `the newest version is by number, not by text`() {
    let versions: Set<String> = ["GLIBC_2.4", "GLIBC_2.36", "GLIBC_2.9", "GLIBC_PRIVATE", "GCC_3.0"]
    #expect(ElfCheckWork.newest(like: "GLIBC_2.38", in: versions) == "GLIBC_2.36")
    #expect(ElfCheckWork.newest(like: "OTHER_1", in: versions) == nil)
  }

  @Test func `the loader's cache knows libc`() {
    #expect(LdSoCache.system().lookup("libc.so.6").contains { $0.hasSuffix("/libc.so.6") })
    #expect(LdSoCache([1, 2, 3]).lookup("libc.so.6").isEmpty)
  }
}
