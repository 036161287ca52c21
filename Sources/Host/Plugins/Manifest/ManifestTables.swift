// Reading typed values out of TOML tables while collecting what is wrong: unknown keys, wrong types, missing keys.
// Used by ManifestParser; knows TOML and findings, but no rule of plugin.toml itself.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// One table of the manifest under its dotted name, empty for the root.
struct ManifestTable {
  let name: String
  let entries: [TomlEntry]
  /// Where the table begins: its header, or the document's start.
  let position: SourcePosition

  func entry(_ key: String) -> TomlEntry? { entries.first { $0.key == key } }

  /// `plugin.id` for messages.
  func path(_ key: String) -> String { name.isEmpty ? key : name + "." + key }
}

/// A string and where it stands.
struct LocatedText {
  let text: String
  let position: SourcePosition
}

/// The findings of one file, and the readers that add to them.
struct ManifestFindings {
  let file: String
  private(set) var all: [Finding] = []

  init(file: String) { self.file = file }

  mutating func add(
    _ reason: Reason, _ message: String, at position: SourcePosition, remedy: String? = nil,
    severity: Finding.Severity = .error
  ) {
    all.append(Finding(reason, message, file: file, at: position, remedy: remedy, severity: severity))
  }

  // MARK: tables

  /// The table under `key`; a wrong type is a finding, absence is not unless `required`.
  mutating func table(_ key: String, in parent: ManifestTable, required: Bool = false) -> ManifestTable? {
    guard let entry = parent.entry(key) else {
      if required { missing(key, in: parent, what: "table") }
      return nil
    }
    guard case .table(let entries) = entry.node.value else {
      wrongType(entry, in: parent, wanted: "a table")
      return nil
    }
    return ManifestTable(name: parent.path(key), entries: entries, position: entry.keyPosition)
  }

  /// A finding for each key that is not in `known`.
  ///
  /// - Parameters:
  ///   - elsewhere: key to table, for keys that exist but belong somewhere else.
  ///   - synonyms: key to the known key that is meant.
  ///   - note: added to the message.
  mutating func checkKeys(
    _ table: ManifestTable, known: [String], elsewhere: [String: String] = [:], synonyms: [String: String] = [:],
    note: String = ""
  ) {
    for entry in table.entries where !known.contains(entry.key) {
      let place = table.name.isEmpty ? "at the top level" : "in [\(table.name)]"
      let remedy: String
      if let near = synonyms[entry.key] ?? Suggestion.nearest(to: entry.key, in: known) {
        remedy = "Did you mean `\(near)`?"
      } else if let home = elsewhere[entry.key] {
        remedy = "`\(entry.key)` belongs in \(home)."
      } else {
        remedy = "Remove it. Known keys here: \(known.joined(separator: ", "))."
      }
      add(
        .manifestUnknownKey, "unknown key `\(clipped(entry.key))` \(place)\(note)", at: entry.keyPosition,
        remedy: remedy)
    }
  }

  // MARK: values

  mutating func string(_ key: String, in table: ManifestTable, required: Bool = false) -> LocatedText? {
    guard let entry = table.entry(key) else {
      if required { missing(key, in: table, what: "key") }
      return nil
    }
    guard case .string(let text) = entry.node.value else {
      wrongType(entry, in: table, wanted: "a string")
      return nil
    }
    return LocatedText(text: text, position: entry.node.position)
  }

  /// The strings of a list; elements of another type are findings and left out.
  mutating func strings(_ key: String, in table: ManifestTable) -> [LocatedText] {
    guard let entry = table.entry(key) else { return [] }
    guard case .array(let nodes) = entry.node.value else {
      wrongType(entry, in: table, wanted: "a list of strings")
      return []
    }
    var texts: [LocatedText] = []
    for node in nodes {
      if case .string(let text) = node.value {
        texts.append(LocatedText(text: text, position: node.position))
      } else {
        add(
          .manifestWrongType, "`\(table.path(key))` holds \(node.typeName), wanted are strings only",
          at: node.position)
      }
    }
    return texts
  }

  mutating func boolean(_ key: String, in table: ManifestTable) -> Bool? {
    guard let entry = table.entry(key) else { return nil }
    guard case .boolean(let flag) = entry.node.value else {
      wrongType(entry, in: table, wanted: "true or false")
      return nil
    }
    return flag
  }

  mutating func int32(_ key: String, in table: ManifestTable) -> Int32? {
    guard let entry = table.entry(key) else { return nil }
    guard case .integer(let number) = entry.node.value else {
      wrongType(entry, in: table, wanted: "an integer")
      return nil
    }
    guard let value = Int32(exactly: number) else {
      add(.manifestWrongType, "`\(table.path(key))` is \(number), outside the 32-bit range", at: entry.node.position)
      return nil
    }
    return value
  }

  /// A table whose values are all strings (`env`, `headers`).
  mutating func stringMap(_ key: String, in parent: ManifestTable) -> [String: String] {
    guard let table = table(key, in: parent) else { return [:] }
    var map: [String: String] = [:]
    for entry in table.entries {
      if let value = string(entry.key, in: table) { map[entry.key] = value.text }
    }
    return map
  }

  private mutating func missing(_ key: String, in table: ManifestTable, what: String) {
    let name = what == "table" ? "[\(table.path(key))]" : "`\(table.path(key))`"
    add(.manifestMissingKey, "the \(what) \(name) is missing", at: table.position)
  }

  private mutating func wrongType(_ entry: TomlEntry, in table: ManifestTable, wanted: String) {
    add(
      .manifestWrongType, "`\(table.path(entry.key))` is \(entry.node.typeName), wanted is \(wanted)",
      at: entry.node.position)
  }
}

/// A value for a message: control characters made visible, cut after 80 characters.
func clipped(_ text: String) -> String {
  if text.utf8.count <= 80 && text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
  let shown = text.unicodeScalars.prefix(80).map { scalar in
    scalar.properties.generalCategory == .control ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
  return shown.joined() + (text.unicodeScalars.count > 80 ? "…" : "")
}
