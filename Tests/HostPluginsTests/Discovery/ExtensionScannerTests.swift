// Sweeps over trees of every kind: what is found, in which order, with which verdict and reason.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Sweep")
struct ExtensionScannerTests {
  static let nothingSet = RequirementContext { _ in nil }

  /// A tree in a folder of its own.
  private struct Tree {
    let folder: TemporaryFolder
    var settings: DiscoverySettings

    init() throws {
      folder = try TemporaryFolder("sweep")
      try AtomicFile.makeFolder(folder.file("extensions"), mode: 0o755)
      settings = DiscoverySettings(searchPaths: [folder.file("extensions")])
    }

    func add(_ path: String, id: String, kind: String = "library\"\nlibrary = \"lib.so", more: String = "") throws {
      try folder.write(
        "extensions/\(path)/plugin.toml",
        "[plugin]\nid = \"\(id)\"\nversion = \"0.1.0\"\n[capabilities]\ntools = [\"a\"]\n[transport]\nkind = \"\(kind)\"\n\(more)\n"
      )
    }

    func sweep(
      quarantined: [String: String] = [:], requirements: RequirementContext = ExtensionScannerTests.nothingSet
    ) -> Sweep {
      ExtensionScanner(settings: settings, rules: Sample.rules, requirements: requirements).sweep(
        quarantined: quarantined)
    }
  }

  /// `name verdict`, verdict `toCheck` or the reason's code.
  private func verdicts(_ sweep: Sweep) -> [String] {
    sweep.candidates.map { "\($0.name) \($0.reason?.code ?? "toCheck")" }
  }

  @Test func `an empty folder gives nothing at all`() throws {
    let sweep = try Tree().sweep()
    #expect(sweep.candidates.isEmpty)
    #expect(sweep.findings.isEmpty)
  }

  @Test func `the reference's tree gives disabled 32 and invalid 1, whatever is installed`() {
    let settings = DiscoverySettings(searchPaths: [ReferenceManifestTests.folder])
    for requirements in [Self.nothingSet, .process] {
      let sweep = ExtensionScanner(settings: settings, rules: Sample.rules, requirements: requirements).sweep()
      #expect(sweep.disabled == 32)
      #expect(sweep.invalid == 1)
      #expect(sweep.candidates.count == 33)
      #expect(
        sweep.candidates.allSatisfy { $0.reason == .transportUnsupported || $0.name == "ventas-etb" })
      #expect(sweep.findings.isEmpty)
    }
  }

  @Test func `extensions come in the order of their folders, search path by search path`() throws {
    var tree = try Tree()
    for name in ["beta", "alpha", "gamma"] { try tree.add(name, id: name) }
    try AtomicFile.makeFolder(tree.folder.file("second/a"), mode: 0o755)
    try tree.folder.write("second/aaa/plugin.toml", Sample.small(id: "\"aaa\""))
    tree.settings.searchPaths.append(tree.folder.file("second"))
    #expect(tree.sweep().candidates.map(\.name) == ["alpha", "beta", "gamma", "aaa"])
    #expect(tree.sweep().candidates.map(\.searchPath) == [0, 0, 0, 1])
  }

  @Test func `manifests are found down to the depth and no deeper`() throws {
    var tree = try Tree()
    try tree.add("a/b", id: "two")
    try tree.add("c/d/e", id: "three")
    #expect(tree.sweep().candidates.map(\.name) == ["two"])
    tree.settings.maximumDepth = 4
    #expect(tree.sweep().candidates.map(\.name) == ["two", "three"])
    tree.settings.maximumDepth = 1
    #expect(tree.sweep().candidates.isEmpty)
    try tree.add(".", id: "root")
    #expect(tree.sweep().candidates.map(\.name) == ["root"])
  }

  @Test(arguments: ["target", ".git", "node_modules", "dist", ".build"])
  func `build folders are not entered`(name: String) throws {
    let tree = try Tree()
    try tree.add("\(name)/foo", id: "foo")
    try tree.add("x/\(name)", id: "bar")
    #expect(tree.sweep().candidates.isEmpty)
  }

  @Test func `a search path that is missing or a file is a finding, and the others are walked`() throws {
    var tree = try Tree()
    try tree.add("a", id: "a")
    let file = try tree.folder.write("file", "x")
    tree.settings.searchPaths = ["/nowhere/at/all", file] + tree.settings.searchPaths
    let sweep = tree.sweep()
    #expect(sweep.findings.map(\.reason) == [.searchPathMissing, .searchPathMissing])
    #expect(sweep.findings.map(\.file) == ["/nowhere/at/all", file])
    #expect(sweep.candidates.map(\.name) == ["a"])
  }

  @Test func `search paths that contain each other find an extension once`() throws {
    var tree = try Tree()
    try tree.add("group/a", id: "a")
    tree.settings.searchPaths += [tree.folder.file("extensions/group"), tree.folder.file("extensions/")]
    #expect(verdicts(tree.sweep()) == ["a toCheck"])
  }

  @Test func `a tree without end is cut and said to be`() throws {
    var tree = try Tree()
    for number in 0..<9 { try tree.add("e\(number)", id: "e\(number)") }
    tree.settings.maximumFolders = 5
    let sweep = tree.sweep()
    #expect(sweep.candidates.count == 4)
    #expect(sweep.findings.map(\.reason) == [.treeTooLarge])
  }

  @Test func `a folder whose name is not UTF-8 is mentioned`() throws {
    let tree = try Tree()
    #expect(tree.folder.makeFolder(named: Array("extensions/".utf8) + [0xFF, 0x41]))
    #expect(tree.sweep().findings.map(\.reason) == [.folderUnreadable])
  }

  // MARK: sidecar

  @Test func `servers come from the sidecar unless the manifest has its own`() throws {
    let tree = try Tree()
    try tree.add("a", id: "a")
    try tree.folder.write(
      "extensions/a/.mcp.json",
      #"{"mcpServers":{"local":{"command":"/bin/true","args":["--ok"]},"far":{"url":"https://h/"}}}"#)
    let servers = try #require(tree.sweep().candidates.first?.manifest).mcpServers
    #expect(
      servers == [
        .init(name: "far", transport: .http(kind: "auto", url: "https://h/", headers: [:])),
        .init(
          name: "local", transport: .stdio(command: "/bin/true", arguments: ["--ok"], environment: [:], folder: nil)),
      ])
    try tree.add("a", id: "a", more: "[mcp_servers.own]\ntransport = \"stdio\"\ncommand = \"x\"")
    #expect(tree.sweep().candidates.first?.manifest?.mcpServers.map(\.name) == ["own"])
  }

  @Test(arguments: [
    "not json", "[]", #"{"servers":{}}"#, #"{"mcpServers":[]}"#, #"{"mcpServers":{"Bad":{"command":"x"}}}"#,
    #"{"mcpServers":{"a":{}}}"#, #"{"mcpServers":{"a":{"command":"x","wat":1}}}"#,
    #"{"mcpServers":{"a":{"transport":"smoke","url":"https://h"}}}"#, #"{"mcpServers":{"a":{"url":"ftp://h"}}}"#,
  ]) func `a bad sidecar is a warning and the extension is kept`(text: String) throws {
    let tree = try Tree()
    try tree.add("a", id: "a")
    try tree.folder.write("extensions/a/.mcp.json", text)
    let candidate = try #require(tree.sweep().candidates.first)
    #expect(candidate.reason == nil)
    #expect(candidate.findings.map(\.reason) == [.sidecarIgnored])
    #expect(candidate.manifest?.mcpServers.isEmpty == true)
  }

  // MARK: verdicts

  @Test func `a manifest that is not TOML is one invalid candidate under its folder's name`() throws {
    let tree = try Tree()
    try tree.folder.write("extensions/broken/plugin.toml", "not = valid [toml")
    let sweep = tree.sweep()
    #expect(verdicts(sweep) == ["broken manifest.syntax"])
    #expect(sweep.candidates.first?.findings.first?.position?.line == 1)
  }

  @Test func `a manifest that cannot be read as a file is invalid`() throws {
    let tree = try Tree()
    try AtomicFile.makeFolder(tree.folder.file("extensions/folder/plugin.toml"), mode: 0o755)
    #expect(tree.folder.pipe("extensions/pipe/plugin.toml"))
    #expect(verdicts(tree.sweep()) == ["folder manifest.unreadable", "pipe manifest.unreadable"])
  }

  @Test func `the first of two with one id wins and the other names it`() throws {
    let tree = try Tree()
    try tree.add("a", id: "same")
    try tree.add("b", id: "same")
    let sweep = tree.sweep()
    #expect(verdicts(sweep) == ["same toCheck", "same extension.duplicate_id"])
    #expect(sweep.candidates[1].findings.first?.message.contains("duplicate id `same`") == true)
    #expect(sweep.candidates[1].findings.first?.message.contains(tree.folder.file("extensions/a")) == true)
  }

  @Test func `a disabled extension keeps its id, an invalid one does not`() throws {
    var tree = try Tree()
    try tree.add("a", id: "same")
    try tree.add("b", id: "same")
    tree.settings.disabled = ["same"]
    #expect(verdicts(tree.sweep()) == ["same extension.disabled", "same extension.duplicate_id"])
    tree.settings.disabled = []
    try tree.add("a", id: "same", more: "[wat]")
    #expect(verdicts(tree.sweep()) == ["same manifest.unknown_key", "same toCheck"])
  }

  @Test func `an extension inside another is invalid, inside an invalid one it is not`() throws {
    let tree = try Tree()
    try tree.add("outer", id: "outer")
    try tree.add("outer/inner", id: "inner")
    #expect(verdicts(tree.sweep()) == ["outer toCheck", "inner extension.nested"])
    try tree.add("outer", id: "outer", more: "[wat]")
    #expect(verdicts(tree.sweep()) == ["outer manifest.unknown_key", "inner toCheck"])
  }

  @Test func `a manifest in the search path itself owns everything below`() throws {
    let tree = try Tree()
    try tree.add(".", id: "root")
    try tree.add("a", id: "a")
    #expect(verdicts(tree.sweep()) == ["root toCheck", "a extension.nested"])
  }

  @Test func `disabled list and allowlist disable, and unknown ids are mentioned`() throws {
    var tree = try Tree()
    try tree.add("a", id: "ext_a")
    try tree.add("b", id: "ext_b")
    tree.settings.disabled = ["ext_a", "ghost"]
    #expect(verdicts(tree.sweep()) == ["ext_a extension.disabled", "ext_b toCheck"])
    #expect(tree.sweep().findings.map(\.reason) == [.unknownListedID])
    tree.settings.disabled = []
    tree.settings.allowlist = ["ext_a", "ext_ghost"]
    let sweep = tree.sweep()
    #expect(verdicts(sweep) == ["ext_a toCheck", "ext_b extension.not_allowlisted"])
    #expect(sweep.findings.map(\.file) == ["ext_ghost"])
  }

  @Test func `a quarantined extension is disabled and says why`() throws {
    let tree = try Tree()
    try tree.add("a", id: "a")
    let sweep = tree.sweep(quarantined: ["a": "crashed in start()"])
    #expect(verdicts(sweep) == ["a extension.quarantined"])
    #expect(sweep.candidates.first?.findings.first?.message == "`a` is quarantined: crashed in start()")
  }

  @Test func `missing programs and variables disable, and every reason is kept`() throws {
    let tree = try Tree()
    let bin = try tree.folder.write("bin/tool", "#!/bin/sh\n", mode: 0o755)
    try tree.folder.write("bin/data", "x", mode: 0o644)
    try tree.add(
      "a", id: "a", more: "[requires]\nbins = [\"tool\", \"data\", \"nope\"]\nenv = [\"SET\", \"EMPTY\", \"UNSET\"]")
    try tree.add("b", id: "b", more: "[requires]\nbins = [\"tool\"]\nenv = [\"SET\"]")
    let values = ["PATH": "/nowhere:\(Path.parent(of: bin))", "SET": "x", "EMPTY": ""]
    let sweep = tree.sweep(requirements: RequirementContext { values[$0] })
    #expect(verdicts(sweep) == ["a requires.bins", "b toCheck"])
    #expect(sweep.candidates[0].findings.map(\.message) == ["not on PATH: data, nope", "not set: EMPTY, UNSET"])
    #expect(sweep.candidates[0].findings.map(\.reason) == [.requiresBins, .requiresEnv])
  }

  @Test func `another transport is disabled, whatever else is missing`() throws {
    let tree = try Tree()
    try tree.add("a", id: "a", kind: "stdio\"\ncommand = \"x", more: "[requires]\nenv = [\"UNSET\"]")
    #expect(verdicts(tree.sweep()) == ["a transport.unsupported"])
  }

  // MARK: links

  @Test func `a linked extension is refused unless links are followed to a place that is allowed`() throws {
    var tree = try Tree()
    try tree.folder.write("outside/ext/plugin.toml", Sample.weather)
    #expect(tree.folder.link("extensions/linked", to: tree.folder.file("outside/ext")))
    #expect(verdicts(tree.sweep()) == ["linked extension.symlink"])
    tree.settings.followLinks = true
    #expect(verdicts(tree.sweep()) == ["linked extension.symlink"])
    tree.settings.allowedRoots = [tree.folder.file("outside")]
    #expect(verdicts(tree.sweep()) == ["weather toCheck"])
    #expect(tree.sweep().candidates.first?.realFolder.hasSuffix("/outside/ext") == true)
  }

  @Test func `a linked manifest is refused, other links are mentioned`() throws {
    let tree = try Tree()
    try tree.folder.write("outside/plugin.toml", Sample.weather)
    try AtomicFile.makeFolder(tree.folder.file("extensions/a"), mode: 0o755)
    #expect(tree.folder.link("extensions/a/plugin.toml", to: tree.folder.file("outside/plugin.toml")))
    #expect(tree.folder.link("extensions/dangling", to: "/nowhere"))
    #expect(tree.folder.link("extensions/folder", to: "/usr"))
    #expect(tree.folder.link("extensions/file", to: "/etc/passwd"))
    let sweep = tree.sweep()
    #expect(verdicts(sweep) == ["a extension.symlink"])
    #expect(sweep.findings.map(\.reason) == [.linkSkipped, .linkSkipped])
  }

  @Test func `a loop of links ends`() throws {
    var tree = try Tree()
    tree.settings.followLinks = true
    tree.settings.maximumDepth = 50
    try tree.add("a", id: "a")
    #expect(tree.folder.link("extensions/a/loop", to: tree.folder.file("extensions")))
    let sweep = tree.sweep()
    #expect(sweep.findings.map(\.reason) == [.linkSkipped])
    #expect(verdicts(sweep) == ["a toCheck"])
  }

  @Test func `a search path may itself be a link`() throws {
    var tree = try Tree()
    try tree.add("a", id: "a")
    #expect(tree.folder.link("alias", to: tree.folder.file("extensions")))
    tree.settings.searchPaths = [tree.folder.file("alias")]
    #expect(tree.sweep().candidates.map(\.folder) == [tree.folder.file("alias/a")])
  }

  @Test func `a changed manifest is read again, also within one tick of the clock`() throws {
    let tree = try Tree()
    let scanner = ExtensionScanner(settings: tree.settings, rules: Sample.rules, requirements: Self.nothingSet)
    for round in 0..<50 {
      try tree.add("a", id: "a\(round % 10)")
      #expect(scanner.sweep().candidates.map(\.id) == ["a\(round % 10)"])
    }
  }
}
