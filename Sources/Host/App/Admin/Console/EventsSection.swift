// The last things that happened: records of the log, newest first.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
internal import Synchronization

/// The log's last records, kept for the console. Filled by the log's observer.
final class RecentEvents: Sendable {
  /// Ours: what fits on a page that is still read.
  static let limit = 50

  private let records = Mutex<[LogRecord]>([])

  /// Keeps a record, unless it is for those who develop.
  func add(_ record: LogRecord) {
    guard record.level >= .info else { return }
    records.withLock { records in
      if records.count == RecentEvents.limit { records.removeFirst() }
      records.append(record)
    }
  }

  /// The newest first.
  var newest: [LogRecord] { records.withLock { $0.reversed() } }
}

/// The section.
struct EventsSection: ConsoleSection {
  let events: RecentEvents

  let id = "events"
  let title = "Recent events"

  func body() async -> HTML {
    let rows = events.newest.map { record -> HTML in
      let fields = HTML(record.fields.map { "<span><i>\($0.key)=</i>\(EventsSection.cut($0.value))</span> " })
      return """
        <li>\(.moment(Clock.rfc3339(record.time))) \(EventsSection.level(record.level)) <b>\(record.message)</b> \
        <span class="fields"><span><i>part=</i>\(record.part)</span> \(fields)</span></li>

        """
    }
    return rows.isEmpty ? "<p class=\"empty\">Nothing yet.</p>" : "<ol class=\"events\">\n\(HTML(rows))</ol>"
  }

  private static func level(_ level: LogLevel) -> HTML {
    switch level {
    case .error: .badge("error", .bad)
    case .warning: .badge("warning", .warning)
    default: .badge(level.word, .quiet)
    }
  }

  /// Long values (a finding with its remedy) are read in the log.
  private static func cut(_ value: String) -> String { value.count > 300 ? value.prefix(300) + " …" : value }
}
