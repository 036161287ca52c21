// Logging: one line a record on stderr, constant message, dotted keys. Every module logs through a `Log` value.
// The sink is set up once by HostApp (level, format); records before that use text at `info`.
// Does not buffer, rotate or filter by module, and never sees secrets: callers pass none.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

/// How much a record matters. The numbers are those of the plugin ABI.
package enum LogLevel: Int32, Sendable, Comparable, CaseIterable {
  case trace, debug, info, warning, error

  package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// The word in a record: `warning`.
  package var word: String { "\(self)" }
}

/// Writes records of one part of the host.
///
///     log.warning("plugin refused", ["plugin.id": id, "reason": "\(reason)"])
package struct Log: Sendable {
  /// The part, such as `plugins`; the value of the key `part`.
  package let part: String

  package init(_ part: String) { self.part = part }

  /// Whether a record of this level would be written.
  package static func isEnabled(_ level: LogLevel) -> Bool { level >= LogSink.shared.level }

  package func trace(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.trace, message, fields)
  }
  package func debug(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.debug, message, fields)
  }
  package func info(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.info, message, fields)
  }
  package func warning(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.warning, message, fields)
  }
  package func error(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.error, message, fields)
  }

  private func write(_ level: LogLevel, _ message: StaticString, _ fields: KeyValuePairs<String, String>) {
    guard Log.isEnabled(level) else { return }
    LogSink.shared.write(level, "\(message)", part: part, fields: fields.map { ($0.key, $0.value) })
  }

  /// A record whose text comes from a plugin; cut at 8 KiB, control characters escaped by the format.
  package func foreign(_ level: LogLevel, _ text: String, _ fields: [(String, String)]) {
    guard Log.isEnabled(level) else { return }
    LogSink.shared.write(level, text, part: part, fields: fields)
  }
}
