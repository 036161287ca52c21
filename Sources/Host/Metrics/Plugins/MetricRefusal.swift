// Why the host did not give a plugin the family or the series that it asked for.
// Thrown by PluginMetricsGeneration; the ABI turns the code and the text into the plugin's error, the log prints them.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// A refused declaration or series. One case for each different remedy.
package enum MetricRefusal: Error, Equatable, Sendable {
  /// The name is not `[a-zA-Z_:][a-zA-Z0-9_:]*`, or too long.
  case nameInvalid(name: String)
  /// The name, or a name that its samples need, belongs to somebody else: `owner` is `the host` or `plugin <id>`.
  case nameTaken(name: String, owner: String, family: String)
  /// Neither the plugin's own prefix nor an entry of its manifest covers the name.
  case notInManifest(name: String, plugin: String, prefix: String)
  /// A label name is not `[a-zA-Z_][a-zA-Z0-9_]*`, too long, given twice, or one of too many.
  case labelInvalid(family: String, label: String)
  /// `le`, `quantile` and everything that begins with `__` belong to Prometheus.
  case labelReserved(family: String, label: String)
  /// Buckets of a histogram are not finite and strictly rising, or too many; or something else has buckets.
  case badBuckets(family: String, limit: Int)
  /// The family exists with another type, other labels or other buckets.
  case shapeDiffers(family: String)
  /// The labels of a series are not those of its family.
  case labelsDiffer(family: String)
  /// A value outside the closed set of a host family's label.
  case valueNotAllowed(family: String, label: String, allowed: [String])
  /// The plugin has as many families as a plugin may have.
  case tooManyFamilies(plugin: String, limit: Int)
  /// The plugin's series are used up.
  case overBudget(plugin: String, limit: Int)
  /// The generation of the plugin that asks has ended.
  case ended(plugin: String)

  /// The reason, with the stable code that log, CLI and metrics show.
  package var reason: Reason {
    switch self {
    case .nameInvalid: .metricsNameInvalid
    case .nameTaken: .metricsNameTaken
    case .notInManifest: .metricsNotInManifest
    case .labelInvalid: .metricsLabelInvalid
    case .labelReserved: .metricsLabelReserved
    case .badBuckets: .metricsBadBuckets
    case .shapeDiffers: .metricsShapeDiffers
    case .labelsDiffer: .metricsLabelsDiffer
    case .valueNotAllowed: .metricsValueNotAllowed
    case .tooManyFamilies: .metricsTooManyFamilies
    case .overBudget: .metricsOverBudget
    case .ended: .metricsEnded
    }
  }
}

extension MetricRefusal: CustomStringConvertible {
  /// *Subject: what is wrong. What to do.*
  package var description: String {
    switch self {
    case .nameInvalid(let name):
      "metric \(quoted(name)): not a metric name. Use letters, digits, '_' and ':', not a digit first, at most 200."
    case .nameTaken(let name, let owner, let family):
      "metric \(quoted(name)): taken by \(owner) (family \(quoted(family))). Choose another name."
    case .notInManifest(let name, let plugin, let prefix):
      "metric \(quoted(name)): plugin \(plugin) may declare \(prefix)* only. List the name under `metrics` in its manifest."
    case .labelInvalid(let family, let label):
      "metric \(quoted(family)): label \(quoted(label)) is not a name, is there twice, or is one of more than 16. "
        + "Use letters, digits and '_', not a digit first."
    case .labelReserved(let family, let label):
      "metric \(quoted(family)): label \(quoted(label)) is reserved by Prometheus. Rename it."
    case .badBuckets(let family, let limit):
      "metric \(quoted(family)): buckets must be finite, strictly rising, at most \(limit), and a histogram's. Correct them."
    case .shapeDiffers(let family):
      "metric \(quoted(family)): exists with another type, other labels or other buckets. Declare it the same way everywhere."
    case .labelsDiffer(let family):
      "metric \(quoted(family)): the series has other labels than the family. Give one value for each declared label."
    case .valueNotAllowed(let family, let label, let allowed):
      "metric \(quoted(family)): label \(quoted(label)) takes only \(allowed.joined(separator: ", ")). Use one of these."
    case .tooManyFamilies(let plugin, let limit):
      "plugin \(plugin): more than \(limit) metric families. Use labels instead of names."
    case .overBudget(let plugin, let limit):
      "plugin \(plugin): its \(limit) series are used up. Use fewer label values, or raise its budget."
    case .ended(let plugin):
      "plugin \(plugin): this generation has ended. Declare metrics between create and destroy."
    }
  }
}

/// A name from outside, made safe to print: at most 80 characters, control characters escaped.
private func quoted(_ text: String) -> String {
  "\"" + text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : String($0) }.joined() + "\""
}
