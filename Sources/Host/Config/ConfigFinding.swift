// What is wrong with a configuration: one finding per fault, all of them, each with its place and remedy.
// Filled by the YAML parser, the placeholders, the readers and the validators above; printed by `agent check-config`.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// One fault in the configuration.
package struct ConfigFinding: Sendable, Hashable, CustomStringConvertible {
  package enum Severity: String, Sendable, Hashable, CaseIterable { case warning, error }

  package let severity: Severity
  package let reason: Reason
  /// Where; nil when it stands in no file (a flag, the environment).
  package let mark: SourceMark?
  /// What is wrong, naming the key: `agents[0].id: expected text, found a list`.
  package let message: String
  /// What to do about it.
  package let remedy: String

  package init(_ severity: Severity, _ reason: Reason, at mark: SourceMark?, _ message: String, remedy: String) {
    self.severity = severity
    self.reason = reason
    self.mark = mark
    self.message = message
    self.remedy = remedy
  }

  /// The same as an error: for those who take no warnings.
  package var asError: ConfigFinding { ConfigFinding(.error, reason, at: mark, message, remedy: remedy) }

  /// `agents.yaml:3:5: error: model.provder: unknown key. Did you mean "provider"? [config.unknown_key]`
  package var description: String {
    (mark.map { "\($0): " } ?? "") + "\(severity.rawValue): \(message). \(remedy) [\(reason.code)]"
  }
}

/// Findings as they are collected. A reference, so that all readers of one load add to the same list.
package final class ConfigReport {
  /// In the order in which they were found.
  package private(set) var findings: [ConfigFinding] = []

  package init() {}

  package var hasErrors: Bool { findings.contains { $0.severity == .error } }
  package var errors: [ConfigFinding] { findings.filter { $0.severity == .error } }
  package var warnings: [ConfigFinding] { findings.filter { $0.severity == .warning } }

  /// How many findings are kept; a file made to produce more is wrong in any case.
  package static let limit = 1_000

  package func add(_ finding: ConfigFinding) {
    if findings.count < ConfigReport.limit { findings.append(finding) }
  }
  package func add(_ more: [ConfigFinding]) {
    for finding in more { add(finding) }
  }
  package func error(_ reason: Reason, at mark: SourceMark?, _ message: String, remedy: String) {
    add(ConfigFinding(.error, reason, at: mark, message, remedy: remedy))
  }
  package func warning(_ reason: Reason, at mark: SourceMark?, _ message: String, remedy: String) {
    add(ConfigFinding(.warning, reason, at: mark, message, remedy: remedy))
  }
}
