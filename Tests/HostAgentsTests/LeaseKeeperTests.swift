// Leases of work that takes longer than they last.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostLinux
import TestSupport
import Testing

@testable import HostAgents

@Suite("Lease keeper", .timeLimit(.minutes(1)))
struct LeaseKeeperTests {
  @Test func `a turn that takes longer than two leases keeps its message, and is asked for once`() async throws {
    var policy = LedgerPolicy()
    policy.lease = .seconds(2)
    let site = try AgentSite(policy: policy)
    try await site.run { site in
      #expect(await site.ask("/wait 5000") == "echo: /wait 5000")
      #expect(site.lines("llm_requests_total").filter { $0.hasSuffix(" 1") }.count == 1)
    }
    #expect(site.channels.delivered.count == 1)
  }

  @Test func `work whose lease went to somebody else is cancelled`() async throws {
    let folder = try TemporaryFolder("keeper")
    var policy = LedgerPolicy()
    policy.lease = .milliseconds(600)
    let ledger = try Ledger(folder.file("ledger.sqlite"), policy: policy)
    try await ledger.start()
    _ = try await ledger.accept(
      LedgerMessage(queue: "q", topic: "t", source: "s", session: "c", key: "k", payload: [1]))
    let lease = try #require(await ledger.next(queue: "q")?.first)
    let keeper = LeaseKeeper(ledger)
    try await withThrowingTaskGroup(of: Bool?.self) { group in
      group.addTask {
        await keeper.run()
        return nil
      }
      group.addTask {
        await keeper.keeping(lease) {
          try? await Task.sleep(for: .seconds(50))
          return Task.isCancelled
        }
      }
      try await ledger.answer(lease)
      while let wasCancelled = try await group.next() {
        if let wasCancelled {
          #expect(wasCancelled)
          group.cancelAll()
        }
      }
    }
    await ledger.close()
  }
}
