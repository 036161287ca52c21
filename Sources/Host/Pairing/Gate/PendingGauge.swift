// `pairing_requests_pending`, read from the file at every scrape, so that neither a restart nor another process can make it
// drift. A connection of its own, for reading: in WAL mode it waits for no writer.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
package import HostMetrics
internal import HostStore
internal import Synchronization

/// The sampler of requests that wait.
package final class PendingGauge: Sendable {
  private struct State: ~Copyable {
    var database: Database?
    /// The file that is open: one that took its place is opened anew.
    var inode: UInt64 = 0
    /// Channels that had a request since the start: they stay on the wire, with 0.
    var channels: Set<String> = []
  }
  private let path: String
  private let clock: @Sendable () -> UInt64
  private let state = Mutex(State())

  /// - Parameter path: of the store.
  package init(
    _ path: String, registry: MetricsRegistry, clock: @escaping @Sendable () -> UInt64 = { Clock.wall() }
  ) {
    self.path = path
    self.clock = clock
    registry.sample(Families.pairingRequestsPending) { [self] rows in
      for (channel, count) in counts() { rows.set(channel, to: Double(count)) }
    }
  }

  /// By channel. Empty while the file cannot be read: a number that is not known is not shown.
  func counts() -> [String: Int] {
    state.withLock { state in
      do {
        let inode = try FileStatus.of(path).inode
        if state.database == nil || state.inode != inode {
          var options = DatabaseOptions()
          options.isReadOnly = true
          options.busyTimeout = 50
          state.database = try Database(path, options)
          state.inode = inode
        }
        guard let database = state.database else { return [:] }
        let oldest = PairingStore.seconds(clock()) - PairingRules.codeLife.components.seconds
        let rows = try database.rows(
          "SELECT channel, count(*) FROM pairing_pending WHERE created_at > ? GROUP BY channel", SQLValue(oldest)
        ) { (channel: $0.text(0), count: Int($0.integer(1))) }
        state.channels.formUnion(rows.map(\.channel))
        var counts = Dictionary(uniqueKeysWithValues: state.channels.map { ($0, 0) })
        for row in rows { counts[row.channel] = row.count }
        return counts
      } catch {
        state.database = nil
        return [:]
      }
    }
  }
}
