// The text of one family, kept from scrape to scrape: where each value stands and what it was.
// Owned by Document.swift, which decides whether values are patched in place or the text is laid out anew.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells

/// One family's part of a document. Offsets are relative to the section's first byte.
struct Section {
  let family: Family
  let format: ExpositionFormat
  /// Where the section begins in the document.
  var base = 0
  /// Its length in the document.
  var length = 0
  private(set) var version: UInt64 = 0
  private(set) var snapshot: FamilySnapshot
  private var cells: [OpaquePointer]
  /// The value of each sample as the text shows it: an integer, or the bits of a double.
  private var last: [UInt64] = []
  /// Where each sample's value begins, or `hidden`.
  private var starts: [UInt32] = []
  private var widths: [UInt8] = []
  /// Samples of one series: 1, or a histogram's buckets, sum and count.
  private let samples: Int

  /// The value of ``starts`` of a sample that is not shown.
  private static let hidden = UInt32.max

  init(family: Family, format: ExpositionFormat) {
    self.family = family
    self.format = format
    samples = family.spec.linesPerSeries
    snapshot = family.snapshot()
    cells = snapshot.rows.map(\.cell.pointer)
  }

  /// Takes over the family's series if they changed since the last layout. Then the section must be laid out.
  mutating func refresh() -> Bool {
    guard family.version != version else { return false }
    snapshot = family.snapshot()
    cells = snapshot.rows.map(\.cell.pointer)
    return true
  }

  /// Compares the cells with the text and notes what to patch.
  ///
  /// - Returns: how many samples differ; their indices are in `changed`, their new values in the section.
  mutating func scan(into changed: inout [UInt32]) -> Int {
    let count = cells.count
    guard count > 0 else { return 0 }
    if changed.count < last.count { changed = [UInt32](repeating: 0, count: last.count) }
    switch family.spec.kind {
    case .counter where !family.spec.isFractional: return nexo_counters_changed(cells, &last, count, &changed)
    case .counter, .gauge: return nexo_gauges_changed(cells, &last, count, &changed)
    case .histogram: return nexo_histograms_changed(cells, &last, count, &changed)
    }
  }

  /// Appends the new text of a changed sample's value.
  ///
  /// - Returns: the sample's place, or `nil` when it is not shown, or when whether it is shown has changed; then
  ///   `needsLayout` is set.
  func replacement(
    of sample: UInt32, to text: inout [UInt8], needsLayout: inout Bool
  ) -> (start: Int, oldWidth: Int)? {
    let index = Int(sample)
    if isSum(index) {
      let mustHide = hidesSum(Double(bitPattern: last[index]))
      if mustHide != (starts[index] == Self.hidden) { needsLayout = true }
      if mustHide { return nil }
    }
    guard starts[index] != Self.hidden else { return nil }
    appendValue(of: index, to: &text)
    return (Int(starts[index]), Int(widths[index]))
  }

  /// Notes that the values from `first` on (in the order of the text) have moved, and that one has a new width.
  mutating func moved(_ sample: UInt32, newWidth: Int) { widths[Int(sample)] = UInt8(newWidth) }

  /// Moves the places of all values after each changed one, by what the changed ones before it grew.
  ///
  /// - Parameter growths: changed samples in ascending order with the bytes that each grew.
  mutating func shift(_ growths: [(sample: UInt32, growth: Int)]) {
    starts.withUnsafeMutableBufferPointer { starts in
      var total = 0
      for (position, (sample, growth)) in growths.enumerated() {
        total += growth
        let end = position + 1 < growths.count ? Int(growths[position + 1].sample) + 1 : starts.count
        guard total != 0 else { continue }
        let delta = UInt32(bitPattern: Int32(truncatingIfNeeded: total))
        for index in (Int(sample) + 1)..<max(end, Int(sample) + 1) where starts[index] != Self.hidden {
          starts[index] &+= delta
        }
      }
    }
  }

  /// Appends the whole section and remembers where each value stands.
  mutating func layOut(to text: inout [UInt8]) {
    base = text.count
    version = snapshot.version
    appendHead(to: &text)
    let count = cells.count
    last = [UInt64](repeating: 0, count: count * samples)
    starts = [UInt32](repeating: Self.hidden, count: count * samples)
    widths = [UInt8](repeating: 0, count: count * samples)
    var ignored = [UInt32](repeating: 0, count: count * samples)
    _ = scan(into: &ignored)
    for (index, row) in snapshot.rows.enumerated() {
      if family.spec.kind == .histogram {
        appendHistogram(row, first: index * samples, to: &text)
      } else {
        appendLine(sample: index, suffix: "", labels: row.labels, bound: nil, to: &text)
      }
    }
    length = text.count - base
  }

  private mutating func appendHistogram(_ row: VisibleRow, first: Int, to text: inout [UInt8]) {
    for (position, bound) in (family.spec.bounds + [.infinity]).enumerated() {
      appendLine(sample: first + position, suffix: "_bucket", labels: row.labels, bound: bound, to: &text)
    }
    let sum = first + samples - 2
    if hidesSum(Double(bitPattern: last[sum])) { return }
    appendLine(sample: sum, suffix: "_sum", labels: row.labels, bound: nil, to: &text)
    appendLine(sample: sum + 1, suffix: "_count", labels: row.labels, bound: nil, to: &text)
  }

  private mutating func appendLine(
    sample: Int, suffix: String, labels: [String], bound: Double?, to text: inout [UInt8]
  ) {
    text += family.spec.name.utf8
    text += suffix.utf8
    var separator = UInt8(ascii: "{")
    for (label, value) in zip(family.spec.labels, labels) {
      text.append(separator)
      text += label.name.utf8
      text += "=\"".utf8
      MetricText.appendLabelValue(value, to: &text)
      text.append(UInt8(ascii: "\""))
      separator = UInt8(ascii: ",")
    }
    if let bound {
      text.append(separator)
      text += "le=\"".utf8
      MetricText.appendBound(bound, format: format, to: &text)
      text.append(UInt8(ascii: "\""))
      separator = UInt8(ascii: ",")
    }
    if separator == UInt8(ascii: ",") { text.append(UInt8(ascii: "}")) }
    text.append(UInt8(ascii: " "))
    let start = text.count
    appendValue(of: sample, to: &text)
    starts[sample] = UInt32(truncatingIfNeeded: start - base)
    widths[sample] = UInt8(text.count - start)
    text.append(UInt8(ascii: "\n"))
  }

  private func appendValue(of sample: Int, to text: inout [UInt8]) {
    let isInteger =
      switch family.spec.kind {
      case .counter: !family.spec.isFractional
      case .gauge: false
      case .histogram: !isSum(sample)
      }
    if isInteger {
      MetricText.appendInteger(last[sample], to: &text)
    } else {
      MetricText.appendDouble(Double(bitPattern: last[sample]), to: &text)
    }
  }

  private func isSum(_ sample: Int) -> Bool {
    family.spec.kind == .histogram && sample % samples == samples - 2
  }

  /// OpenMetrics forbids a sum that can fall or is no number, and its parsers a count without a sum ("Histogram"): there
  /// both are left out, and `+Inf` still has the count. The text format does not mind.
  private func hidesSum(_ sum: Double) -> Bool {
    format == .openMetrics && (!(sum >= 0) || (family.spec.bounds.first ?? 0) < 0)
  }

  private func appendHead(to text: inout [UInt8]) {
    let isOpenMetrics = format == .openMetrics
    let name = isOpenMetrics ? MetricNames.openMetricsName(family.spec) : family.spec.name
    let hasLegalType = !isOpenMetrics || family.spec.kind != .counter || name != family.spec.name
    text += "# HELP \(name) ".utf8
    MetricText.appendHelp(snapshot.help, format: format, to: &text)
    text += "\n# TYPE \(name) \(hasLegalType ? family.spec.kind.rawValue : "unknown")\n".utf8
    if isOpenMetrics, let unit = ["seconds", "bytes"].first(where: { name.hasSuffix("_\($0)") }) {
      text += "# UNIT \(name) \(unit)\n".utf8
    }
  }
}
