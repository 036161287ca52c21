// One setting's value with where it came from: flag > environment > file > built-in default.
// Made by SettingsReader; printed by `agent config show --origin`.
//
// SPDX-License-Identifier: Apache-2.0

/// Which layer gave a setting its value, the strongest first.
package enum SettingOrigin: Sendable, Hashable, CustomStringConvertible {
  /// A command line flag, such as `--http-listen`.
  case flag(String)
  /// An environment variable, such as `NEXO_HTTP_LISTEN`.
  case environment(String)
  case file(SourceMark)
  case builtIn

  package var description: String {
    switch self {
    case .flag(let name): "flag \(name)"
    case .environment(let name): "environment \(name)"
    case .file(let mark): "file \(mark)"
    case .builtIn: "default"
    }
  }
}

/// A value and its origin.
package struct Setting<Value: Sendable>: Sendable {
  package let value: Value
  package let origin: SettingOrigin

  package init(_ value: Value, _ origin: SettingOrigin) {
    self.value = value
    self.origin = origin
  }
}

extension Setting: Equatable where Value: Equatable {}

/// One line of `agent config show`.
package struct SettingRow: Sendable, Equatable {
  /// The dotted key of the file: `listen.metrics`.
  package let key: String
  /// What may be shown: a value that came through a placeholder appears as it is written.
  package let shown: String
  package let origin: SettingOrigin

  package init(key: String, shown: String, origin: SettingOrigin) {
    self.key = key
    self.shown = shown
    self.origin = origin
  }
}
