// The families as host code uses them: `with(...)` takes exactly the labels of the spec, as their own types.
// Got from MetricsRegistry by spec. `with` takes a lock and looks the label set up: keep the handle in hot code.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A counter family of the host.
package struct CounterFamily<each Label: MetricLabel>: Sendable {
  let family: Family

  /// The counter for these label values; made on first use, the same one ever after.
  package func with(_ labels: repeat each Label) -> Counter {
    Counter(cell: family.row(labelValues(repeat each labels), holder: .host, isPublished: true).cell)
  }

  /// Takes a series off the wire. Its count goes on if it comes back.
  package func remove(_ labels: repeat each Label) {
    family.release(labelValues(repeat each labels), holder: .host)
  }
}

/// A gauge family of the host.
package struct GaugeFamily<each Label: MetricLabel>: Sendable {
  let family: Family

  /// The gauge for these label values; made on first use, the same one ever after.
  package func with(_ labels: repeat each Label) -> Gauge {
    Gauge(cell: family.row(labelValues(repeat each labels), holder: .host, isPublished: true).cell)
  }

  /// Takes a series off the wire.
  package func remove(_ labels: repeat each Label) {
    family.release(labelValues(repeat each labels), holder: .host)
  }

  /// Sets the rows that `body` names and takes the host's others off the wire: for families that mirror a state, such as
  /// the bindings of agents after a reload. Rows of samplers and plugins stay.
  package func replaceAll(_ body: (GaugeRows<repeat each Label>) -> Void) {
    let rows = GaugeRows<repeat each Label>(family: family, holder: .host)
    body(rows)
    family.release(.host, except: rows.named.withLock { $0 })
  }
}

/// A histogram family of the host.
package struct HistogramFamily<each Label: MetricLabel>: Sendable {
  let family: Family

  /// The histogram for these label values; made on first use, the same one ever after.
  package func with(_ labels: repeat each Label) -> Histogram {
    Histogram(cell: family.row(labelValues(repeat each labels), holder: .host, isPublished: true).cell)
  }

  /// Takes a series off the wire. Its counts go on if it comes back.
  package func remove(_ labels: repeat each Label) {
    family.release(labelValues(repeat each labels), holder: .host)
  }
}

/// The rows of a gauge family that one sampler, or one replacement, names; what it does not name leaves the wire.
package final class GaugeRows<each Label: MetricLabel>: Sendable {
  private let family: Family
  private let holder: Holder
  let named = Mutex<Set<[String]>>([])

  init(family: Family, holder: Holder) {
    self.family = family
    self.holder = holder
  }

  /// Sets one row.
  package func set(_ labels: repeat each Label, to value: Double) {
    let values = labelValues(repeat each labels)
    Gauge(cell: family.row(values, holder: holder, isPublished: true).cell).set(value)
    named.withLock { _ = $0.insert(values) }
  }
}

/// The texts of a list of labels, in order.
private func labelValues<each Label: MetricLabel>(_ labels: repeat each Label) -> [String] {
  var values: [String] = []
  for label in repeat each labels { values.append(label.labelValue) }
  return values
}
