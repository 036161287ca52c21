// File checks and memory of the library check: who may own and write what, links, sizes, copies in progress.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostPlugins
import HostReasons
import TestSupport
import Testing

@Suite("Library check")
struct LibraryJudgeTests {
  /// An extension `weather` in a tree of its own, and the means to judge it.
  private struct Site {
    let folder: TemporaryFolder
    let scanner: ExtensionScanner
    let judge = LibraryJudge(checker: ElfChecker(rules: ElfFixtures.rules))

    init(library: String? = nil, manifest: String = Sample.weather) throws {
      folder = try TemporaryFolder("judge")
      try folder.write("extensions/weather/plugin.toml", manifest)
      if let library { try folder.copy(library, to: "extensions/weather/libweather.so") }
      scanner = ExtensionScanner(
        settings: DiscoverySettings(searchPaths: [folder.file("extensions")]), rules: Sample.rules)
    }

    func candidate() throws -> Candidate {
      var sweep = scanner.sweep()
      judge.judge(&sweep)
      return try #require(sweep.candidates.first)
    }

    func reason() throws -> Reason? { try candidate().reason }
  }

  private static let library = "extensions/weather/libweather.so"

  @Test func `a good library is ready to load, with its hash`() throws {
    let site = try Site(library: try ElfFixtures.library())
    let candidate = try site.candidate()
    guard case .toLoad(let checked) = candidate.state else {
      Issue.record("\(candidate.findings)")
      return
    }
    #expect(checked.path == site.folder.file(Self.library))
    #expect(checked.sha256 == ContentHash.sha256(try AtomicFile.read(checked.path)))
    #expect(checked.elf.note?.id == "weather")
    #expect(candidate.findings.isEmpty)
    #expect(try site.candidate() == candidate)
  }

  @Test func `a missing library, an empty one, a folder and a pipe have their reasons`() throws {
    let site = try Site()
    #expect(try site.reason() == .fileMissing)
    try site.folder.write(Self.library, "")
    #expect(try site.reason() == .fileEmpty)
    let inFolder = try Site()
    try AtomicFile.makeFolder(inFolder.folder.file(Self.library), mode: 0o755)
    #expect(try inFolder.reason() == .fileNotRegular)
    let inPipe = try Site()
    #expect(inPipe.folder.pipe(Self.library))
    #expect(try inPipe.reason() == .fileNotRegular)
    let inFile = try Site(manifest: Sample.weather.replacing("libweather.so", with: "sub/lib.so"))
    try inFile.folder.write("extensions/weather/sub", "x")
    #expect(try inFile.reason() == .fileNotRegular)
  }

  @Test func `a library that cannot be opened for another reason says which`() throws {
    let site = try Site(
      manifest: Sample.weather.replacing("libweather.so", with: String(repeating: "x", count: 300)))
    let candidate = try site.candidate()
    #expect(candidate.reason == .fileUnreadable)
    #expect(candidate.findings.first?.message == "cannot be opened: File name too long")
  }

  @Test func `a huge file is refused unread`() throws {
    let site = try Site()
    #expect(site.folder.sparse(Self.library, bytes: (512 << 20) + 1))
    #expect(try site.reason() == .fileTooLarge)
  }

  @Test func `a link in the library's place or on the way is refused`() throws {
    let good = try ElfFixtures.library()
    let site = try Site()
    #expect(site.folder.link(Self.library, to: good))
    #expect(try site.reason() == .fileSymlink)
    let below = try Site(manifest: Sample.weather.replacing("libweather.so", with: "sub/libweather.so"))
    #expect(below.folder.link("extensions/weather/sub", to: Path.parent(of: good)))
    #expect(try below.reason() == .fileSymlink)
  }

  @Test(arguments: ["libweather.so", "", ".."]) func `what others can write is refused`(name: String) throws {
    let site = try Site(library: try ElfFixtures.library())
    let path = "extensions/weather/" + name
    #expect(site.folder.setMode(path, 0o775))
    #expect(try site.reason() == .fileWritable)
    #expect(site.folder.setMode(path, 0o757))
    #expect(try site.reason() == .fileWritable)
    #expect(site.folder.setMode(path, 0o755))
    #expect(try site.reason() == nil)
  }

  @Test(.enabled(if: runsAsRoot), arguments: ["libweather.so", "", ".."])
  func `what belongs to a stranger is refused`(name: String) throws {
    let site = try Site(library: try ElfFixtures.library())
    #expect(site.folder.setOwner("extensions/weather/" + name, 4711))
    let candidate = try site.candidate()
    #expect(candidate.reason == .fileForeignOwner)
    #expect(candidate.findings.first?.message.contains("4711") == true)
  }

  @Test func `a second name is a warning`() throws {
    let site = try Site(library: try ElfFixtures.library())
    #expect(site.folder.hardLink("second", to: site.folder.file(Self.library)))
    let candidate = try site.candidate()
    #expect(candidate.reason == nil)
    #expect(candidate.findings.map(\.reason) == [.fileHardLinked])
  }

  @Test func `a library that a plugin brings is held to the same rules`() throws {
    let helper = try FixturePlugins.build(
      source: "int helper(void) { return 7; }", flags: ["-Wl,-soname,libhelper.so.1"], name: "libhelper.so.1")
    let site = try Site(
      library: try ElfFixtures.library(
        "extern int helper(void); int use(void); int use(void) { return helper(); }",
        flags: [helper, "-Wl,-rpath=$ORIGIN"]))
    try site.folder.copy(helper, to: "extensions/weather/libhelper.so.1")
    #expect(try site.reason() == nil)
    #expect(site.folder.setMode("extensions/weather/libhelper.so.1", 0o777))
    // The verdict on an unchanged library is remembered; a fresh judge looks at all of it.
    var sweep = site.scanner.sweep()
    LibraryJudge(checker: ElfChecker(rules: ElfFixtures.rules)).judge(&sweep)
    #expect(sweep.candidates.first?.reason == .fileWritable)
  }

  @Test func `a copy in progress does not stay invalid`() throws {
    let bytes = try AtomicFile.read(try ElfFixtures.library())
    let site = try Site()
    for part in [0, 10, 100, 1000, bytes.count / 2, bytes.count - 1] {
      try AtomicFile.write(Array(bytes[..<part]), to: site.folder.file(Self.library), mode: 0o755)
      #expect(try site.reason() != nil)
    }
    try AtomicFile.write(bytes, to: site.folder.file(Self.library), mode: 0o755)
    #expect(try site.reason() == nil)
  }

  @Test func `installing what was missing mends the verdict without touching the library`() throws {
    let helper = try FixturePlugins.build(
      source: "int helper(void) { return 7; }", flags: ["-Wl,-soname,libhelper.so.1"], name: "libhelper.so.1")
    let site = try Site(
      library: try ElfFixtures.library(
        "extern int helper(void); int use(void); int use(void) { return helper(); }",
        flags: [helper, "-Wl,-rpath=$ORIGIN"]))
    #expect(try site.reason() == .elfMissingNeeded)
    try site.folder.copy(helper, to: "extensions/weather/libhelper.so.1")
    #expect(try site.reason() == nil)
  }

  @Test func `a file that changes while it is read is refused`() throws {
    let site = try Site(library: try ElfFixtures.library())
    let root = site.folder.file("extensions")
    let file = try PluginFile.open(root: root, folder: root + "/weather", library: "libweather.so")
    // In place, as `cp` over a running plugin does it.
    try FileDescriptor.open(site.folder.file(Self.library), 1 | 0o1000).write([1, 2, 3])
    do {
      _ = try file.read()
      Issue.record("read a changed file")
    } catch {
      #expect(error.findings.map(\.reason) == [.fileChanged])
    }
  }
}
