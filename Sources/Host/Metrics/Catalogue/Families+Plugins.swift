// Families of extensions and plugins: what a sweep found, how calls into plugins went, what a scrape of them cost.
// Fed by HostPlugins, except series and dropped series, which PluginMetrics.swift moves itself.
//
// SPDX-License-Identifier: Apache-2.0

/// A sweep's verdict on a candidate.
package enum ExtensionStatus: String, ClosedLabel {
  case ok
  case disabled
  case invalid
}

/// How a call into a plugin ended.
package enum PluginCallResult: String, ClosedLabel {
  case ok
  /// The plugin answered with a negative status.
  case error
  /// It returned, past its deadline.
  case late
  /// It had not returned when the host stopped waiting.
  case timeout
  case crashed
}

/// A call of the hot path that the cells refused.
package enum MetricMisuse: String, ClosedLabel {
  case negativeStep = "negative_step"
  case nanObservation = "nan_observation"
}

extension Families {
  /// The families of this file.
  static let plugins: [FamilySpec] = [
    extensionsDiscovered.spec, extensionInfo.spec, extensionSweepDuration.spec, pluginCalls.spec,
    pluginCallDuration.spec, pluginCrashes.spec, pluginImagesMapped.spec, pluginScrapeSuccess.spec,
    pluginScrapeDuration.spec, pluginSeries.spec, pluginSeriesDropped.spec, metricMisuse.spec,
  ]

  /// Counts candidates: every sweep adds its counts. Labels: `status`.
  package static let extensionsDiscovered = CounterSpec<ExtensionStatus>(
    "nexo_extensions_discovered", ["status"],
    help: "Extensions found by sweeps of the extension directories, by verdict.")

  /// 1 for every candidate of the last sweep. Labels: `plugin`, `version`, `status`, `reason` (a code or empty), `build_id`.
  package static let extensionInfo = GaugeSpec<String, String, ExtensionStatus, String, String>(
    "nexo_extension_info", ["plugin", "version", "status", "reason", "build_id"],
    help: "The extensions of the last sweep; always 1.")

  /// Observes the time of a sweep.
  package static let extensionSweepDuration = PlainHistogramSpec(
    "nexo_extension_sweep_duration_seconds", help: "Time of a sweep of the extension directories.",
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

  /// Counts calls into plugins. Labels: `plugin`, `call` (the ABI's name of the callback), `result`.
  package static let pluginCalls = CounterSpec<String, String, PluginCallResult>(
    "nexo_plugin_calls_total", ["plugin", "call", "result"], help: "Calls into plugins, by how they ended.")

  /// Observes the time of calls into plugins. Labels: `plugin`, `call`.
  package static let pluginCallDuration = HistogramSpec<String, String>(
    "nexo_plugin_call_duration_seconds", ["plugin", "call"], help: "Time of calls into plugins.",
    bounds: fastSecondBounds)

  /// Counts crashes. Labels: `plugin`, `cause` (a reason code).
  package static let pluginCrashes = CounterSpec<String, String>(
    "nexo_plugin_crashes_total", ["plugin", "cause"], help: "Crashes of plugins, by cause.")

  /// Images that stay mapped because plugins are never unloaded.
  package static let pluginImagesMapped = PlainGaugeSpec(
    "nexo_plugin_images_mapped", help: "Plugin images in memory, those of replaced and removed plugins included.")

  /// 1 when the plugin's collect callback ended in time at the last scrape, else 0. Labels: `plugin`.
  package static let pluginScrapeSuccess = GaugeSpec<String>(
    "nexo_plugin_scrape_success", ["plugin"],
    help: "Whether the plugin's collect callback ended well and in time at the last scrape.")

  /// Time of the plugin's collect callback at the last scrape. Labels: `plugin`.
  package static let pluginScrapeDuration = GaugeSpec<String>(
    "nexo_plugin_scrape_duration_seconds", ["plugin"], help: "Time of the plugin's collect callback at the last scrape."
  )

  /// Exposed lines of the plugin's series, which its budget bounds. Labels: `plugin`.
  package static let pluginSeries = GaugeSpec<String>(
    "nexo_plugin_series", ["plugin"], help: "Series of the plugin that count against its budget.")

  /// Counts series refused over the budget. Labels: `plugin`.
  package static let pluginSeriesDropped = CounterSpec<String>(
    "nexo_plugin_series_dropped_total", ["plugin"], help: "Series of the plugin refused because its budget was used up."
  )

  /// Counts calls that the cells ignored: a negative step, an observation of NaN. Labels: `plugin` (empty for the host
  /// itself), `kind`.
  package static let metricMisuse = CounterSpec<String, MetricMisuse>(
    "nexo_metric_misuse_total", ["plugin", "kind"], help: "Metric updates ignored because they made no sense.")
}
