// The catalogue of reason codes: every non-ok state anywhere names one, and `agent explain CODE` prints it.
// Each area lists its own in Reasons+<Area>.swift; this file only defines what one is and gathers them.
// Does not decide when a reason applies: that is the code that returns it.
//
// SPDX-License-Identifier: Apache-2.0

/// Why something is not ok: a stable dotted code with what an operator needs to act on it.
///
/// The same code appears in the CLI, in `/ready?verbose`, in the admin console, in logs and in metrics.
/// Codes are never renamed once released; two reasons are equal when their codes are.
package struct Reason: Sendable, Hashable, CustomStringConvertible {
  /// Lower-case words separated by dots and underscores, area first: `elf.missing_needed`.
  package let code: String
  /// What went wrong, in one or two sentences without variables.
  package let cause: String
  /// Where to look to see it for oneself: a command, a file, a metric.
  package let evidence: String
  /// What to do about it.
  package let remedy: String

  package init(_ code: String, cause: String, evidence: String, remedy: String) {
    self.code = code
    self.cause = cause
    self.evidence = evidence
    self.remedy = remedy
  }

  package var description: String { code }
  package static func == (left: Reason, right: Reason) -> Bool { left.code == right.code }
  package func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension Reason {
  /// Every reason of every area, sorted by code.
  package static let all: [Reason] = areas.flatMap { $0 }.sorted { $0.code < $1.code }

  /// The areas' lists; a new area adds its array here.
  private static var areas: [[Reason]] {
    [
      access,
      admin,
      agents,
      broker,
      config,
      credentials,
      delivery,
      extensions,
      host,
      http,
      loading,
      metrics,
      pairing,
      store,
      supervisor,
    ]
  }

  /// The reason with this code, or nil.
  package static func named(_ code: String) -> Reason? { byCode[code] }

  private static let byCode = Dictionary(all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
}
