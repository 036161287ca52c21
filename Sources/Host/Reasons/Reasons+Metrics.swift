// Reasons why a plugin did not get a metric family or a series.
// Used by HostMetrics' MetricRefusal, and through it by the host's side of `nexo.metrics/1`.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var metrics: [Reason] {
    [
      .metricsNameInvalid, .metricsNameTaken, .metricsNotInManifest, .metricsLabelInvalid, .metricsLabelReserved,
      .metricsBadBuckets, .metricsShapeDiffers, .metricsLabelsDiffer, .metricsValueNotAllowed,
      .metricsTooManyFamilies, .metricsOverBudget, .metricsEnded,
    ]
  }

  package static let metricsNameInvalid = Reason(
    "metrics.name_invalid", cause: "A plugin declared a metric under something that is not a metric name.",
    evidence: "The log line names plugin and metric.",
    remedy: "Use letters, digits, '_' and ':', not a digit first, at most 200 bytes.")

  package static let metricsNameTaken = Reason(
    "metrics.name_taken",
    cause: "The metric's name, or one that its samples need, belongs to the host or to another plugin.",
    evidence: "`curl :9090/metrics` shows the name's HELP and TYPE; the log line says by whom it is taken.",
    remedy: "Choose another name, best under the plugin's own prefix.")

  package static let metricsNotInManifest = Reason(
    "metrics.not_in_manifest", cause: "The metric's name is outside the plugin's prefix and not in its manifest.",
    evidence: "The log line names plugin and metric; compare with `metrics` in the extension's plugin.toml.",
    remedy: "List the name, or a prefix and `*`, under `metrics` in the manifest.")

  package static let metricsLabelInvalid = Reason(
    "metrics.label_invalid",
    cause: "A label of a plugin's metric is not a label name, is there twice, or is one of too many.",
    evidence: "The log line names plugin, metric and label.",
    remedy: "Use letters, digits and '_', not a digit first; at most 16 labels.")

  package static let metricsLabelReserved = Reason(
    "metrics.label_reserved", cause: "A plugin's metric has a label that Prometheus keeps for itself.",
    evidence: "The log line names plugin, metric and label: `le`, `quantile` or one that begins with `__`.",
    remedy: "Rename the label.")

  package static let metricsBadBuckets = Reason(
    "metrics.bad_buckets", cause: "The buckets of a plugin's histogram cannot be used, or something else has buckets.",
    evidence: "The log line names plugin and metric.",
    remedy: "Give at most 64 finite upper bounds, strictly rising, to histograms only.")

  package static let metricsShapeDiffers = Reason(
    "metrics.shape_differs",
    cause: "A plugin declared a metric that exists with another type, other labels or other buckets.",
    evidence: "`curl :9090/metrics` shows the family as it is; the log line names plugin and metric.",
    remedy: "Declare it the same way everywhere, or under another name.")

  package static let metricsLabelsDiffer = Reason(
    "metrics.labels_differ", cause: "A plugin asked for a series with other labels than its family has.",
    evidence: "The log line names plugin and metric.",
    remedy: "Give exactly one value for each declared label.")

  package static let metricsValueNotAllowed = Reason(
    "metrics.value_not_allowed", cause: "A plugin gave a label of a host family a value outside its closed set.",
    evidence: "The log line names plugin, metric and label; docs/operations.md lists the sets.",
    remedy: "Use one of the values of the set.")

  package static let metricsTooManyFamilies = Reason(
    "metrics.too_many_families", cause: "A plugin declared more metric families than one plugin may.",
    evidence: "`curl :9090/metrics | grep '^# TYPE'`, lines with the plugin's prefix.",
    remedy: "Put what varies into labels instead of names.")

  package static let metricsOverBudget = Reason(
    "metrics.over_budget", cause: "A plugin has as many series as its budget allows; new ones count nowhere.",
    evidence: "`nexo_plugin_series` and `nexo_plugin_series_dropped_total` of the plugin.",
    remedy: "Use fewer label values, never ones from outside; or raise the plugin's budget.")

  package static let metricsEnded = Reason(
    "metrics.ended", cause: "A plugin asked for a metric after it was destroyed.",
    evidence: "The log line names the plugin.",
    remedy: "Stop all of the plugin's threads before `destroy` returns.")
}
