// nexo.metrics/1: families and series through PluginMetricsGeneration; the hot path goes straight to CMetricCells' C
// functions. Family handles are immortal like everything a plugin may keep.
//
// SPDX-License-Identifier: Apache-2.0

internal import CMetricCells
internal import HostLog
internal import HostMetrics
internal import PluginAPI
internal import PluginBoundary

/// What a `nexo_family *` points at. Retained for ever; at most a hundred per generation.
final class FamilyHandle: Sendable {
  let kind: FamilyKind
  /// Nil after a refusal: its series count nowhere.
  let family: PluginFamily?

  init(kind: FamilyKind, family: PluginFamily?) {
    self.kind = kind
    self.family = family
  }

  /// What plugins get after a refusal. One object for each kind, so that refusals cost no memory.
  static let refused: [FamilyKind: FamilyHandle] = [
    .counter: FamilyHandle(kind: .counter, family: nil), .gauge: FamilyHandle(kind: .gauge, family: nil),
    .histogram: FamilyHandle(kind: .histogram, family: nil),
  ]

  var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  static func of(_ pointer: OpaquePointer?) -> FamilyHandle? {
    guard let pointer else { return nil }
    return Unmanaged<FamilyHandle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
  }
}

enum MetricsService {
  private static let maxText = 4_096
  /// The header's.
  private static let maxValue = 256

  // The same C functions: their header says that a handle is never NULL, the ABI's leaves it to a comment. A closure in
  // between would be a second call on the path that counts.
  private typealias HotStep = @convention(c) (OpaquePointer?, UInt64) -> Void
  private typealias HotValue = @convention(c) (OpaquePointer?, Double) -> Void
  private static var counterAdd: @convention(c) (OpaquePointer, UInt64) -> Void { nexo_counter_add }
  private static var gaugeSet: @convention(c) (OpaquePointer, Double) -> Void { nexo_gauge_set }
  private static var gaugeAdd: @convention(c) (OpaquePointer, Double) -> Void { nexo_gauge_add }
  private static var histogramObserve: @convention(c) (OpaquePointer, Double) -> Void { nexo_histogram_observe }

  static var table: nexo_metrics_1 {
    nexo_metrics_1(
      size: ServiceTables.size(nexo_metrics_1.self),
      family: { host, spec, out, error in MetricsService.family(host, spec, out, error) },
      counter: { host, family, values, count, out in
        MetricsService.series(host, family, values, count, out, .counter, nexo_counter_sink())
      },
      gauge: { host, family, values, count, out in
        MetricsService.series(host, family, values, count, out, .gauge, nexo_gauge_sink())
      },
      histogram: { host, family, values, count, out in
        MetricsService.series(host, family, values, count, out, .histogram, nexo_histogram_sink())
      },
      remove: { host, family, values, count in MetricsService.remove(host, family, values, count) },
      counter_add: unsafeBitCast(counterAdd, to: HotStep.self), gauge_set: unsafeBitCast(gaugeSet, to: HotValue.self),
      gauge_add: unsafeBitCast(gaugeAdd, to: HotValue.self),
      histogram_observe: unsafeBitCast(histogramObserve, to: HotValue.self),
      on_scrape: { host, function, context in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let function, instance.ledger.isCreating else { return invalid }
        instance.ledger.add { $0.scrape = Ledger.Scrape(function: function, context: context) }
        return ok
      })
  }

  private static func family(
    _ host: Host?, _ spec: UnsafePointer<nexo_family_1>?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<nexo_err>?
  ) -> nexo_status {
    out?.pointee = FamilyHandle.refused[.counter]?.opaque
    guard let out else { return fail(error, invalid, "out is NULL") }
    guard let spec = take(spec) else { return fail(error, invalid, "the struct is NULL or its size too small") }
    guard let kind = kind(of: spec.kind) else { return fail(error, invalid, "kind \(spec.kind) is not known") }
    out.pointee = FamilyHandle.refused[kind]?.opaque
    guard let instance = HostDoor.instance(of: host) else { return fail(error, gone, "the instance has ended") }
    guard let name = text(of: spec.name, limit: maxText), let help = text(of: spec.help, limit: maxText),
      let labels = labels(spec), let bounds = bounds(spec)
    else { return fail(error, invalid, "name, help, labels or bounds cannot be read") }
    let refusal: MetricRefusal
    do throws(MetricRefusal) {
      let request = PluginFamilyRequest(kind, name, help: help, labels: labels, bounds: bounds)
      let family = try instance.metrics.declare(request)
      let handle = FamilyHandle(kind: kind, family: family)
      out.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
      return ok
    } catch let caught {
      refusal = caught
    }
    return instance.refuse(
      RegistrationRefusal(reason: refusal.reason, status: status(of: refusal), text: "\(refusal)"), error)
  }

  private static func series(
    _ host: Host?, _ family: OpaquePointer?, _ values: UnsafePointer<nexo_str>?, _ count: Int,
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ kind: FamilyKind, _ sink: OpaquePointer
  ) -> nexo_status {
    guard let out else { return invalid }
    out.pointee = sink
    guard HostDoor.instance(of: host) != nil else { return gone }
    guard let handle = FamilyHandle.of(family), handle.kind == kind, let values = texts(values, count) else {
      return invalid
    }
    guard let family = handle.family else { return nexo_status(NEXO_E_LIMIT) }
    let series = family.series(values)
    out.pointee = series.handle
    return series.refusal.map(status(of:)) ?? ok
  }

  private static func remove(
    _ host: Host?, _ family: OpaquePointer?, _ values: UnsafePointer<nexo_str>?, _ count: Int
  ) -> nexo_status {
    guard HostDoor.instance(of: host) != nil else { return gone }
    guard let family = FamilyHandle.of(family)?.family, let values = texts(values, count) else { return invalid }
    return family.remove(values) ? ok : nexo_status(NEXO_E_NOT_FOUND)
  }

  private static func kind(of number: Int32) -> FamilyKind? {
    switch Int(number) {
    case NEXO_COUNTER: .counter
    case NEXO_GAUGE: .gauge
    case NEXO_HISTOGRAM: .histogram
    default: nil
    }
  }

  private static func status(of refusal: MetricRefusal) -> nexo_status {
    switch refusal {
    case .nameTaken: nexo_status(NEXO_E_TAKEN)
    case .notInManifest: nexo_status(NEXO_E_DENIED)
    case .tooManyFamilies, .overBudget: nexo_status(NEXO_E_LIMIT)
    case .ended: gone
    default: invalid
    }
  }

  private static func labels(_ spec: nexo_family_1) -> [String]? {
    guard spec.label_count <= MetricNames.maxLabels, let pointers = spec.labels else {
      return spec.label_count == 0 ? [] : nil
    }
    var labels: [String] = []
    for index in 0..<spec.label_count {
      guard let label = text(of: pointers[index], limit: maxText) else { return nil }
      labels.append(label)
    }
    return labels
  }

  private static func bounds(_ spec: nexo_family_1) -> [Double]? {
    guard spec.bound_count > 0 else { return [] }
    guard let bounds = spec.bounds, spec.bound_count <= Int(NEXO_HISTOGRAM_MAX_BOUNDS) else { return nil }
    return (0..<spec.bound_count).map { bounds[$0] }
  }

  private static func texts(_ values: UnsafePointer<nexo_str>?, _ count: Int) -> [String]? {
    guard count > 0 else { return [] }
    guard let values, count <= MetricNames.maxLabels else { return nil }
    return (0..<count).map { values[$0].repaired(limit: maxValue) }
  }
}
