// The exit codes of every command, from sysexits.h where it has one. `agent help exit-codes` prints this table.
//
// SPDX-License-Identifier: Apache-2.0

/// How a command ended.
package enum ExitCode: Int32, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  case usage = 2
  case problems = 3
  case notFound = 4
  case refused = 5
  case unavailable = 69
  case tryAgain = 75
  case configuration = 78

  /// What it means, for people.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "failed"
    case .usage: "wrong usage: an unknown command, flag or value"
    case .problems: "a check found problems"
    case .notFound: "what was named does not exist"
    case .refused: "refused: trust or permission"
    case .unavailable: "unavailable: nothing answers, or an address cannot be bound"
    case .tryAgain: "try again later: somebody else holds what is needed"
    case .configuration: "the configuration is wrong"
    }
  }
}
