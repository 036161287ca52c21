// What may stand in a label: free text, or one value of a closed set that the compiler enforces.
// Used by the typed specs (FamilySpec.swift) and, through them, by every call of `with(...)`.
// Escaping is the exposition's (MetricText.swift).
//
// SPDX-License-Identifier: Apache-2.0

/// A type whose values can stand in a label.
package protocol MetricLabel: Sendable {
  /// The text that appears between the quotes, unescaped.
  var labelValue: String { get }
  /// Every value that can ever appear, or `nil` when the set is open.
  static var closedSet: [String]? { get }
}

extension String: MetricLabel {
  /// The string itself.
  package var labelValue: String { self }
  /// Open: any text. The caller sees to it that it never comes from outside.
  package static var closedSet: [String]? { nil }
}

/// A closed set of label values: an enum, so that nothing outside the set can appear on the wire.
package protocol ClosedLabel: MetricLabel, RawRepresentable, CaseIterable where RawValue == String {}

extension ClosedLabel {
  /// The raw value.
  package var labelValue: String { rawValue }
  /// The raw values of all cases, in the order of their declaration.
  package static var closedSet: [String]? { allCases.map(\.rawValue) }
}
