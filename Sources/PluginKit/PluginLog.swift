// Log records.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// The host's log. The host adds time and plugin id, and drops what exceeds 1,000 records a second.
///
/// The text is constant and in lower case; what varies goes into fields with dotted names. Never a secret, a message
/// text, a number or an address.
public struct PluginLog: Sendable {
  private let services: Services
  init(_ services: Services) { self.services = services }

  /// How much a record matters.
  public enum Level: Int32, Sendable {
    /// Every step.
    case trace
    /// For whoever debugs the plugin.
    case debug
    /// What an operator may want to know: connected, linked.
    case info
    /// Something is wrong and the plugin copes.
    case warning
    /// Something failed that somebody has to mend.
    case error
  }

  /// Whether a record of this level would be written: costs an atomic load.
  public func isEnabled(_ level: Level) -> Bool {
    guard let log = services.log?.pointer else { return false }
    return log.pointee.enabled(services.host, level.rawValue)
  }

  /// Writes one record. The fields are evaluated only if it would be written.
  public func write(_ level: Level, _ text: String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]) {
    guard isEnabled(level), let log = services.log?.pointer else { return }
    lend(text) { text in
      lend(fields().map { ($0.key, $0.value) }) { pairs in
        log.pointee.write(services.host, level.rawValue, text, pairs.baseAddress, pairs.count)
      }
    }
  }

  /// A record for whoever debugs the plugin.
  public func debug(_ text: String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]) {
    write(.debug, text, fields())
  }
  /// A record of something worth knowing.
  public func info(_ text: String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]) {
    write(.info, text, fields())
  }
  /// A record of trouble that the plugin copes with.
  public func warning(_ text: String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]) {
    write(.warning, text, fields())
  }
  /// A record of a failure.
  public func error(_ text: String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]) {
    write(.error, text, fields())
  }
}
