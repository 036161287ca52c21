// nexo.log/1: records of plugins, cut, limited and marked with who wrote them.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// Lets 1,000 records a second through (the header's figure) and counts the rest.
final class LogLimit: Sendable {
  private struct State {
    var second: UInt64 = 0
    var count = 0
    var dropped = 0
  }
  static let perSecond = 1_000
  private let state = Mutex(State())

  /// Whether a record may be written, and how many were dropped in the second that ended just now.
  func admit(now: UInt64) -> (isAdmitted: Bool, dropped: Int) {
    state.withLock { state in
      let second = now / 1_000_000_000
      var dropped = 0
      if second != state.second {
        dropped = state.dropped
        state = State(second: second)
      }
      state.count += 1
      guard state.count > LogLimit.perSecond else { return (true, dropped) }
      state.dropped += 1
      return (false, dropped)
    }
  }
}

enum LogService {
  /// The header's figure for one record.
  private static let maxRecord = 8_192
  private static let maxFields = 64
  private static let log = Log("plugin")

  static var table: nexo_log_1 {
    nexo_log_1(
      size: ServiceTables.size(nexo_log_1.self),
      enabled: { host, level in
        HostDoor.instance(of: host) != nil && Log.isEnabled(LogService.level(level))
      },
      write: { host, level, text, fields, count in
        guard let instance = HostDoor.instance(of: host) else { return }
        LogService.write(instance, LogService.level(level), text, fields, count)
      })
  }

  /// Others: as NEXO_INFO.
  private static func level(_ number: Int32) -> LogLevel { LogLevel(rawValue: number) ?? .info }

  private static func write(
    _ instance: Instance, _ level: LogLevel, _ text: nexo_str, _ fields: UnsafePointer<nexo_kv>?, _ count: Int
  ) {
    guard Log.isEnabled(level) else { return }
    let (isAdmitted, dropped) = instance.logLimit.admit(now: Clock.monotonic())
    if dropped > 0 {
      log.warning("plugin records dropped", ["plugin.id": instance.id, "dropped": "\(dropped)"])
    }
    guard isAdmitted else { return }
    var room = maxRecord
    let message = text.repaired(limit: room)
    room -= message.utf8.count
    var out = [("plugin.id", instance.id)]
    if let fields {
      for index in 0..<min(count, maxFields) where room > 0 {
        let key = fields[index].key.repaired(limit: min(room, 256))
        let value = fields[index].value.repaired(limit: room)
        room -= key.utf8.count + value.utf8.count
        out.append((key, value))
      }
    }
    log.foreign(level, message, out)
  }
}
