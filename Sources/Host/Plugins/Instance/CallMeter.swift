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
  /// By raw value of the call.
  private let handles = InlineArray<32, AtomicLazyReference<Handles>> { _ in AtomicLazyReference() }

  init(plugin: String, registry: MetricsRegistry) {
    self.plugin = plugin
    calls = registry.counter(Families.pluginCalls)
    durations = registry.histogram(Families.pluginCallDuration)
  }

  /// A call that returned after so many nanoseconds.
  func record(_ call: PluginCall, _ nanoseconds: UInt64, _ result: PluginCallResult = .ok) {
    let handles = handles[call.rawValue].load() ?? handles[call.rawValue].storeIfNil(make(call))
    handles.duration.observe(Double(nanoseconds) * 1e-9)
    if result == .ok { handles.ok.inc() } else { calls.with(plugin, "\(call)", result).inc() }
  }

  /// A call that the host waits for no longer.
  func gaveUp(_ call: PluginCall) { calls.with(plugin, "\(call)", .timeout).inc() }

  private func make(_ call: PluginCall) -> Handles {
    Handles(duration: durations.with(plugin, "\(call)"), ok: calls.with(plugin, "\(call)", .ok))
  }
}
