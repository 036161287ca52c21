// The handles that code keeps and moves: Counter, Gauge, Histogram. Each is one pointer to an immortal cell.
// Made by the families (TypedFamilies.swift); no call here locks, allocates or fails.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells

/// A number that only rises.
///
/// `@unchecked Sendable`: guarded by the cell itself, which is never freed and accessed atomically only (CMetricCells).
package struct Counter: @unchecked Sendable {
  let cell: OpaquePointer

  /// Adds one.
  package func inc() { nexo_counter_add(cell, 1) }

  /// Adds `step`; a negative one is ignored and counted in `nexo_metric_misuse_total`.
  package func add(_ step: Int) { nexo_counter_add(cell, UInt64(bitPattern: Int64(step))) }

  /// What it has counted, all threads together.
  package var value: UInt64 { nexo_counter_value(cell) }
}

/// A number that goes up and down; NaN and the infinities are legal.
///
/// `@unchecked Sendable`: guarded by the cell itself, which is never freed and accessed atomically only (CMetricCells).
package struct Gauge: @unchecked Sendable {
  let cell: OpaquePointer

  /// Replaces the value.
  package func set(_ value: Double) { nexo_gauge_set(cell, value) }

  /// Replaces the value.
  package func set(_ value: Int) { nexo_gauge_set(cell, Double(value)) }

  /// Adds `delta`, which may be negative.
  package func add(_ delta: Double) { nexo_gauge_add(cell, delta) }

  /// Adds one.
  package func inc() { nexo_gauge_add(cell, 1) }

  /// Takes one away.
  package func dec() { nexo_gauge_add(cell, -1) }

  /// The value now.
  package var value: Double { nexo_gauge_value(cell) }
}

/// Observations sorted into buckets.
///
/// `@unchecked Sendable`: guarded by the cell itself, which is never freed and accessed atomically only (CMetricCells).
package struct Histogram: @unchecked Sendable {
  let cell: OpaquePointer

  /// Counts one observation; NaN is ignored and counted in `nexo_metric_misuse_total`.
  package func observe(_ value: Double) { nexo_histogram_observe(cell, value) }

  /// Counts one observation in seconds, for families whose unit is the second.
  package func observe(_ duration: Duration) { observe(duration / .seconds(1)) }

  /// Counts one observation in milliseconds, for the seed's `_ms` families.
  package func observeMilliseconds(_ duration: Duration) { observe(duration / .milliseconds(1)) }

  /// The cumulative buckets, the last of which is `+Inf` and so the count, and the sum of all observations.
  package var snapshot: (buckets: [UInt64], sum: Double) {
    var values = [UInt64](repeating: 0, count: nexo_histogram_width(cell))
    nexo_histogram_read(cell, &values)
    return (Array(values.dropLast(2)), Double(bitPattern: values[values.count - 2]))
  }

  /// How many observations were counted.
  package var count: UInt64 { snapshot.buckets.last ?? 0 }

  /// The sum of all observations.
  package var sum: Double { snapshot.sum }
}
