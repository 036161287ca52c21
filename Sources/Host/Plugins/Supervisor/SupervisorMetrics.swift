// The families that sweeps move.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostMetrics
internal import HostReasons

/// `nexo_extensions_discovered`, `nexo_extension_info`, `nexo_extension_sweep_duration_seconds`.
struct SupervisorMetrics: Sendable {
  private let discovered: CounterFamily<ExtensionStatus>
  private let info: GaugeFamily<String, String, ExtensionStatus, String, String>
  private let duration: Histogram

  /// Rows of `nexo_extension_info`: a folder with more extensions than this shows the first ones.
  private static let infoLimit = 5_000

  init(_ registry: MetricsRegistry) {
    discovered = registry.counter(Families.extensionsDiscovered)
    info = registry.gauge(Families.extensionInfo)
    duration = registry.histogram(Families.extensionSweepDuration).with()
    for status in ExtensionStatus.allCases { discovered.with(status).add(0) }
  }

  func count(_ report: SweepReport) {
    for status in ExtensionStatus.allCases { discovered.with(status).add(report.count(status)) }
    duration.observe(report.duration)
    info.replaceAll { rows in
      for record in report.records.prefix(SupervisorMetrics.infoLimit) {
        rows.set(
          record.name, record.version, record.verdict, record.reason?.code ?? "", record.buildID, to: 1)
      }
    }
  }
}
