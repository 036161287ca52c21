// What the validation finds: a kind of the closed set, what is wrong and where, and whom it keeps from working.
// Made by AccountFiles, the gauntlet and the resolver; counted, logged and printed by the host.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
package import HostMetrics
package import HostReasons

/// One finding.
package struct CredentialFinding: Sendable, Hashable {
  package let kind: ValidationKind
  package let finding: ConfigFinding
  /// The agent that must not work with it; nil: it is not one agent's.
  package var agent: String?
  /// The accounts that must not be used with it.
  package var accounts: [AccountKey] = []

  package init(
    _ kind: ValidationKind, _ finding: ConfigFinding, agent: String? = nil, accounts: [AccountKey] = []
  ) {
    self.kind = kind
    self.finding = finding
    self.agent = agent
    self.accounts = accounts
  }

  package var isError: Bool { finding.severity == .error }

  /// The fault without its remedy, which names what else there is and so changes when plugins declare more.
  var fault: String { "\(kind.rawValue) \(finding.mark.map { "\($0)" } ?? "") \(finding.message)" }
}

/// How much a finding matters.
package enum Strictness: Sendable, Hashable {
  case lenient, strict

  /// The severity of what is an error only for the strict.
  var warning: ConfigFinding.Severity { self == .strict ? .error : .warning }
}

extension ValidationKind {
  /// The reason that findings of this kind carry.
  package var reason: Reason {
    switch self {
    case .duplicatePath: .credentialsDuplicatePath
    case .prefixOverlap: .credentialsPrefixOverlap
    case .missingInstance: .credentialsMissingInstance
    case .ambiguousOutbound: .credentialsAmbiguous
    case .allowAgentsExcludes: .credentialsExcluded
    case .asymmetricBinding: .credentialsAsymmetric
    case .credentialIO: .credentialsFile
    case .insecurePermissions: .credentialsInsecure
    case .duplicateAccount: .credentialsDuplicateAccount
    case .unknownAgent: .credentialsUnknownAgent
    case .legacyInlineGoogleAuth: .credentialsInline
    case .other: .credentialsDoubtful
    }
  }
}
