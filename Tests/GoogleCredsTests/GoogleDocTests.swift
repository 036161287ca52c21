// Compares docs/google.md and the reasons file beside the manifest with the code.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginKit
import TestSupport
import Testing

@testable import GoogleCreds

@Suite("Page of the plugin")
struct GoogleDocTests {
  private static let root = FixturePlugins.packageRoot

  private static func text(_ path: String) throws -> String {
    String(decoding: try AtomicFile.read("\(root)/\(path)"), as: UTF8.self)
  }

  @Test func `reasons json says what the code says`() throws {
    let rows = GoogleReason.allCases.sorted { $0.rawValue < $1.rawValue }.map { reason in
      let row: JSON = [
        "code": .string(reason.rawValue), "cause": .string(reason.cause), "evidence": .string(reason.evidence),
        "remedy": .string(reason.remedy),
      ]
      return "  " + row.description
    }
    let written = "[\n" + rows.joined(separator: ",\n") + "\n]\n"
    let path = "extensions/google-creds/reasons.json"
    if getenv("NEXO_UPDATE_DOCS") != nil {
      try AtomicFile.write(Array(written.utf8), to: "\(Self.root)/\(path)", mode: 0o644)
    }
    #expect(try Self.text(path) == written, "Run NEXO_UPDATE_DOCS=1 swift test --filter GoogleDocTests")
  }

  @Test func `the page names every tool, state, end point and log message`() throws {
    let page = try Self.text("docs/google.md")
    for tool in GoogleTool.allCases { #expect(page.contains("| `\(tool.rawValue) {"), "\(tool)") }
    for state in AccountState.allCases { #expect(page.contains("`\(state.rawValue)`"), "\(state)") }
    for name in Endpoints.Name.allCases { #expect(page.contains("`endpoints.\(name.rawValue)`"), "\(name)") }
    let source = try Self.text("Plugins/GoogleCreds/Plugin/GoogleService.swift")
    let messages = source.matches(of: /host\.log\.(info|warning|error)\(\s*"([a-z ]+)"/).map { String($0.output.2) }
    #expect(messages.count == 4)
    for message in messages { #expect(page.contains("| `\(message)` ("), "\(message)") }
  }
}
