// The pump between ledger and work, at the moments when it is stopped.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostStore
import Synchronization
import TestSupport
import Testing

@testable import HostAgents
@testable import HostBroker

@Suite("Lease pump", .timeLimit(.minutes(1)))
struct LeasePumpTests {
  @Test func `a stopped pump is not idle while a claim is on its way to the disk, and works on what it claimed`()
    async throws
  {
    let folder = try TemporaryFolder("pump")
    let ledger = try Ledger(folder.file("ledger.sqlite"))
    try await ledger.start()
    _ = try await ledger.accept(
      LedgerMessage(queue: "q", topic: "t", source: "s", session: "c", key: "k", payload: [1]))
    let worked = Mutex<[String]>([])
    let pump = LeasePump(ledger, queue: "q", limit: 4) { lease in
      try? await ledger.answer(lease)
      worked.withLock { $0.append(lease.key) }
    }
    let gate = DispatchGate()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await ledger.store.write { _ in gate.waitUntilOpen() } }
      await gate.entered()
      group.addTask { await pump.run() }
      // The claim waits behind the write that the gate holds.
      while ledger.store.waiting == 0 { await Task.yield() }
      pump.stop()
      #expect(await pump.isIdle(by: Clock.monotonic()) == false)
      gate.open()
      #expect(await pump.isIdle(by: Clock.monotonic() + 60_000_000_000))
      #expect(worked.withLock { $0 } == ["k"])
      try await group.waitForAll()
    }
    #expect(try await ledger.counts().first?.answered == 1)
    await ledger.close()
  }
}
