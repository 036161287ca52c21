// TOML text as a tree of Swift values that know where they stand. The face of CToml, which wraps toml++.
// Called by ManifestParser. Bounds (256 KiB, 32 brackets, 16 key parts) and all parsing are CToml's.
//
// SPDX-License-Identifier: Apache-2.0

internal import CToml

/// A value and where it begins.
struct TomlNode: Sendable, Equatable {
  indirect enum Value: Sendable, Equatable {
    case table([TomlEntry])
    case array([TomlNode])
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    case date(String)
  }

  let value: Value
  let position: SourcePosition

  /// The type's name for messages.
  var typeName: String {
    switch value {
    case .table: "a table"
    case .array: "a list"
    case .string: "a string"
    case .integer: "an integer"
    case .float: "a number with a fraction"
    case .boolean: "true or false"
    case .date: "a date or time"
    }
  }
}

/// One `key = value` of a table.
struct TomlEntry: Sendable, Equatable {
  let key: String
  let keyPosition: SourcePosition
  let node: TomlNode
}

/// A text that is not TOML; toml++ reports the first fault only.
struct TomlSyntaxError: Error, Equatable, Sendable {
  let message: String
  let position: SourcePosition
}

enum TomlDocument {
  /// Parses a whole document; any bytes are fine as input.
  ///
  /// - Returns: the root table's entries, sorted by key as toml++ keeps them.
  static func parse(_ bytes: [UInt8]) throws(TomlSyntaxError) -> [TomlEntry] {
    let document = bytes.withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { ctoml_parse($0.baseAddress, $0.count) }
    }
    guard let document else { throw TomlSyntaxError(message: "out of memory", position: .init(line: 1, column: 1)) }
    defer { ctoml_free(document) }
    var line: UInt32 = 0
    var column: UInt32 = 0
    if let error = ctoml_error(document, &line, &column) {
      throw TomlSyntaxError(message: String(cString: error), position: position(line, column))
    }
    var count = 0
    let first = ctoml_nodes(document, &count)
    var cursor = Cursor(nodes: UnsafeBufferPointer(start: first, count: count))
    guard case .table(let entries)? = cursor.next()?.node.value else { return [] }
    return entries
  }

  private static func position(_ line: UInt32, _ column: UInt32) -> SourcePosition {
    SourcePosition(line: max(1, Int(line)), column: max(1, Int(column)))
  }

  /// Reads the pre-order list back into a tree. Recursion is bounded by CToml's bounds.
  private struct Cursor {
    let nodes: UnsafeBufferPointer<ctoml_node>
    var index = 0

    mutating func next() -> TomlEntry? {
      guard index < nodes.count else { return nil }
      let raw = nodes[index]
      index += 1
      let value: TomlNode.Value
      switch Int(raw.kind) {
      case CTOML_TABLE: value = .table(children(raw.children))
      case CTOML_ARRAY: value = .array(children(raw.children).map(\.node))
      case CTOML_STRING: value = .string(text(raw.text, raw.text_length))
      case CTOML_INTEGER: value = .integer(raw.integer)
      case CTOML_FLOAT: value = .float(raw.number)
      case CTOML_BOOLEAN: value = .boolean(raw.integer != 0)
      default: value = .date(text(raw.text, raw.text_length))
      }
      return TomlEntry(
        key: text(raw.key, raw.key_length), keyPosition: position(raw.key_line, raw.key_column),
        node: TomlNode(value: value, position: position(raw.line, raw.column)))
    }

    private mutating func children(_ count: UInt32) -> [TomlEntry] {
      var entries: [TomlEntry] = []
      for _ in 0..<count {
        guard let entry = next() else { break }
        entries.append(entry)
      }
      return entries
    }

    private func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
      guard let start else { return "" }
      return start.withMemoryRebound(to: UInt8.self, capacity: length) {
        String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
      }
    }
  }
}
