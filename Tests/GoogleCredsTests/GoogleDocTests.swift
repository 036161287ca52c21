// Compares docs/google.md with the code: every reason with cause and remedy, every tool, key, state and log message.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@testable import GoogleCreds

@Suite("Page of the plugin")
struct GoogleDocTests {
  private static let root = FixturePlugins.packageRoot

  private static func text(_ path: String) throws -> String {
    String(decoding: try AtomicFile.read("\(root)/\(path)"), as: UTF8.self)
  }

  @Test func `the page has every reason as the code says it, and no other`() throws {
    let page = try Self.text("docs/google.md")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `google.") }.map(String.init)
    let expected = GoogleReason.allCases.map { "| `\($0.rawValue)` | \($0.cause) | \($0.remedy) |" }
    #expect(Set(rows) == Set(expected))
    #expect(rows.count == expected.count)
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
