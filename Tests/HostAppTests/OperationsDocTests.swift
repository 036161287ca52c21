// docs/operations.md against the code, both ways: what it lists exists as it says, and what exists is listed.
// `NEXO_UPDATE_DOCS=1 swift test --filter OperationsDocTests` writes the tables anew and keeps the written notes.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostMetrics
import HostReasons
import Testing

@testable import HostApp

@Suite("Operations page", .serialized)
struct OperationsDocTests {
  static let file = "docs/operations.md"
  /// Documents whose commands are checked.
  static let documents = [
    file, "README.md", "docs/tour.md", "docs/flows/drop-in.md", "docs/flows/scrape.md", "docs/flows/conversation.md",
    "docs/flows/pairing.md",
  ]

  @Test func `every table of the page says what the code says`() throws {
    var page = try OperationsPage(Self.file)
    let isUpdate = getenv("NEXO_UPDATE_DOCS").map { String(cString: $0) } == "1"
    for table in OperationsTable.all {
      let written = try #require(page.section(table.name), "no section '\(table.name)' in \(Self.file)")
      let wanted = table.text(notes: page.notes(of: table.name))
      if isUpdate {
        page.replace(table.name, by: wanted)
      } else {
        let (old, new) = (Set(written.split(separator: "\n")), Set(wanted.split(separator: "\n")))
        #expect(
          written == wanted,
          """
          section '\(table.name)'; only on the page: \(old.subtracting(new).sorted()); \
          only in the code: \(new.subtracting(old).sorted()). Run NEXO_UPDATE_DOCS=1 swift test --filter OperationsDocTests
          """)
      }
    }
    if isUpdate { try page.save() }
  }

  @Test func `every row that needs words of its own has them`() throws {
    let page = try OperationsPage(Self.file)
    for table in OperationsTable.all where table.hasNotes {
      let notes = page.notes(of: table.name)
      for row in table.rows {
        #expect(notes[row[0]]?.isEmpty == false, "\(table.name): \(row[0])")
      }
    }
  }

  @Test func `every metric named on the page exists`() throws {
    let names = Set(Families.all.map(\.name))
    for span in OperationsPage.spans(in: try Self.written(in: Self.file)) {
      let name = String(span.prefix { $0 != "{" })
      guard name.hasPrefix("nexo_") || name.hasPrefix("process_"),
        name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
      else { continue }
      #expect(names.contains(name), "\(span)")
    }
  }

  @Test func `every reason code of the runbook exists`() throws {
    let page = try OperationsPage(Self.file)
    let codes = Set(Reason.all.map(\.code)).union(SettingFacts.all.map(\.key))
    let spans = OperationsPage.spans(in: try #require(page.chapter("## What to do when")))
    let dotted = spans.filter { span in
      span.contains(".") && span.first?.isLetter == true
        && span.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "." || $0 == "_" }
    }
    #expect(!dotted.isEmpty)
    for code in dotted { #expect(codes.contains(code), "\(code)") }
  }

  @Test(arguments: documents)
  func `every command in a document is one that the program takes`(file: String) throws {
    let written = try Self.written(in: file)
    for line in OperationsPage.spans(in: written) + OperationsPage.typed(in: written) {
      for words in Self.calls(in: line) where !Self.isTaken(words) {
        Issue.record("\(file): agent \(words.joined(separator: " "))")
      }
    }
  }

  /// Commands that reasons name as evidence or remedy and that are still to be written; one that is there must go from here.
  static let promised: Set<String> = []

  @Test func `every command that a reason names is one that the program takes, or is still to come`() {
    for reason in Reason.all {
      for span in OperationsPage.spans(in: reason.cause + reason.evidence + reason.remedy) {
        for words in Self.calls(in: span) where !Self.promised.contains(words[0]) && !Self.isTaken(words) {
          Issue.record("\(reason.code): agent \(words.joined(separator: " "))")
        }
      }
    }
    let there = Set(Program.parser.commands.compactMap(\.words.first))
    #expect(
      Self.promised.isDisjoint(with: there), "\(Self.promised.intersection(there)) is there: take it off the list")
  }

  /// The words after `agent` of each call in a line; a placeholder in brackets is left out.
  private static func calls(in line: String) -> [[String]] {
    line.split(separator: "&&").compactMap { part in
      let words = part.split(separator: " ").prefix { $0 != "#" && $0 != "|" }.map(String.init)
      guard words.count > 1, words[0] == "agent" || words[0].hasSuffix("/agent") else { return nil }
      return words.dropFirst().filter { !$0.hasPrefix("[") }
    }
  }

  /// Whether a command line parses, or names a command or a family of commands.
  private static func isTaken(_ words: [String]) -> Bool {
    if (try? Program.parser.parse(words)) != nil { return true }
    return Program.parser.commands.contains { $0.words == words || words.count == 1 && $0.words[0] == words[0] }
  }

  /// A document without its generated tables: those are as good as the code, and reasons have a test of their own.
  private static func written(in file: String) throws -> String {
    try OperationsTable.all.reduce(into: OperationsPage(file)) { page, table in page.replace(table.name, by: "") }.text
  }
}
