// The declaration of one metric family, as data: name, type, help, labels with their closed sets, buckets.
// Every host family is one constant in Families*.swift; documentation and dashboards are checked against these.
// Holds no values: those are in Family.swift.
//
// SPDX-License-Identifier: Apache-2.0

/// The three types of families.
package enum FamilyKind: String, Sendable, CaseIterable {
  case counter
  case gauge
  case histogram
}

/// One label of a family.
package struct LabelSpec: Sendable, Equatable {
  /// `[a-zA-Z_][a-zA-Z0-9_]*`, not reserved.
  package let name: String
  /// Every value that may appear, or `nil` when the set is open.
  package let closedSet: [String]?

  /// A label, open unless a set is given.
  package init(_ name: String, closedSet: [String]? = nil) {
    self.name = name
    self.closedSet = closedSet
  }
}

/// What is known of a family before it has a single sample.
package struct FamilySpec: Sendable, Equatable {
  /// The name on the wire, in the text format.
  package let name: String
  /// Counter, gauge or histogram.
  package let kind: FamilyKind
  /// One sentence for the operator; `# HELP`.
  package let help: String
  /// The labels in the order in which they are written.
  package let labels: [LabelSpec]
  /// Finite upper bounds, strictly rising; empty unless a histogram.
  package let bounds: [Double]
  /// Series that exist from the first scrape on, as label values. A family without labels, or with closed sets only,
  /// has all of its series from the start without saying so here.
  package let preset: [[String]]
  /// Whether a plugin whose manifest lists the name may add series of its own.
  package let isJoinable: Bool
  /// Whether a counter counts fractions; its cells are then gauges' cells.
  package let isFractional: Bool

  /// A declaration; nothing is checked here, the catalogue's test does that for host families.
  package init(
    _ name: String, _ kind: FamilyKind, help: String, labels: [LabelSpec] = [], bounds: [Double] = [],
    preset: [[String]] = [], isJoinable: Bool = false, isFractional: Bool = false
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.labels = labels
    self.bounds = bounds
    self.preset = preset
    self.isJoinable = isJoinable
    self.isFractional = isFractional
  }

  /// Whether handles of both could count into the same cells: the same but for help, presets and the labels' order.
  package func hasShape(of other: FamilySpec) -> Bool {
    name == other.name && kind == other.kind && bounds == other.bounds
      && Set(labels.map(\.name)) == Set(other.labels.map(\.name))
  }

  /// How many lines one series is in the exposition: 1, or buckets with `+Inf`, sum and count.
  package var linesPerSeries: Int { kind == .histogram ? bounds.count + 3 : 1 }

  /// The label values that exist from the start: ``preset`` and, where all sets are closed, every combination.
  package var initialSeries: [[String]] {
    var rows: [[String]] = [[]]
    for label in labels {
      guard let set = label.closedSet else { return preset }
      rows = rows.flatMap { row in set.map { row + [$0] } }
    }
    return rows
  }
}

/// A counter family of the host: its label types are in its own type.
package struct CounterSpec<each Label: MetricLabel>: Sendable {
  /// The untyped declaration.
  package let spec: FamilySpec

  /// - Parameter labels: as many names as the type has labels; the catalogue's test counts them.
  package init(
    _ name: String, _ labels: [String] = [], help: String, preset: [[String]] = [], isJoinable: Bool = false
  ) {
    let typed = labelSpecs(labels, closedSets(repeat (each Label).self))
    spec = FamilySpec(name, .counter, help: help, labels: typed, preset: preset, isJoinable: isJoinable)
  }
}

/// A counter family without labels that counts fractions, such as seconds of CPU time read from the kernel.
package struct FractionalCounterSpec: Sendable {
  /// The untyped declaration.
  package let spec: FamilySpec

  /// - Parameter help: one sentence for the operator.
  package init(_ name: String, help: String) {
    spec = FamilySpec(name, .counter, help: help, isFractional: true)
  }
}

/// A gauge family of the host.
package struct GaugeSpec<each Label: MetricLabel>: Sendable {
  /// The untyped declaration.
  package let spec: FamilySpec

  /// - Parameter labels: as many names as the type has labels; the catalogue's test counts them.
  package init(
    _ name: String, _ labels: [String] = [], help: String, preset: [[String]] = [], isJoinable: Bool = false
  ) {
    let typed = labelSpecs(labels, closedSets(repeat (each Label).self))
    spec = FamilySpec(name, .gauge, help: help, labels: typed, preset: preset, isJoinable: isJoinable)
  }
}

/// A histogram family of the host.
package struct HistogramSpec<each Label: MetricLabel>: Sendable {
  /// The untyped declaration.
  package let spec: FamilySpec

  /// - Parameters:
  ///   - labels: as many names as the type has labels; the catalogue's test counts them.
  ///   - bounds: finite upper bounds, strictly rising, in the unit that the name ends in.
  package init(_ name: String, _ labels: [String] = [], help: String, bounds: [Double]) {
    let typed = labelSpecs(labels, closedSets(repeat (each Label).self))
    spec = FamilySpec(name, .histogram, help: help, labels: typed, bounds: bounds)
  }
}

// The formatter would write `<>`, which is an operator.
// swift-format-ignore
/// A counter family without labels.
package typealias PlainCounterSpec = CounterSpec< >
// swift-format-ignore
/// A gauge family without labels.
package typealias PlainGaugeSpec = GaugeSpec< >
// swift-format-ignore
/// A histogram family without labels.
package typealias PlainHistogramSpec = HistogramSpec< >

/// The closed sets of a list of label types, in order.
private func closedSets<each Label: MetricLabel>(_ types: repeat (each Label).Type) -> [[String]?] {
  var sets: [[String]?] = []
  for type in repeat each types { sets.append(type.closedSet) }
  return sets
}

/// Pairs names with closed sets. A wrong count is a mistake of the catalogue, seen by any start of the host.
private func labelSpecs(_ names: [String], _ sets: [[String]?]) -> [LabelSpec] {
  precondition(names.count == sets.count, "a family's label names and label types differ in number")
  return zip(names, sets).map { LabelSpec($0, closedSet: $1) }
}
