// The one list of every family that the host itself exposes.
// A family is declared in Families+<Area>.swift and named in that area's list; being in the list puts its HELP and
// TYPE on `/metrics` from the first scrape on. Documentation, dashboards and alerts are checked against `all`.
//
// SPDX-License-Identifier: Apache-2.0

/// The catalogue of host families.
package enum Families {
  /// Every host family, by area; names are unique (tested).
  package static let all: [FamilySpec] =
    agents + credentials + pairing + plugins + http + broker + process

  /// The seed's buckets for `_ms` histograms: not configurable, dashboards are built on them.
  static let millisecondBounds: [Double] = [50, 100, 250, 500, 1000, 2500, 5000, 10_000]

  /// Buckets in seconds for work that is measured in micro- to milliseconds: requests, calls into plugins.
  static let fastSecondBounds: [Double] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
}
