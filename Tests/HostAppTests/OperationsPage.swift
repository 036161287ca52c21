// The documents as tests read them: marked sections, rows, code spans. Used by OperationsDocTests.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux

/// A document below the repository's root.
struct OperationsPage {
  let file: String
  var text: String

  init(_ file: String) throws {
    self.file = file
    text = String(decoding: try AtomicFile.read(Self.path(file)), as: UTF8.self)
  }

  func save() throws { try AtomicFile.write(Array(text.utf8), to: Self.path(file), mode: 0o644) }

  /// A path below the repository's root, absolute.
  static func path(_ name: String) -> String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/" + name
  }

  static func names(in folder: String) -> [String] {
    guard let listing = opendir(folder) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The text between a section's marks, without the line ends beside them; nil when a mark is missing.
  func section(_ name: String) -> String? { range(of: name).map { String(text[$0]) } }

  mutating func replace(_ name: String, by table: String) {
    if let range = range(of: name) { text.replaceSubrange(range, with: table) }
  }

  /// What the last cell of each row of a section says, by the row's first cell.
  func notes(of name: String) -> [String: String] {
    var notes: [String: String] = [:]
    for line in (section(name) ?? "").split(separator: "\n") {
      let cells = line.dropFirst(2).dropLast(2).split(separator: " | ", omittingEmptySubsequences: false)
      if let first = cells.first, let last = cells.last, cells.count > 1 { notes[String(first)] = String(last) }
    }
    return notes
  }

  /// The text under a heading, to the next of the same depth.
  func chapter(_ heading: String) -> String? {
    guard let start = text.firstRange(of: "\n\(heading)\n") else { return nil }
    let mark = String(heading.prefix { $0 == "#" })
    let rest = text[start.upperBound...]
    return String(rest[..<(rest.firstRange(of: "\n\(mark) ")?.lowerBound ?? rest.endIndex)])
  }

  /// What stands between single backticks, outside of fenced blocks.
  static func spans(in text: String) -> [String] {
    text.split(separator: "```", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset.isMultiple(of: 2) }
      .flatMap { part in
        part.element.split(separator: "`", omittingEmptySubsequences: false).enumerated()
          .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
      }
  }

  /// Lines of fenced blocks that are typed into a shell: those after `$ `.
  static func typed(in text: String) -> [String] {
    text.split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
  }

  private func range(of name: String) -> Range<String.Index>? {
    guard let start = text.firstRange(of: "<!-- generated: \(name) -->\n"),
      let end = text[start.upperBound...].firstRange(of: "\n<!-- end: \(name) -->")
    else { return nil }
    return start.upperBound..<end.lowerBound
  }
}
