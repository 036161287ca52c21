// `agent ext new`: what it writes builds, passes its own test and installs, without a network.
//
// SPDX-License-Identifier: Apache-2.0

import HostApp
import HostLinux
import TestSupport
import Testing

@Suite("Extension template", .timeLimit(.minutes(5)))
struct ExtensionTemplateTests {
  /// The SDK as the source tree has it.
  private var sdk: String { FixturePlugins.packageRoot + "/sdk" }

  @Test(arguments: ExtensionLanguage.allCases)
  func `a new plugin builds, passes its test and installs`(language: ExtensionLanguage) async throws {
    let folder = try TemporaryFolder("ext-new")
    try ExtensionTemplate.write(name: "my-first_plugin", language: language, into: folder.path, sdk: sdk)
    let plugin = folder.file("my-first_plugin")
    for goal in [["make"], ["make", "test"], ["make", "install", "EXTENSIONS=\(folder.file("extensions"))"]] {
      let (end, output, errors) = try await ChildProcess.run(goal, folder: plugin, seconds: 240)
      #expect(end == .exited(0), "\(goal): \(output)\n\(errors)")
      #expect(!errors.contains("warning"), "\(errors)")
    }
    let installed = folder.file("extensions/my-first_plugin")
    for file in ["plugin.toml", "libmy-first_plugin.so"] { _ = try FileStatus.of(Path.join(installed, file)) }
    let symbols = try await ChildProcess.run(
      ["nm", "-D", "--defined-only", Path.join(installed, "libmy-first_plugin.so")])
    #expect(symbols.output.split(separator: "\n").map { $0.split(separator: " ").last } == ["nexo_plugin_entry_1"])
  }

  @Test(arguments: ["", "Nexo", "nexo", "1st", "a b", "../up", "agent", String(repeating: "a", count: 65)])
  func `a name that the host would refuse is refused here`(name: String) throws {
    let folder = try TemporaryFolder("ext-new")
    #expect(throws: ExtensionTemplateError.badName(name)) {
      try ExtensionTemplate.write(name: name, language: .c, into: folder.path, sdk: sdk)
    }
  }

  @Test func `a folder that is there already is left alone`() throws {
    let folder = try TemporaryFolder("ext-new")
    try ExtensionTemplate.write(name: "twice", language: .c, into: folder.path, sdk: sdk)
    #expect(throws: ExtensionTemplateError.alreadyThere(path: folder.file("twice"))) {
      try ExtensionTemplate.write(name: "twice", language: .swift, into: folder.path, sdk: sdk)
    }
  }

  @Test func `the SDK is found beside the running executable`() throws {
    let folder = try TemporaryFolder("ext-new")
    let written = try ExtensionTemplate.write(name: "found", language: .c, into: folder.path)
    let makefile = String(decoding: try AtomicFile.read(try #require(written.dropFirst().first)), as: UTF8.self)
    #expect(makefile.contains("NEXO_SDK ?= \(sdk)\n"))
  }
}
