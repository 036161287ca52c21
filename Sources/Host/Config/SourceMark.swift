// Where a value stands in a configuration file.
// Part of every YAML node and of every finding.
//
// SPDX-License-Identifier: Apache-2.0

/// A place in a file; `agents.yaml:12:5` in text.
package struct SourceMark: Sendable, Hashable, CustomStringConvertible {
  /// The path as it was opened.
  package let file: String
  /// From 1; 0 when the whole file is meant.
  package let line: Int
  /// From 1, in characters (code points); 0 when the whole file is meant.
  package let column: Int

  package init(file: String, line: Int = 0, column: Int = 0) {
    self.file = file
    self.line = line
    self.column = column
  }

  package var description: String { line == 0 ? file : "\(file):\(line):\(column)" }
}
