// The rules of names: what a family and a label may be called, and which names a family's samples take up.
// Called for every declaration of a plugin, and by the catalogue's test for the host's own.
//
// SPDX-License-Identifier: Apache-2.0

/// Rules for the names of families and labels.
package enum MetricNames {
  /// Longest name of a family or label, in bytes; ours, so that a line of the exposition stays bounded.
  package static let maxNameBytes = 200
  /// Most labels of one family; ours.
  package static let maxLabels = 16

  /// Whether `name` may be a family's: `[a-zA-Z_:][a-zA-Z0-9_:]*` (Prometheus data model).
  package static func isFamilyName(_ name: String) -> Bool { isName(name, colons: true) }

  /// Whether `name` may be a label's: `[a-zA-Z_][a-zA-Z0-9_]*`.
  package static func isLabelName(_ name: String) -> Bool { isName(name, colons: false) }

  /// Whether Prometheus keeps the label name for itself.
  package static func isReservedLabel(_ name: String) -> Bool {
    name == "le" || name == "quantile" || name.hasPrefix("__")
  }

  /// The family's name in OpenMetrics, where a counter's samples have `_total` and its family has not.
  static func openMetricsName(_ spec: FamilySpec) -> String {
    spec.kind == .counter && spec.name.hasSuffix("_total") ? String(spec.name.dropLast(6)) : spec.name
  }

  /// Every name that no other family may have beside this one, in either format (OpenMetrics 1.0.0, "MetricFamily": a
  /// name plus the suffixes of its type).
  package static func claims(of spec: FamilySpec) -> [String] {
    let base = openMetricsName(spec)
    switch spec.kind {
    case .counter where base != spec.name: return [base, spec.name, base + "_created"]
    case .counter, .gauge: return [base]
    case .histogram: return [base, base + "_bucket", base + "_sum", base + "_count", base + "_created"]
    }
  }

  /// Whether an entry of a manifest's `metrics` covers the name: the name itself, or a prefix and `*`.
  static func matches(_ pattern: String, _ name: String) -> Bool {
    pattern.last == "*" ? name.utf8.starts(with: pattern.dropLast().utf8) : pattern == name
  }

  private static func isName(_ name: String, colons: Bool) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= maxNameBytes, !isDigit(first) else { return false }
    return name.utf8.allSatisfy { byte in
      isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_") || (colons && byte == UInt8(ascii: ":"))
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
}
