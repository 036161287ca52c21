// One generation of a plugin declares families and makes series; what it made is published when its `start` has
// succeeded and leaves when it has ended. Called by the host's side of `nexo.metrics/1`, from any thread of the plugin.
// Refuses, never traps: names, labels and buckets come from outside.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells
import Synchronization

/// What a plugin asks for when it declares a family.
package struct PluginFamilyRequest: Sendable {
  /// Counter, gauge or histogram.
  package var kind: FamilyKind
  /// The name on the wire, whole: the host adds no prefix.
  package var name: String
  /// Any text; cut when too long.
  package var help: String
  /// Label names, in the order in which the series give values.
  package var labels: [String]
  /// Upper bounds of a histogram; a last `+Inf` is allowed and dropped.
  package var bounds: [Double]

  /// A request; checked when it is declared.
  package init(_ kind: FamilyKind, _ name: String, help: String, labels: [String] = [], bounds: [Double] = []) {
    self.kind = kind
    self.name = name
    self.help = help
    self.labels = labels
    self.bounds = bounds
  }
}

/// A handle for a plugin: always good to count with, even when refused.
///
/// `@unchecked Sendable`: guarded by the cell itself, which is never freed and accessed atomically only (CMetricCells).
package struct PluginSeries: @unchecked Sendable {
  /// The `nexo_counter *`, `nexo_gauge *` or `nexo_histogram *` to hand out. Never NULL.
  package let handle: OpaquePointer
  /// Why the handle counts nowhere, or `nil` when it counts.
  package let refusal: MetricRefusal?

  /// A handle that counts nowhere.
  package static func sink(_ kind: FamilyKind, _ refusal: MetricRefusal) -> PluginSeries {
    switch kind {
    case .counter: PluginSeries(handle: nexo_counter_sink(), refusal: refusal)
    case .gauge: PluginSeries(handle: nexo_gauge_sink(), refusal: refusal)
    case .histogram: PluginSeries(handle: nexo_histogram_sink(), refusal: refusal)
    }
  }
}

/// A family that a generation has declared.
package struct PluginFamily: Sendable {
  let family: Family
  let generation: PluginMetricsGeneration
  /// Label names in the order of the declaration; the family may have been declared in another one before.
  let labels: [String]

  /// Finds or makes the series with these values, one for each label in the order of the declaration; over the budget
  /// it is a sink.
  package func series(_ values: [String]) -> PluginSeries {
    guard let ordered = inFamilyOrder(values) else {
      return .sink(family.spec.kind, .labelsDiffer(family: family.spec.name))
    }
    return generation.series(ordered, of: family)
  }

  /// Takes the series off the wire, as far as this generation is concerned, and gives back its budget. Its handle stays
  /// good, and its count goes on if it is made again. Nothing happens when there is no such series.
  ///
  /// - Returns: false when the number of values is wrong.
  @discardableResult
  package func remove(_ values: [String]) -> Bool {
    guard let ordered = inFamilyOrder(values) else { return false }
    generation.remove(ordered, of: family)
    return true
  }

  /// Counter, gauge or histogram.
  package var kind: FamilyKind { family.spec.kind }

  private func inFamilyOrder(_ values: [String]) -> [String]? {
    guard values.count == labels.count else { return nil }
    let byName = Dictionary(zip(labels, values)) { first, _ in first }
    return family.spec.labels.map { byName[$0.name] ?? "" }
  }
}

/// The metrics of one `create` of a plugin.
///
///     staged ──publish()──▶ published ──end()──▶ ended
///        └──────────────────end()─────────────────▲
package final class PluginMetricsGeneration: Sendable {
  private enum Phase { case staged, published, ended }

  private struct Held {
    let family: Family
    var labels: Set<[String]> = []
  }

  private struct State {
    var phase = Phase.staged
    /// Families with the series that this generation holds in them, joined host families too.
    var held: [ObjectIdentifier: Held] = [:]
  }

  private let plugin: PluginMetrics
  private let patterns: [String]
  private let holder: Holder
  /// Held over the plugin's, the registry's and a family's own locks, in this order; never over a foreign call.
  private let state = Mutex(State())

  init(of plugin: PluginMetrics, patterns: [String], holder: Holder) {
    self.plugin = plugin
    self.patterns = patterns
    self.holder = holder
  }

  /// Declares a family, or finds the one that it declared before in the same way.
  package func declare(_ request: PluginFamilyRequest) throws(MetricRefusal) -> PluginFamily {
    let spec = try checked(request)
    let result: Result<Family, MetricRefusal> = state.withLock { state in
      guard state.phase != .ended else { return .failure(.ended(plugin: plugin.id)) }
      do throws(MetricRefusal) {
        let family = try plugin.registry.declare(
          spec, plugin: plugin.id, holder: holder, limit: plugin.state.withLock { $0.limits.families },
          isPublished: state.phase == .published)
        return .success(family)
      } catch {
        return .failure(error)
      }
    }
    return PluginFamily(family: try result.get(), generation: self, labels: request.labels)
  }

  /// Puts everything declared and made so far on the wire; what comes later appears at once. After `start` succeeded.
  package func publish() {
    state.withLock { state in
      guard state.phase == .staged else { return }
      state.phase = .published
      for held in state.held.values { held.family.publish(holder) }
      plugin.registry.publish(holder)
    }
  }

  /// Takes what only this generation holds off the wire and gives back its budget. Its handles stay good.
  package func end() {
    state.withLock { state in
      guard state.phase != .ended else { return }
      state.phase = .ended
      for held in state.held.values { held.family.release(holder) }
      plugin.registry.release(holder)
      plugin.release(state.held.values.map { ($0.family, Array($0.labels)) })
      plugin.generationEnded()
      state.held = [:]
    }
  }

  fileprivate func remove(_ values: [String], of family: Family) {
    let labels = cut(values)
    state.withLock { state in
      guard state.held[ObjectIdentifier(family)]?.labels.remove(labels) != nil else { return }
      family.release(labels, holder: holder)
      plugin.release([(family, [labels])])
    }
  }

  private func cut(_ values: [String]) -> [String] {
    let limit = plugin.state.withLock { $0.limits.labelValueBytes }
    return values.map { MetricText.cut($0, toBytes: limit) }
  }

  fileprivate func series(_ values: [String], of family: Family) -> PluginSeries {
    let kind = family.spec.kind
    let labels = cut(values)
    for (label, value) in zip(family.spec.labels, labels) {
      if let set = label.closedSet, !set.contains(value) {
        return .sink(kind, .valueNotAllowed(family: family.spec.name, label: label.name, allowed: set))
      }
    }
    return state.withLock { state in
      guard state.phase != .ended else { return .sink(kind, .ended(plugin: plugin.id)) }
      do throws(MetricRefusal) {
        let cell = try plugin.take(labels, of: family, holder: holder, isPublished: state.phase == .published)
        state.held[ObjectIdentifier(family), default: Held(family: family)].labels.insert(labels)
        return PluginSeries(handle: cell, refusal: nil)
      } catch {
        return .sink(kind, error)
      }
    }
  }

  /// The request as a spec, if every name and bucket is legal and the manifest covers the name.
  private func checked(_ request: PluginFamilyRequest) throws(MetricRefusal) -> FamilySpec {
    let name = request.name
    guard MetricNames.isFamilyName(name) else { throw .nameInvalid(name: name) }
    guard name.hasPrefix(plugin.prefix) || patterns.contains(where: { MetricNames.matches($0, name) }) else {
      throw .notInManifest(name: name, plugin: plugin.id, prefix: plugin.prefix)
    }
    var seen: Set<String> = []
    for label in request.labels {
      if MetricNames.isReservedLabel(label) { throw .labelReserved(family: name, label: label) }
      guard MetricNames.isLabelName(label), seen.insert(label).inserted, seen.count <= MetricNames.maxLabels else {
        throw .labelInvalid(family: name, label: label)
      }
    }
    var bounds = request.bounds
    if bounds.last == .infinity { bounds.removeLast() }
    let isRising = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }
    let limit = Int(NEXO_HISTOGRAM_MAX_BOUNDS)
    guard bounds.allSatisfy(\.isFinite), isRising, bounds.count <= limit, request.kind == .histogram || bounds.isEmpty
    else { throw .badBuckets(family: name, limit: limit) }
    let help = MetricText.cut(request.help, toBytes: plugin.state.withLock { $0.limits.helpBytes })
    return FamilySpec(name, request.kind, help: help, labels: request.labels.map { LabelSpec($0) }, bounds: bounds)
  }
}

extension MetricsRegistry {
  /// Finds or adds a plugin's family; a joinable host family of the same shape is joined.
  fileprivate func declare(
    _ spec: FamilySpec, plugin: String, holder: Holder, limit: Int, isPublished: Bool
  ) throws(MetricRefusal) -> Family {
    let result: Result<Family, MetricRefusal> = state.withLock { state in
      do throws(MetricRefusal) {
        if let host = state.host[spec.name], host.spec.isJoinable {
          guard host.spec.hasShape(of: spec) else { throw .shapeDiffers(family: spec.name) }
          return .success(host)
        }
        for name in MetricNames.claims(of: spec) {
          if let family = state.hostClaims[name] { throw .nameTaken(name: name, owner: "the host", family: family) }
        }
        let family = try state.plugins.declare(spec, plugin: plugin, holder: holder, limit: limit)
        if isPublished { state.plugins.publish(holder) }
        state.version += 1
        return .success(family)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  fileprivate func publish(_ holder: Holder) {
    state.withLock { state in
      state.plugins.publish(holder)
      state.version += 1
    }
  }

  fileprivate func release(_ holder: Holder) {
    state.withLock { state in
      state.plugins.release(holder)
      state.version += 1
    }
  }
}
