// Where records go: one write(2) to stderr each, so that lines of several threads never mix.
// Used by Log; configured once by HostApp.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostJSON
internal import HostLinux
internal import Synchronization

/// The process's log output.
package final class LogSink: Sendable {
  /// How a record is laid out.
  package enum Format: Int, Sendable { case text, json, journal }

  package static let shared = LogSink()

  private let threshold = Atomic<Int>(Int(LogLevel.info.rawValue))
  private let format = Atomic<Int>(Format.text.rawValue)
  /// Copies of records for tests and the console's recent events; called outside any lock.
  private let observer = Mutex(Observer())
  private struct Observer: Sendable { var call: (@Sendable (LogRecord) -> Void)? }

  /// Records below this level are dropped.
  package var level: LogLevel { LogLevel(rawValue: Int32(threshold.load(ordering: .relaxed))) ?? .info }

  /// Sets level and layout. `journal` adds the priority prefix that systemd-journald reads (sd-daemon(3)).
  package func configure(level: LogLevel, format: Format) {
    threshold.store(Int(level.rawValue), ordering: .relaxed)
    self.format.store(format.rawValue, ordering: .relaxed)
  }

  /// Calls `observe` with each record from now on; nil stops.
  package func observe(_ observe: (@Sendable (LogRecord) -> Void)?) {
    observer.withLock { $0.call = observe }
  }

  func write(_ level: LogLevel, _ message: String, part: String, fields: [(String, String)]) {
    let record = LogRecord(time: Clock.wall(), level: level, part: part, message: message, fields: fields)
    let line: String
    switch Format(rawValue: format.load(ordering: .relaxed)) ?? .text {
    case .text: line = record.text(timestamp: true)
    case .json: line = record.json
    case .journal: line = record.journalPrefix + record.text(timestamp: false)
    }
    let bytes = Array((line + "\n").utf8)
    // A log that cannot be written must not stop the host: the error is dropped on purpose.
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress!, $0.count) }
    let observe = observer.withLock { $0.call }
    observe?(record)
  }
}

/// One log record.
package struct LogRecord: Sendable {
  /// Nanoseconds since the epoch.
  package let time: UInt64
  package let level: LogLevel
  package let part: String
  package let message: String
  package let fields: [(key: String, value: String)]

  init(time: UInt64, level: LogLevel, part: String, message: String, fields: [(String, String)]) {
    self.time = time
    self.level = level
    self.part = part
    self.message = message
    self.fields = fields.map { (key: $0.0, value: $0.1) }
  }

  /// `2026-11-23T02:03:04.567Z warning plugin refused part=plugins plugin.id=weather`.
  func text(timestamp: Bool) -> String {
    var line = timestamp ? "\(Clock.rfc3339(time)) \(level.word) " : "\(level.word) "
    line += LogRecord.oneLine(message)
    line += " part=\(part)"
    for (key, value) in fields { line += " \(LogRecord.bare(key))=\(LogRecord.quotedIfNeeded(value))" }
    return line
  }

  var json: String {
    var line = "{\"time\":\"\(Clock.rfc3339(time))\",\"level\":\"\(level.word)\",\"message\":\(JSON.quoted(message))"
    line += ",\"part\":\(JSON.quoted(part))"
    for (key, value) in fields { line += ",\(JSON.quoted(key)):\(JSON.quoted(value))" }
    return line + "}"
  }

  /// syslog priorities of sd-daemon(3).
  var journalPrefix: String {
    switch level {
    case .trace, .debug: "<7>"
    case .info: "<6>"
    case .warning: "<4>"
    case .error: "<3>"
    }
  }

  private static func oneLine(_ text: String) -> String {
    text.utf8.contains { $0 < 0x20 || $0 == 0x7F } ? String(JSON.quoted(text).dropFirst().dropLast()) : text
  }

  private static func bare(_ key: String) -> String {
    String(String.UnicodeScalarView(key.unicodeScalars.map { $0.value <= 0x20 || $0 == "=" || $0 == "\"" ? "_" : $0 }))
  }

  private static func quotedIfNeeded(_ value: String) -> String {
    let plain =
      !value.isEmpty
      && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    return plain ? value : JSON.quoted(value)
  }
}
