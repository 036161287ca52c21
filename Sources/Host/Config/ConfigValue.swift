// One value of a configuration file with its path, read as the type its reader expects.
// Got from ConfigReader.load and from ConfigMap. Each wrong value becomes one finding and reads as nil, so that the
// reader goes on and the operator sees all faults at once.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// A value, its key path (`agents[0].model`) and the report that its faults go to.
package struct ConfigValue {
  /// The resolved tree below this value; `node.json` is the form for plugins.
  package let node: YAMLNode
  /// For messages: `agents[0].model.provider`; empty for a whole file.
  package let path: String
  package let report: ConfigReport

  package init(_ node: YAMLNode, path: String, report: ConfigReport) {
    self.node = node
    self.path = path
    self.report = report
  }

  package var mark: SourceMark { node.mark }

  /// Nothing is written: `key:`, `key: null`, `key: ~`.
  package var isNull: Bool { node.scalar.map { $0.origin == .literal && $0.meaning == .null } ?? false }

  /// Adds an error at this value; for checks that go beyond types.
  package func error(_ reason: Reason, _ message: String, remedy: String) {
    report.error(reason, at: mark, prefixed(message), remedy: remedy)
  }

  /// Adds a warning at this value.
  package func warning(_ reason: Reason, _ message: String, remedy: String) {
    report.warning(reason, at: mark, prefixed(message), remedy: remedy)
  }

  private func prefixed(_ message: String) -> String { path.isEmpty ? message : "\(path): \(message)" }

  /// The finding for a value of another type. A placeholder that failed has its finding already.
  private func wrongType(_ expected: String) {
    if node.scalar?.origin == .unresolved { return }
    error(.configWrongType, "expected \(expected), found \(node.words)", remedy: "Write \(expected).")
  }

  /// Text as it is written; also an unquoted number, see ``YAMLScalar``.
  ///
  /// - Parameter length: allowed lengths in UTF-8 bytes.
  package func text(length: ClosedRange<Int> = 0...65_536) -> String? {
    guard let scalar = node.scalar, scalar.origin != .unresolved else {
      wrongType("text")
      return nil
    }
    switch scalar.meaning {
    case .null, .bool:
      // Nothing and `true` are no texts; from outside (a variable that says "true") they are.
      guard scalar.origin != .literal else {
        wrongType(scalar.meaning == .null ? "text" : "text in quotes")
        return nil
      }
    default: break
    }
    guard length.contains(scalar.text.utf8.count) else {
      error(
        .configOutOfRange, "\(scalar.text.isEmpty ? "is empty" : "has \(scalar.text.utf8.count) bytes")",
        remedy: "Write \(length.lowerBound) to \(length.upperBound) bytes of text.")
      return nil
    }
    return scalar.text
  }

  /// Text that must not show. Not empty. A secret written in the file itself is taken, since a test setup may do so.
  package func secret() -> Secret? {
    guard let scalar = node.scalar, scalar.meaning != .null else {
      if node.scalar?.origin != .unresolved {
        error(.configWrongType, "expected a secret as text", remedy: "Use ${file:secrets/NAME} or ${VARIABLE}.")
      }
      return nil
    }
    if scalar.origin == .unresolved { return nil }
    guard !scalar.text.isEmpty else {
      error(.configOutOfRange, "the secret is empty", remedy: "Fill the file or the variable that it comes from.")
      return nil
    }
    return Secret(scalar.text)
  }

  package func bool() -> Bool? {
    if let value = node.scalar?.bool { return value }
    wrongType("true or false")
    return nil
  }

  package func integer(in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
    guard let value = node.scalar?.integer.flatMap({ Int(exactly: $0) }) else {
      wrongType("a whole number")
      return nil
    }
    guard range.contains(value) else {
      error(
        .configOutOfRange, "\(value) is out of range", remedy: "Write \(range.lowerBound) to \(range.upperBound).")
      return nil
    }
    return value
  }

  /// A finite number.
  package func number(
    in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> Double? {
    guard let value = node.scalar?.float else {
      wrongType("a number")
      return nil
    }
    guard range.contains(value) else {
      error(
        .configOutOfRange, "\(value) is out of range", remedy: "Write \(range.lowerBound) to \(range.upperBound).")
      return nil
    }
    return value
  }

  /// One of a closed set of words; a wrong one is answered with the nearest.
  package func choice<Choice: RawRepresentable & CaseIterable>(of type: Choice.Type = Choice.self) -> Choice?
  where Choice.RawValue == String {
    guard let word = text() else { return nil }
    if let choice = Choice(rawValue: word) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    let near = Suggestion.nearest(to: word, in: words).map { "Did you mean \"\($0)\"? " } ?? ""
    let shown = node.scalar?.origin == .literal ? "\"\(word)\"" : node.words
    error(.configOutOfRange, "\(shown) is not known", remedy: "\(near)Write one of \(words.joined(separator: ", ")).")
    return nil
  }

  /// The items of a list; `[]` and a finding when it is none. Nothing written reads as an empty list.
  package func list() -> [ConfigValue] {
    if isNull { return [] }
    guard let items = node.items else {
      wrongType("a list")
      return []
    }
    return items.enumerated().map { ConfigValue($1, path: "\(path)[\($0)]", report: report) }
  }

  /// A list of texts; wrong items are findings and left out.
  package func texts(length: ClosedRange<Int> = 1...65_536) -> [String] {
    list().compactMap { $0.text(length: length) }
  }

  /// Reads a mapping; afterwards each key that `body` did not ask for is an unknown key.
  ///
  /// - Parameter unused: keys that are known from the reference system and have no effect here: a warning each.
  /// - Returns: nil, with a finding, when it is no mapping. Nothing written reads as an empty mapping.
  package func mapping<Result>(unused: Set<String> = [], _ body: (ConfigMap) -> Result) -> Result? {
    guard let map = openMapping() else { return nil }
    let result = body(map)
    map.close(unused: unused)
    return result
  }

  /// The mapping for readers whose keys are not all known in one place; they call ``ConfigMap/close(unused:)``.
  package func openMapping() -> ConfigMap? {
    if isNull { return ConfigMap([], at: mark, path: path, report: report) }
    guard let entries = node.entries else {
      wrongType("a mapping")
      return nil
    }
    return ConfigMap(entries, at: mark, path: path, report: report)
  }
}
