// What the gate in front of the channels makes of a refusal by credentials.
//
// SPDX-License-Identifier: Apache-2.0

import HostAgents
import HostBroker
import HostCredentials
import HostMetrics
import HostReasons
import Synchronization
import Testing

@testable import HostApp

@Suite("Credential gate")
struct CredentialGateTests {
  /// What was reported is transient; the channel says so.
  static let unavailable = DeliveryReport.failed(.transient(.deliveryUnavailable, "down"))

  @Test func `an open breaker costs a message no attempt, and one that is never let out is given up at once`()
    async throws
  {
    let now = Mutex<UInt64>(1_000_000_000)
    let accounts = ["a", "b"].map { CredentialAccount(AccountKey("chat", $0)) }
    let credentials = Credentials(
      MetricsRegistry(), live: { [LiveChannel("chat", accounts: accounts)] }, clock: { now.withLock { $0 } })
    var agent = CredentialAgent("ana")
    agent.inbound = [.init("*")]
    credentials.boot(CredentialSetup(agents: [agent]))
    credentials.booted()
    let gate = CredentialGate(credentials: credentials)
    for _ in 1...5 {
      guard case .granted(let grant) = await gate.admit(agent: "ana", channel: "chat", account: "a") else {
        Issue.record("not granted")
        return
      }
      grant.report(Self.unavailable)
    }
    // Longer than a ledger's five attempts: the message waits, at no cost, for as long as it lives.
    for _ in 1...20 {
      guard case .refused(let failure) = await gate.admit(agent: "ana", channel: "chat", account: "a") else {
        Issue.record("not refused")
        return
      }
      #expect(failure.reason == .credentialsBreakerOpen && failure.failureClass == .transient)
      #expect(!failure.usesAttempt && failure.retryAfter >= .seconds(2) && failure.retryAfter <= .seconds(10))
    }
    // Its sibling is not concerned.
    guard case .granted = await gate.admit(agent: "ana", channel: "chat", account: "b") else {
      Issue.record("the other account is refused")
      return
    }
    guard case .refused(let failure) = await gate.admit(agent: "ana", channel: "chat", account: "c") else {
      Issue.record("an account that is not there is granted")
      return
    }
    #expect(failure.failureClass == .permanent)
  }
}
