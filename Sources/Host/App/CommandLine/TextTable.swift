// A table for people: columns padded to their widest cell, the last one left as it is.
//
// SPDX-License-Identifier: Apache-2.0

/// Rows under headings.
package struct TextTable: Sendable {
  private let headings: [String]
  private var rows: [[String]] = []

  package init(_ headings: String...) { self.headings = headings }

  /// Adds a row; missing cells are empty, surplus ones are dropped. Control characters are shown as `?`.
  package mutating func add(_ cells: String...) { rows.append(cells.map(TextTable.printable)) }

  package var isEmpty: Bool { rows.isEmpty }

  /// The lines, headings first, without trailing white space.
  package var lines: [String] {
    let all = [headings] + rows
    let widths = headings.indices.map { column in
      all.map { column < $0.count ? TextTable.width($0[column]) : 0 }.max() ?? 0
    }
    return all.map { row in
      var line = ""
      for (column, cell) in row.prefix(headings.count).enumerated() {
        line += cell
        if column + 1 < headings.count {
          line += String(repeating: " ", count: widths[column] - TextTable.width(cell) + 2)
        }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }

  /// Columns on a terminal; colour sequences take none.
  private static func width(_ text: String) -> Int {
    var count = 0
    var inSequence = false
    for character in text {
      if character == "\u{1B}" {
        inSequence = true
      } else if inSequence {
        inSequence = character != "m"
      } else {
        count += 1
      }
    }
    return count
  }

  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 && $0.value != 0x1B ? "?" : $0 }))
  }
}
