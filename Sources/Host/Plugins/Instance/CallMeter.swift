// Counts and times the calls into one plugin. Handles are looked up when a call is made for the first time, so that a
// plugin without channels has no series about channels; after that a call costs two clock readings and two additions.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostMetrics
internal import Synchronization

/// The metrics of calls into one plugin; shared by its generations.
final class CallMeter: Sendable {
  private final class Handles: Sendable {
    let duration: Histogram
    let ok: Counter
    init(duration: Histogram, ok: Counter) {
      self.duration = duration
      self.ok = ok
    }
  }

  private let plugin: String
  private let calls: CounterFamily<String, String, PluginCallResult>
  private let durations: HistogramFamily<String, String>
  /// By raw value of the call; each is retained once and released with the meter. Not AtomicLazyReference, which retains at
  /// each look, on a cache line that all threads share.
  private let handles = InlineArray<32, Atomic<Unmanaged<Handles>?>> { _ in Atomic(nil) }

  init(plugin: String, registry: MetricsRegistry) {
    self.plugin = plugin
    calls = registry.counter(Families.pluginCalls)
    durations = registry.histogram(Families.pluginCallDuration)
  }

  deinit {
    for index in handles.indices { handles[index].load(ordering: .acquiring)?.release() }
  }

  /// A call that returned after so many nanoseconds.
  @inline(__always)
  func record(_ call: PluginCall, _ nanoseconds: UInt64, _ result: PluginCallResult = .ok) {
    let handles = handles[call.rawValue].load(ordering: .acquiring) ?? make(call)
    handles._withUnsafeGuaranteedRef { handles in
      handles.duration.observe(Double(nanoseconds) * 1e-9)
      if result == .ok { handles.ok.inc() } else { calls.with(plugin, "\(call)", result).inc() }
    }
  }

  /// A call that the host waits for no longer.
  func gaveUp(_ call: PluginCall) { calls.with(plugin, "\(call)", .timeout).inc() }

  @inline(never)
  private func make(_ call: PluginCall) -> Unmanaged<Handles> {
    let fresh = Unmanaged.passRetained(
      Handles(duration: durations.with(plugin, "\(call)"), ok: calls.with(plugin, "\(call)", .ok)))
    let (isFirst, first) = handles[call.rawValue].compareExchange(
      expected: nil, desired: fresh, ordering: .acquiringAndReleasing)
    guard !isFirst, let first else { return fresh }
    // Another thread was first.
    fresh.release()
    return first
  }
}
