// Reads the host's own settings from their four layers and remembers where each came from.
// Called by HostApp once at start and at each reload. Files with structure (agents.yaml) are read by ConfigMap alone.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Layered settings: flag > environment > file > built-in default.
///
/// A value of a stronger layer that is wrong is an error; a weaker one is not used in its place.
package final class SettingsReader {
  private let flags: [String: String]
  private let environment: [String: String]
  private let file: ConfigMap?
  private let report: ConfigReport
  /// Every setting asked for so far, in that order.
  package private(set) var rows: [SettingRow] = []

  /// - Parameters:
  ///   - flags: values by flag name with its dashes: `["--http-listen": ":8080"]`.
  ///   - file: the settings file's root, or nil when there is none.
  package init(flags: [String: String], environment: [String: String], file: ConfigValue?, report: ConfigReport) {
    self.flags = flags
    self.environment = environment
    self.file = file?.openMapping()
    self.report = report
  }

  /// The environment variable of a key: `listen.metrics` is `NEXO_LISTEN_METRICS`.
  package static func variable(of key: String) -> String {
    "NEXO_" + key.uppercased().replacing(".", with: "_").replacing("-", with: "_")
  }

  package func text(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: String,
    length: ClosedRange<Int> = 0...4_096
  ) -> Setting<String> {
    read(key, flag, variable, builtIn, shown: { $0 }, as: { $0.text(length: length) })
  }

  package func integer(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: Int,
    in range: ClosedRange<Int> = Int.min...Int.max
  ) -> Setting<Int> {
    read(key, flag, variable, builtIn, shown: { String($0) }, as: { $0.integer(in: range) })
  }

  package func number(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: Double,
    in range: ClosedRange<Double>
  ) -> Setting<Double> {
    read(key, flag, variable, builtIn, shown: { "\($0)" }, as: { $0.number(in: range) })
  }

  package func bool(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: Bool
  ) -> Setting<Bool> {
    read(key, flag, variable, builtIn, shown: { "\($0)" }, as: { $0.bool() })
  }

  package func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: Choice
  ) -> Setting<Choice> where Choice.RawValue == String {
    read(key, flag, variable, builtIn, shown: { $0.rawValue }, as: { $0.choice(of: Choice.self) })
  }

  /// A list; in a flag or variable its items are separated by `:` as in PATH. Empty items are left out.
  package func texts(
    _ key: String, flag: String? = nil, variable: String? = nil, default builtIn: [String]
  ) -> Setting<[String]> {
    read(key, flag, variable, builtIn, shown: { $0.joined(separator: ":") }, as: SettingsReader.list)
  }

  /// Reports keys of the file that no setting asked for, and `NEXO_` variables that look like a mistyped one.
  ///
  /// - Parameter otherVariables: variables that are read elsewhere.
  package func close(unused: Set<String> = [], otherVariables: Set<String> = []) {
    file?.close(unused: unused)
    for name in environment.keys.sorted() where name.hasPrefix("NEXO_") && !variables.contains(name) {
      if otherVariables.contains(name) { continue }
      guard let near = Suggestion.nearest(to: name, in: variables + otherVariables.sorted()) else { continue }
      report.warning(
        .configUnknownKey, at: nil, "the environment variable \(name) is not known", remedy: "Did you mean \(near)?")
    }
  }

  private var variables: [String] = []

  private func read<Value: Sendable>(
    _ key: String, _ flag: String?, _ variable: String?, _ builtIn: Value, shown: (Value) -> String,
    as convert: (ConfigValue) -> Value?
  ) -> Setting<Value> {
    let variable = variable ?? SettingsReader.variable(of: key)
    variables.append(variable)
    let written = file?.value(at: key)
    var setting = Setting(builtIn, .builtIn)
    var text: String?
    if let flag, let given = flags[flag] {
      if let value = convert(outside(given, named: flag)) { setting = Setting(value, .flag(flag)) }
    } else if let given = environment[variable], !given.isEmpty {
      if let value = convert(outside(given, named: variable)) { setting = Setting(value, .environment(variable)) }
    } else if let written, let value = convert(written) {
      setting = Setting(value, .file(written.mark))
      if let scalar = written.node.scalar, scalar.origin != .literal { text = scalar.source }
    }
    rows.append(SettingRow(key: key, shown: text ?? shown(setting.value), origin: setting.origin))
    return setting
  }

  private static func list(_ value: ConfigValue) -> [String]? {
    if value.node.items != nil || value.isNull { return value.texts() }
    return value.text().map { $0.split(separator: ":").map(String.init) }
  }

  /// A flag's or variable's text as a value: typed by what is asked for, named by where it stands.
  private func outside(_ text: String, named name: String) -> ConfigValue {
    let scalar = YAMLScalar(text, origin: .environment, source: name)
    return ConfigValue(YAMLNode(.scalar(scalar), at: SourceMark(file: name)), path: "", report: report)
  }
}
