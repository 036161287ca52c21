// Metric families. Declared once in the plugin's init; a handle is kept and counted through, from any thread, without a
// lock, an allocation or a look-up. A handle stays good for ever, also after the instance has ended.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
internal import Synchronization

// The handles and the host's functions are immortal and callable from every thread (nexo_plugin.h, nexo.metrics/1): that
// is the guard of each `@unchecked Sendable` in this file.

/// A number that only grows.
public struct Counter: @unchecked Sendable {
  @usableFromInline let handle: OpaquePointer?
  @usableFromInline let table: UnsafePointer<nexo_metrics_1>

  /// Adds to it: one call through the host's table.
  @inlinable public func add(_ step: UInt64 = 1) { table.pointee.counter_add(handle, step) }
}

/// A number that goes up and down.
public struct Gauge: @unchecked Sendable {
  @usableFromInline let handle: OpaquePointer?
  @usableFromInline let table: UnsafePointer<nexo_metrics_1>

  /// Replaces it.
  @inlinable public func set(_ value: Double) { table.pointee.gauge_set(handle, value) }
  /// Adds to it; a negative step takes away.
  @inlinable public func add(_ step: Double) { table.pointee.gauge_add(handle, step) }
}

/// Observations, counted by size.
///
/// `@unchecked`: immortal host handles, made for every thread.
public struct Histogram: @unchecked Sendable {
  @usableFromInline let handle: OpaquePointer?
  @usableFromInline let table: UnsafePointer<nexo_metrics_1>

  /// Counts one observation, in the unit that the family's name ends in.
  @inlinable public func observe(_ value: Double) { table.pointee.histogram_observe(handle, value) }
}

/// A family with labels: ask it for the handle of a label set once, keep that, and count through it.
///
/// Label values come from a closed set: never an address, a number, an id or anything else from outside.
/// `@unchecked`: immortal host handles, made for every thread.
public struct MetricFamily<Handle>: @unchecked Sendable {
  private let services: Services
  private let family: OpaquePointer?
  private let child: @Sendable (Services, OpaquePointer?, UnsafeBufferPointer<nexo_str>) -> Handle

  fileprivate init(
    _ services: Services, _ family: OpaquePointer?,
    child: @escaping @Sendable (Services, OpaquePointer?, UnsafeBufferPointer<nexo_str>) -> Handle
  ) {
    self.services = services
    self.family = family
    self.child = child
  }

  /// The handle for these label values, in the order of the label names. Over the plugin's budget of series it is one that
  /// counts nowhere.
  public func with(_ values: String...) -> Handle { lend(values) { child(services, family, $0) } }

  /// Takes a label set out of the exposition until it is asked for again. Its handle stays valid.
  public func remove(_ values: String...) {
    guard let metrics = try? services.metrics else { return }
    lend(values) { _ = metrics.pointee.remove(services.host, family, $0.baseAddress, $0.count) }
  }
}

extension PluginHost {
  /// A counter without labels. Its name ends in `_total` and begins with the plugin's id, or is in the manifest.
  public func counter(_ name: String, help: String) throws -> Counter {
    try counter(name, help: help, labels: []).with()
  }

  /// A counter family.
  public func counter(_ name: String, help: String, labels: [String]) throws -> MetricFamily<Counter> {
    let table = try services.metrics
    return MetricFamily(services, try declare(NEXO_COUNTER, name, help, labels, [])) { [table = Shared(table)] in
      var handle: OpaquePointer?
      _ = table.pointer.pointee.counter($0.host, $1, $2.baseAddress, $2.count, &handle)
      return Counter(handle: handle, table: table.pointer)
    }
  }

  /// A gauge without labels.
  public func gauge(_ name: String, help: String) throws -> Gauge { try gauge(name, help: help, labels: []).with() }

  /// A gauge family.
  public func gauge(_ name: String, help: String, labels: [String]) throws -> MetricFamily<Gauge> {
    let table = try services.metrics
    return MetricFamily(services, try declare(NEXO_GAUGE, name, help, labels, [])) { [table = Shared(table)] in
      var handle: OpaquePointer?
      _ = table.pointer.pointee.gauge($0.host, $1, $2.baseAddress, $2.count, &handle)
      return Gauge(handle: handle, table: table.pointer)
    }
  }

  /// A histogram without labels.
  public func histogram(_ name: String, help: String, bounds: [Double]) throws -> Histogram {
    try histogram(name, help: help, labels: [], bounds: bounds).with()
  }

  /// A histogram family.
  ///
  /// - Parameter bounds: upper bounds, ascending, without +Inf, at most 64.
  public func histogram(
    _ name: String, help: String, labels: [String], bounds: [Double]
  ) throws -> MetricFamily<Histogram> {
    let table = try services.metrics
    let family = try declare(NEXO_HISTOGRAM, name, help, labels, bounds)
    return MetricFamily(services, family) { [table = Shared(table)] in
      var handle: OpaquePointer?
      _ = table.pointer.pointee.histogram($0.host, $1, $2.baseAddress, $2.count, &handle)
      return Histogram(handle: handle, table: table.pointer)
    }
  }

  /// Runs a closure before each scrape, to set gauges from state. All of them together have 100 ms. Only in `init`.
  public func onScrape(_ body: @escaping @Sendable () -> Void) throws {
    let metrics = try services.metrics
    let isFirst = scrapes.withLock { list in
      defer { list = (list ?? []) + [body] }
      return list == nil
    }
    guard isFirst else { return }
    let status = metrics.pointee.on_scrape(
      services.host,
      { ctx in
        guard let ctx else { return }
        let host = Unmanaged<PluginHost>.fromOpaque(ctx).takeUnretainedValue()
        for body in host.scrapes.withLock({ $0 ?? [] }) { body() }
      }, instance.keep(self))
    try PluginError.check(status, "onScrape")
  }

  private func declare(
    _ kind: Int, _ name: String, _ help: String, _ labels: [String], _ bounds: [Double]
  ) throws(PluginError) -> OpaquePointer? {
    let metrics = try services.metrics
    var family: OpaquePointer?
    try checked("metric family \(name)") { error in
      name.withCString { name in
        help.withCString { help in
          withCStrings(labels) { labels in
            bounds.withUnsafeBufferPointer { bounds in
              var spec = nexo_family_1()
              spec.size = UInt32(MemoryLayout<nexo_family_1>.size)
              spec.kind = kind.status
              spec.name = name
              spec.help = help
              spec.labels = labels.baseAddress
              spec.label_count = labels.count
              spec.bounds = bounds.baseAddress
              spec.bound_count = bounds.count
              return metrics.pointee.family(services.host, &spec, &family, error)
            }
          }
        }
      }
    }
    return family
  }
}

/// A table pointer in a `@Sendable` closure; immortal, as said above.
private struct Shared: @unchecked Sendable {
  let pointer: UnsafePointer<nexo_metrics_1>
  init(_ pointer: UnsafePointer<nexo_metrics_1>) { self.pointer = pointer }
}

/// Lends a list of NUL-terminated strings.
private func withCStrings<Result>(
  _ texts: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
  let bytes = texts.map { Array($0.utf8CString) }
  let all = bytes.flatMap { $0 }
  return all.withUnsafeBufferPointer { all in
    var start = 0
    let views = bytes.map { text -> UnsafePointer<CChar>? in
      defer { start += text.count }
      return all.baseAddress.map { $0 + start }
    }
    return views.withUnsafeBufferPointer(body)
  }
}
