// Every family of the process: the host's from the catalogue, from the start, and the plugins' as they come and go.
// Made once by the wiring and handed to every module; PluginMetrics.swift adds the plugins' scopes, and
// MetricsRegistry+Exposition.swift turns it into text.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells
import Synchronization

/// The families of one host.
package final class MetricsRegistry: Sendable {
  struct State {
    /// Host families by name; filled at the start, and by specs that tests add.
    var host: [String: Family] = [:]
    /// Names that host families take up, with the family.
    var hostClaims: [String: String] = [:]
    var plugins = PluginFamilyTable()
    var scopes: [String: PluginMetrics] = [:]
    var samplers: [@Sendable () -> Void] = []
    /// Grows whenever a family joins, leaves, or changes its help.
    var version: UInt64 = 1
    var nextHolder: UInt32 = 1
  }

  /// Held for dictionary work only; taken before a family's own lock, never after it.
  let state: Mutex<State>
  let renderer = Renderer()

  /// A registry with every family of `catalogue`.
  package init(catalogue: [FamilySpec] = Families.all) {
    var state = State()
    for spec in catalogue { Self.add(spec, to: &state) }
    self.state = Mutex(state)
    showMisuse(of: "", source: .host)
  }

  /// Puts the misuse of a source on the wire.
  func showMisuse(of plugin: String, source: CellSource) {
    let misuse = family(Families.metricMisuse.spec)
    misuse.adopt([plugin, MetricMisuse.negativeStep.rawValue], cell: nexo_cells_negative_steps(source.id))
    misuse.adopt([plugin, MetricMisuse.nanObservation.rawValue], cell: nexo_cells_nan_observations(source.id))
  }

  /// The counter family of a spec.
  package func counter<each Label>(_ spec: CounterSpec<repeat each Label>) -> CounterFamily<repeat each Label> {
    CounterFamily(family: family(spec.spec))
  }

  /// The gauge family of a spec.
  package func gauge<each Label>(_ spec: GaugeSpec<repeat each Label>) -> GaugeFamily<repeat each Label> {
    GaugeFamily(family: family(spec.spec))
  }

  /// The histogram family of a spec.
  package func histogram<each Label>(_ spec: HistogramSpec<repeat each Label>) -> HistogramFamily<repeat each Label> {
    HistogramFamily(family: family(spec.spec))
  }

  /// Has `body` run before every scrape, on the scraping thread: for what is cheaper to read than to keep up to date.
  /// It must be quick, must not block, and must not call into a plugin.
  package func addSampler(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.samplers.append(body) }
  }

  /// Has `body` name all rows that it knows of a gauge family before every scrape. Rows that it no longer names leave the
  /// wire; rows of others stay. Quick, non-blocking, no call into a plugin.
  package func sample<each Label>(
    _ spec: GaugeSpec<repeat each Label>, _ body: @escaping @Sendable (GaugeRows<repeat each Label>) -> Void
  ) {
    let family = family(spec.spec)
    let holder = newHolder()
    addSampler {
      let rows = GaugeRows<repeat each Label>(family: family, holder: holder)
      body(rows)
      family.release(holder, except: rows.named.withLock { $0 })
    }
  }

  /// Runs every sampler; part of a scrape, before the text is made.
  package func runSamplers() {
    let samplers = state.withLock { $0.samplers }
    for sampler in samplers { sampler() }
  }

  /// The declarations on the wire now: the catalogue's and the plugins', sorted by name.
  package var specs: [FamilySpec] { visibleFamilies(unless: 0)?.families.map(\.spec) ?? [] }

  /// The family of a host spec, added if the catalogue given to `init` lacks it.
  func family(_ spec: FamilySpec) -> Family {
    state.withLock { state in
      if let known = state.host[spec.name] { return known }
      return Self.add(spec, to: &state)
    }
  }

  @discardableResult
  private static func add(_ spec: FamilySpec, to state: inout State) -> Family {
    let family = Family(spec)
    state.host[spec.name] = family
    for name in MetricNames.claims(of: spec) { state.hostClaims[name] = spec.name }
    state.version += 1
    return family
  }

  func newHolder() -> Holder {
    state.withLock { state in
      defer { state.nextHolder += 1 }
      return Holder(id: state.nextHolder)
    }
  }

  /// The families on the wire, sorted by name, unless none joined, left or changed since `version`.
  func visibleFamilies(unless version: UInt64) -> (version: UInt64, families: [Family])? {
    state.withLock { state in
      guard state.version != version else { return nil }
      let all = Array(state.host.values) + state.plugins.visible
      return (state.version, all.sorted { $0.spec.name < $1.spec.name })
    }
  }
}
