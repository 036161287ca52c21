// Takes messages out of one queue of the ledger and works on them side by side, up to a number.
// Two run in AgentRuntime: turns (inbound) and deliveries (outbound).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostLinux
internal import HostResilience
internal import Synchronization

/// The work-off of one queue.
final class LeasePump: Sendable {
  private let ledger: Ledger
  private let queue: String
  private let limit: Int
  private let work: @Sendable (LedgerLease) async -> Void
  private let running = Atomic<Int>(0)
  /// No lease comes any more. Between a claim's commit and the count in `running` a message is held by nobody who shows.
  private let hasLeased = Atomic(false)
  /// Raised when a piece of work ended, and when the last lease came.
  private let ended = Signal()
  /// Raised once: no new leases.
  private let stopped = Signal()

  /// Messages leased in one transaction: one commit for many, without holding back the first.
  private static let batch = 32

  init(_ ledger: Ledger, queue: String, limit: Int, work: @escaping @Sendable (LedgerLease) async -> Void) {
    self.ledger = ledger
    self.queue = queue
    self.limit = limit
    self.work = work
  }

  /// Leases and works until ``stop()``, then finishes what runs. Cancelling the task cancels what runs too.
  func run() async {
    let (leases, feed) = AsyncStream.makeStream(of: LedgerLease.self)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        await watched({ [stopped] in await stopped.wait(past: 0) }, { await self.lease(into: feed) })
        hasLeased.store(true, ordering: .releasing)
        ended.raise()
        feed.finish()
      }
      group.addTask { [self] in
        await withDiscardingTaskGroup { turns in
          for await lease in leases {
            turns.addTask {
              await self.work(lease)
              self.running.subtract(1, ordering: .releasing)
              self.ended.raise()
            }
          }
        }
      }
    }
  }

  /// No new leases from now on.
  func stop() { stopped.raise() }

  /// After ``stop()``: waits until nothing runs and nothing more can come, so that what is left is in the ledger; false
  /// when the moment (monotonic) passed before.
  func isIdle(by deadline: UInt64) async -> Bool {
    while true {
      let seen = ended.count
      if hasLeased.load(ordering: .acquiring), running.load(ordering: .acquiring) == 0 { return true }
      if Clock.monotonic() >= deadline || Task.isCancelled { return false }
      await ended.wait(past: seen, until: deadline)
    }
  }

  /// Works off what can be leased now, after ``stop()``: replies of the last turns.
  func flush(by deadline: UInt64) async {
    while Clock.monotonic() < deadline, !Task.isCancelled {
      guard let leases = try? await ledger.poll(queue: queue, limit: limit), !leases.isEmpty else { return }
      await withDiscardingTaskGroup { group in
        for lease in leases { group.addTask { await self.work(lease) } }
      }
    }
  }

  private func lease(into feed: AsyncStream<LedgerLease>.Continuation) async {
    while !Task.isCancelled {
      let seen = ended.count
      let room = limit - running.load(ordering: .acquiring)
      guard room > 0 else {
        await ended.wait(past: seen)
        continue
      }
      guard let leases = await ledger.next(queue: queue, limit: min(room, LeasePump.batch)) else { return }
      running.add(leases.count, ordering: .acquiringAndReleasing)
      for lease in leases { feed.yield(lease) }
    }
  }
}
