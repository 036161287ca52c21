// A mapping that knows which of its keys were asked for, so that the rest can be reported as unknown.
// Got from ConfigValue.mapping. Used by one load at a time; not shared between threads.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Typed reading of one mapping. Every method marks its key as known, present or not.
package final class ConfigMap {
  private let entries: [YAMLEntry]
  /// Where the mapping begins: the place of findings about absent keys.
  package let mark: SourceMark
  package let path: String
  package let report: ConfigReport
  private var known: [String] = []
  private var children: [String: ConfigMap] = [:]

  init(_ entries: [YAMLEntry], at mark: SourceMark, path: String, report: ConfigReport) {
    self.entries = entries
    self.mark = mark
    self.path = path
    self.report = report
  }

  /// The path of a key below this mapping, for messages.
  package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value of a key; nil when the key is absent or has nothing after its colon.
  ///
  /// - Parameter required: absence is a finding.
  package func value(_ key: String, required: Bool = false) -> ConfigValue? {
    know(key)
    let value = entries.first { $0.key == key }.map { ConfigValue($0.value, path: path(of: key), report: report) }
    if let value, !value.isNull { return value }
    if required {
      report.error(
        .configMissing, at: value?.mark ?? mark, "\(path(of: key)): is required", remedy: "Add `\(key):` here.")
    }
    return nil
  }

  /// Marks keys as known without reading them.
  package func know(_ keys: String...) {
    for key in keys where !known.contains(key) { known.append(key) }
  }

  /// Every entry, in file order, all marked as known: for mappings whose keys are data.
  package var all: [(key: String, mark: SourceMark, value: ConfigValue)] {
    entries.map { entry in
      know(entry.key)
      return (entry.key, entry.keyMark, ConfigValue(entry.value, path: path(of: entry.key), report: report))
    }
  }

  package func text(_ key: String, required: Bool = false, length: ClosedRange<Int> = 0...65_536) -> String? {
    value(key, required: required)?.text(length: length)
  }
  package func secret(_ key: String, required: Bool = false) -> Secret? { value(key, required: required)?.secret() }
  package func bool(_ key: String, required: Bool = false) -> Bool? { value(key, required: required)?.bool() }
  package func integer(
    _ key: String, required: Bool = false, in range: ClosedRange<Int> = Int.min...Int.max
  ) -> Int? {
    value(key, required: required)?.integer(in: range)
  }
  package func number(
    _ key: String, required: Bool = false,
    in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> Double? {
    value(key, required: required)?.number(in: range)
  }
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, of type: Choice.Type = Choice.self, required: Bool = false
  ) -> Choice? where Choice.RawValue == String {
    value(key, required: required)?.choice(of: type)
  }
  /// The items; an absent key reads as an empty list. Whether it was there: ``contains(_:)``.
  package func list(_ key: String, required: Bool = false) -> [ConfigValue] {
    value(key, required: required)?.list() ?? []
  }
  /// Texts, or nil when the key is absent: "no list" and "an empty list" often differ. `key:` with nothing after it
  /// is an empty list, so that an allow-list that lost its items allows nothing.
  package func texts(_ key: String, required: Bool = false) -> [String]? {
    guard contains(key) else { return value(key, required: required)?.texts() }
    know(key)
    let entry = entries.first { $0.key == key }
    return entry.map { ConfigValue($0.value, path: path(of: key), report: report).texts() }
  }
  /// Reads a mapping below a key; nil when it is absent.
  package func mapping<Result>(
    _ key: String, required: Bool = false, unused: Set<String> = [], _ body: (ConfigMap) -> Result
  ) -> Result? {
    value(key, required: required)?.mapping(unused: unused, body)
  }

  /// Whether the key is written, whatever its value.
  package func contains(_ key: String) -> Bool { entries.contains { $0.key == key } }

  /// The value at a dotted path such as `listen.metrics`; every mapping on the way is closed with this one.
  package func value(at dotted: String) -> ConfigValue? {
    guard let dot = dotted.firstIndex(of: ".") else { return value(dotted) }
    let (head, rest) = (String(dotted[..<dot]), String(dotted[dotted.index(after: dot)...]))
    if let child = children[head] { return child.value(at: rest) }
    // Kept when absent too, so that a path below it is a known one.
    let child =
      value(head)?.openMapping() ?? ConfigMap([], at: mark, path: path(of: head), report: report)
    children[head] = child
    return child.value(at: rest)
  }

  /// Reports each key that nobody asked for.
  ///
  /// - Parameter unused: keys of the reference system without effect here: a warning instead of an error.
  package func close(unused: Set<String> = []) {
    for child in children.values { child.close() }
    for entry in entries where !known.contains(entry.key) {
      if unused.contains(entry.key) {
        report.warning(
          .configUnusedKey, at: entry.keyMark, "\(path(of: entry.key)): is known but not used yet",
          remedy: "It has no effect here; remove it or leave it.")
      } else {
        let near = Suggestion.nearest(to: entry.key, in: known + unused.sorted())
        report.error(
          .configUnknownKey, at: entry.keyMark, "\(path(of: entry.key)): unknown key",
          remedy: near.map { "Did you mean \"\($0)\"?" } ?? "Known keys: \(known.sorted().joined(separator: ", ")).")
      }
    }
  }
}
