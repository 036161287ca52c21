// What one plugin may do with metrics: its budget and its generations. A generation (PluginMetricsGeneration.swift) is
// one `create` of the plugin; old and new ones overlap while a library is replaced and share their cells.
// Got from MetricsRegistry.plugin(_:); called by the host's side of `nexo.metrics/1`.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How much of the registry one plugin may use.
package struct PluginMetricLimits: Sendable, Equatable {
  /// Lines of the exposition that its series may be at one time (spec/metrics.md): a histogram is several.
  package var series = 1000
  /// Families of one generation; ours, a tenth of the series.
  package var families = 100
  /// Longest label value in bytes; longer ones are cut at a character. Ours.
  package var labelValueBytes = 256
  /// Longest help text in bytes; longer ones are cut at a character. Ours.
  package var helpBytes = 1024
  /// Series that stay in memory after they left the wire, as a multiple of `series`: cells are immortal, so a plugin that
  /// invents new label values with each reload must meet an end. Ours.
  package var retention = 10

  /// The defaults.
  package init() {}
}

/// The metrics of one plugin, across all of its generations.
package final class PluginMetrics: Sendable {
  /// One series of one family.
  struct RowKey: Hashable {
    let family: ObjectIdentifier
    let labels: [String]
  }

  struct State {
    var limits: PluginMetricLimits
    /// How many generations hold each series.
    var holders: [RowKey: Int] = [:]
    /// Lines of the series that a generation holds.
    var lines = 0
    /// Lines of all series ever made.
    var linesEver = 0
    var generations = 0
  }

  /// The plugin's id.
  package let id: String
  let registry: MetricsRegistry
  /// Held for dictionary work, and over the registry's and a family's own locks; never over a foreign call.
  let state: Mutex<State>
  private let source = CellSource.make()
  private let dropped: Counter
  private let seriesGauge: GaugeFamily<String>

  init(id: String, registry: MetricsRegistry, limits: PluginMetricLimits) {
    self.id = id
    self.registry = registry
    state = Mutex(State(limits: limits))
    dropped = registry.counter(Families.pluginSeriesDropped).with(id)
    seriesGauge = registry.gauge(Families.pluginSeries)
    registry.showMisuse(of: id, source: source)
  }

  /// The prefix under which the plugin may declare without an entry in its manifest.
  package var prefix: String { String(id.map { $0 == "-" ? "_" : $0 }) + "_" }

  /// Opens the metrics of a generation, before its `create`.
  ///
  /// - Parameter patterns: the manifest's `metrics` entries: names, or prefixes that end in `*`.
  package func begin(patterns: [String]) -> PluginMetricsGeneration {
    state.withLock { state in
      state.generations += 1
      showUse(state)
    }
    return PluginMetricsGeneration(of: self, patterns: patterns, holder: registry.newHolder())
  }

  /// Takes a series into a generation's hold, within the budget.
  func take(_ labels: [String], of family: Family, holder: Holder, isPublished: Bool) throws(MetricRefusal)
    -> OpaquePointer
  {
    let result: Result<OpaquePointer, MetricRefusal> = state.withLock { state in
      let key = RowKey(family: ObjectIdentifier(family), labels: labels)
      let lines = family.spec.linesPerSeries
      if state.holders[key] == nil {
        let limit = state.limits.series
        let isNew = !family.hasRow(labels)
        if state.lines + lines > limit || (isNew && state.linesEver + lines > limit * state.limits.retention) {
          return .failure(.overBudget(plugin: id, limit: limit))
        }
        state.lines += lines
        if isNew { state.linesEver += lines }
      }
      let row = family.row(labels, holder: holder, isPublished: isPublished, source: source)
      if row.isNewToHolder { state.holders[key, default: 0] += 1 }
      showUse(state)
      return .success(row.cell)
    }
    if case .failure(.overBudget) = result { dropped.inc() }
    return try result.get()
  }

  /// Gives back series that a generation held.
  func release(_ series: [(family: Family, labels: [[String]])]) {
    state.withLock { state in
      for (family, rows) in series {
        for labels in rows {
          let key = RowKey(family: ObjectIdentifier(family), labels: labels)
          let left = (state.holders[key] ?? 1) - 1
          state.holders[key] = left > 0 ? left : nil
          if left <= 0 { state.lines -= family.spec.linesPerSeries }
        }
      }
      showUse(state)
    }
  }

  /// Notes that a generation is gone.
  func generationEnded() {
    state.withLock { state in
      state.generations -= 1
      showUse(state)
    }
  }

  /// The row of `nexo_plugin_series` is there while the plugin is.
  private func showUse(_ state: State) {
    if state.generations > 0 { seriesGauge.with(id).set(state.lines) } else { seriesGauge.remove(id) }
  }
}

extension MetricsRegistry {
  /// The metrics of a plugin, the same object for the same id for as long as the process lives.
  ///
  /// - Parameter limits: taken over when given; the defaults hold until then.
  package func plugin(_ id: String, limits: PluginMetricLimits? = nil) -> PluginMetrics {
    if let known = state.withLock({ $0.scopes[id] }) {
      if let limits { known.state.withLock { $0.limits = limits } }
      return known
    }
    let fresh = PluginMetrics(id: id, registry: self, limits: limits ?? PluginMetricLimits())
    return state.withLock { state in
      if let first = state.scopes[id] { return first }
      state.scopes[id] = fresh
      return fresh
    }
  }
}
