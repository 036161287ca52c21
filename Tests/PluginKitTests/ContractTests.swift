// The contract's own checks: that the lock holds the header, and that the examples and the page's snippets work.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@Suite("Contract", .timeLimit(.minutes(5)))
struct ContractTests {
  private static let root = FixturePlugins.packageRoot

  @Test(arguments: [
    ("a field that moves", "  uint32_t abi_minor;\n", "  uint64_t abi_minor;\n"),
    ("a field that is inserted", "  void *ctx;\n  /* One request.", "  void *ctx;\n  void *extra;\n  /* One request."),
    ("an argument of another type", "(nexo_counter *c, uint64_t step)", "(nexo_counter *c, uint32_t step)"),
    ("a result of another type", "void (*idle)(", "nexo_status (*idle)("),
    ("a callback's argument", "void (*fn)(void *ctx, nexo_timer t)", "void (*fn)(void *ctx, uint32_t t)"),
    ("a value that is renumbered", "NEXO_E_GONE = -2", "NEXO_E_GONE = -20"),
    ("a frozen struct that grows", "typedef struct nexo_kv {", "typedef struct nexo_kv { void *more;"),
    ("a signed status", "typedef int32_t nexo_status;", "typedef int64_t nexo_status;"),
  ])
  func `the lock does not compile against a header with`(what: String, before: String, after: String) async throws {
    let header = String(
      decoding: try AtomicFile.read(Self.root + "/Sources/PluginAPI/include/nexo_plugin.h"), as: UTF8.self)
    let range = try #require(header.firstRange(of: before), "the header no longer has: \(before)")
    let folder = try TemporaryFolder("abi")
    try folder.write("nexo_plugin.h", header.replacing(range, with: after))
    let lock = Self.root + "/Sources/PluginAPI/abi_lock_1.c"
    let result = try await ChildProcess.run(["gcc", "-std=c11", "-fsyntax-only", "-I", folder.path, lock])
    #expect(result.end != .exited(0), "\(what) went unnoticed")
    #expect(result.errors.contains("static assertion failed"), "\(result.errors)")
  }

  @Test func `a field that is appended to a sized struct is no change`() async throws {
    let header = String(
      decoding: try AtomicFile.read(Self.root + "/Sources/PluginAPI/include/nexo_plugin.h"), as: UTF8.self)
    let range = try #require(header.firstRange(of: "} nexo_life_1;"))
    let folder = try TemporaryFolder("abi")
    try folder.write("nexo_plugin.h", header.replacing(range, with: "  void (*more)(void);\n} nexo_life_1;"))
    let lock = Self.root + "/Sources/PluginAPI/abi_lock_1.c"
    let result = try await ChildProcess.run(["gcc", "-std=c11", "-fsyntax-only", "-I", folder.path, lock])
    #expect(result.end == .exited(0), "\(result.errors)")
  }

  @Test(arguments: ["check-header.sh", "check-doc-snippets.sh"])
  func `the script passes`(script: String) async throws {
    let result = try await ChildProcess.run([Self.root + "/scripts/" + script], folder: Self.root, seconds: 240)
    #expect(result.end == .exited(0), "\(result.output)\n\(result.errors)")
  }

  @Test(arguments: ["weather-c", "weather-swift"])
  func `the example builds and passes its test`(example: String) async throws {
    let folder = try TemporaryFolder("example")
    let copy = try await ChildProcess.run(["cp", "-r", Self.root + "/examples/" + example, folder.path])
    #expect(copy.end == .exited(0))
    let result = try await ChildProcess.run(
      ["make", "clean", "test", "NEXO_SDK=\(Self.root)/sdk"], folder: folder.file(example), seconds: 240)
    #expect(result.end == .exited(0), "\(result.output)\n\(result.errors)")
  }
}

extension String {
  /// The text with one part of it replaced.
  fileprivate func replacing(_ range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
