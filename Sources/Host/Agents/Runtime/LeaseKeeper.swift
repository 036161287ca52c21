// Keeps the leases of messages that are worked on: renews those that grow old, and cancels the work of one that was lost.
// Used by AgentRuntime for turns and deliveries. One task looks after all of them: a timer for each message would outlive
// most messages by minutes.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostLinux
internal import HostResilience
internal import Synchronization

/// The leases that are held now.
final class LeaseKeeper: Sendable {
  /// A message may be held twice for a moment: by work that lost it and by work that got it since.
  private struct Key: Hashable {
    let id: String
    let delivery: Int
  }
  private struct Held {
    let lease: LedgerLease
    /// Monotonic nanoseconds.
    var renewAt: UInt64
    /// Raised when somebody else holds the message by now.
    let lost: Signal
  }
  private let ledger: Ledger
  private let held = Mutex<[Key: Held]>([:])

  /// A lease is renewed after a third of its time: two renewals may fail before it ends.
  private var renewAfter: Duration { ledger.policy.lease / 3 }

  init(_ ledger: Ledger) { self.ledger = ledger }

  /// Runs `body` and keeps its lease meanwhile; a lost lease cancels it.
  func keeping<Value: Sendable>(_ lease: LedgerLease, _ body: @escaping @Sendable () async -> Value) async -> Value {
    let key = Key(id: lease.id, delivery: lease.delivery)
    let lost = Signal()
    let entry = Held(lease: lease, renewAt: Clock.monotonic() + renewAfter.nanoseconds, lost: lost)
    held.withLock { $0[key] = entry }
    defer { _ = held.withLock { $0.removeValue(forKey: key) } }
    return await watched({ await lost.wait(past: 0) }, body)
  }

  /// Renews until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: renewAfter / 4) } catch { return }
      let now = Clock.monotonic()
      for (key, entry) in held.withLock({ held in held.filter { $0.value.renewAt <= now } }) {
        await renew(key, entry)
      }
    }
  }

  private func renew(_ key: Key, _ entry: Held) async {
    do throws(LedgerError) {
      try await ledger.renew(entry.lease)
      let next = Clock.monotonic() + renewAfter.nanoseconds
      held.withLock { $0[key]?.renewAt = next }
    } catch {
      // Anything else may pass; it is tried again at the next look.
      if case .leaseLost = error { entry.lost.raise() }
    }
  }
}
