// Every reason of the extensions area is reached by a test: its name or its code stands in a test of this folder.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostReasons
import TestSupport
import Testing

@Suite("Reasons of extensions")
struct ReasonCoverageTests {
  private static let areas = ["Manifest", "Files", "Elf", "Extensions"]

  /// `name` and `code` of each declaration in the areas' files.
  private func declared() throws -> [(name: String, code: String)] {
    try Self.areas.flatMap { area in
      let path = FixturePlugins.packageRoot + "/Sources/Host/Reasons/Reasons+\(area).swift"
      let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
      return text.split(separator: "package static let ").dropFirst().map { part in
        (String(part.prefix { $0 != " " }), String(part.split(separator: "\"")[1]))
      }
    }
  }

  private func testTexts() throws -> String {
    let folder = FixturePlugins.packageRoot + "/Tests/HostPluginsTests"
    return try ["Manifest", "Elf", "Discovery"].flatMap { part in
      try FolderNames.list("\(folder)/\(part)").filter { $0.hasSuffix(".swift") && $0 != "ReasonCoverageTests.swift" }
        .map { String(decoding: try AtomicFile.read("\(folder)/\(part)/\($0)"), as: UTF8.self) }
    }.joined()
  }

  @Test func `each is in the catalogue and in a test`() throws {
    let tests = try testTexts()
    let declared = try declared()
    #expect(declared.count > 60)
    for (name, code) in declared {
      #expect(Reason.named(code) != nil, "\(code) is not in its area's list")
      #expect(tests.contains("\(code)\"") || tests.contains(".\(name)"), "\(code) is in no test")
    }
  }

  @Test func `each says cause, evidence and remedy in whole sentences`() {
    for reason in Reason.all {
      for text in [reason.cause, reason.evidence, reason.remedy] {
        #expect(text.hasSuffix("."), "\(reason.code): \(text)")
      }
    }
  }
}
