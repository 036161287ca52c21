// A configuration folder for tests of credentials: agents in values, accounts in real files, validated in one call.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostLinux
import HostMetrics
import TestSupport

@testable import HostCredentials

/// One validation of what a test wrote.
struct Bench {
  let folder: TemporaryFolder
  var agents: [CredentialAgent] = [Bench.agent("ana")]
  var strictness = Strictness.lenient
  var environment: [String: String] = [:]

  init() throws { folder = try TemporaryFolder("credentials") }

  /// An agent in line `line` of agents.yaml.
  static func agent(
    _ id: String, _ inbound: [CredentialAgent.Inbound] = [], credentials: [String: String] = [:],
    asymmetric: Set<String> = [], line: Int = 2
  ) -> CredentialAgent {
    let mark = SourceMark(file: "agents.yaml", line: line, column: 5)
    var agent = CredentialAgent(id, at: mark)
    agent.inbound = inbound
    agent.credentials = credentials.mapValues { MarkedName($0, at: mark) }
    agent.asymmetric = asymmetric
    return agent
  }

  func setup(announced: Set<String> = []) -> CredentialSetup {
    CredentialSetup.read(
      folder: folder.file("config"), environment: environment, agents: agents, announced: announced,
      strictness: strictness)
  }

  func check(announced: Set<String> = []) -> CredentialBook { Credentials.check(setup(announced: announced)) }

  /// `kind severity` of each finding.
  var found: [String] { check().findings.map { "\($0.kind.rawValue) \($0.finding.severity.rawValue)" } }
}
