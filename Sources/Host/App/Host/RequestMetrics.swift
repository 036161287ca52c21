// Counts every request of the engine: `nexo_http_requests_total` and its duration.
// Called on loop threads, so the handles of a (listener, route, status) are looked up once and kept.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostMetrics
internal import Synchronization

/// The engine's observer.
final class RequestMetrics: Sendable {
  private struct Key: Hashable {
    let listener: String
    /// The route's id; -1 for requests that matched none.
    let route: Int
    let status: Int
  }
  private struct Handles {
    let requests: Counter
    let duration: Histogram
  }
  private let requests: CounterFamily<ListenerRole, String, String>
  private let durations: HistogramFamily<ListenerRole, String>
  /// Held for one look-up.
  private let known = Mutex<[Key: Handles]>([:])
  /// Routes of plugins come and go: past this many keys the table is begun anew.
  private static let limit = 4_096

  init(_ registry: MetricsRegistry) {
    requests = registry.counter(Families.httpRequests)
    durations = registry.histogram(Families.httpRequestDuration)
  }

  func observe(_ record: HTTPRecord) {
    let key = Key(listener: record.listener, route: record.route?.id ?? -1, status: record.status)
    let handles = known.withLock { $0[key] } ?? make(key, record)
    handles.requests.inc()
    if record.nanoseconds > 0 { handles.duration.observe(Double(record.nanoseconds) / 1e9) }
  }

  private func make(_ key: Key, _ record: HTTPRecord) -> Handles {
    // Requests that matched no route share one value: a path never becomes a label.
    let pattern = record.route?.pattern.description ?? "unmatched"
    let role = ListenerRole(rawValue: record.listener) ?? .http
    let handles = Handles(
      requests: requests.with(role, pattern, String(record.status)), duration: durations.with(role, pattern))
    known.withLock { known in
      if known.count >= RequestMetrics.limit { known = [:] }
      known[key] = handles
    }
    return handles
  }
}
