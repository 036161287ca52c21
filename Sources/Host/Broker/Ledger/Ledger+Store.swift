// How the ledger reaches its store, and what it does when the store fails: refuse, say so, try again, recover.
// Called by the rest of Ledger only.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostReasons
internal import HostResilience
internal import HostStore
internal import Synchronization

extension Ledger {
  static func check(_ message: LedgerMessage, _ policy: LedgerPolicy) throws(LedgerError) {
    func check(_ name: String, _ text: String, _ lengths: ClosedRange<Int>) throws(LedgerError) {
      guard lengths.contains(text.utf8.count) else {
        throw .invalid(
          "\(name) has \(text.utf8.count) bytes, allowed are \(lengths.lowerBound) to \(lengths.upperBound)")
      }
    }
    try check("queue", message.queue, 1...64)
    try check("source", message.source, 0...256)
    try check("session", message.session, 1...512)
    try check("key", message.key, 1...512)
    guard Topic.isValid(message.topic) else { throw .invalid("the topic is not dotted words") }
    guard message.payload.count <= policy.payloadLimit else {
      throw .invalid("the payload has \(message.payload.count) bytes, allowed are \(policy.payloadLimit)")
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(LedgerError) -> Value {
    do throws(StoreError) { return try await store.read(body) } catch { throw .store(error) }
  }

  /// One step, in a transaction that is on disk when this returns. Refused at once while the store is known to fail.
  ///
  /// - Parameter isSynced: false: a step that may be undone by a power cut, and only by that.
  func write<Value: Sendable>(
    isSynced: Bool = true,
    _ body: @escaping @Sendable (LedgerBooks) throws(StoreError) -> Value
  ) async throws(LedgerError) -> Value {
    if case .refusing = status, !mayTry() {
      let error = lastError.withLock { $0 } ?? StoreError(.unavailable, path: path, "waiting to try again")
      throw .store(error)
    }
    let (policy, clock) = (policy, clock)
    do throws(StoreError) {
      let (value, hasWritten) = try await store.write(isSynced: isSynced) { (database) throws(StoreError) in
        let before = database.totalChanges
        return (
          try body(LedgerBooks(database: database, policy: policy, now: clock())), database.totalChanges > before
        )
      }
      // A transaction that changed nothing, or that nobody synced, proves nothing about the disk.
      if hasWritten, isSynced, case .refusing = status, hasRecovered.load(ordering: .acquiring) { change(to: .ready) }
      return value
    } catch {
      if error.kind != .constraint { failed(error) }
      throw .store(error)
    }
  }

  /// A result that must not be lost to a passing trouble: tried again until the lease ends.
  func settle<Value: Sendable>(
    _ lease: LedgerLease, _ body: @escaping @Sendable (LedgerBooks) throws(StoreError) -> Value
  ) async throws(LedgerError) -> Value {
    let backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
    var failures = 0
    while true {
      do throws(LedgerError) { return try await write(body) } catch {
        failures += 1
        guard error.isTransient, status != .closed, clock() < lease.expiresAt, !Task.isCancelled else { throw error }
        try? await Task.sleep(for: backoff.delay(after: failures))
      }
    }
  }

  /// One caller each interval finds out whether the store works again.
  func mayTry() -> Bool {
    let now = Clock.monotonic()
    let due = retryAt.load(ordering: .relaxed)
    guard now >= due else { return false }
    let next = now + Ledger.probeInterval.nanoseconds
    return retryAt.compareExchange(expected: due, desired: next, ordering: .relaxed).exchanged
  }

  func probe() async throws(LedgerError) {
    _ = try await write { (books) throws(StoreError) in
      try books.database.run(
        """
        INSERT INTO heartbeat (one, at, pad) VALUES (1, ?1, randomblob(16384))
        ON CONFLICT (one) DO UPDATE SET at = excluded.at, pad = excluded.pad
        """, SQLValue(books.now))
    }
  }

  func failed(_ error: StoreError) {
    retryAt.store(Clock.monotonic() + Ledger.probeInterval.nanoseconds, ordering: .relaxed)
    lastError.withLock { $0 = error }
    change(to: .refusing(error.reason))
  }

  func change(to next: LedgerStatus) {
    let before = state.withLock { status in
      let before = status
      if before != .closed { status = next }
      return before
    }
    if before == next || before == .closed { return }
    switch next {
    case .refusing(let reason):
      log.error("ledger refuses messages", ["reason": reason.code, "path": path])
    case .ready:
      if before != .starting { log.info("ledger takes messages again", ["path": path]) }
    case .starting, .closed: break
    }
  }

  func note(_ swept: LedgerBooks.Swept) {
    for topic in swept.expiredTopics { metrics?.dropped(topic, .expired) }
    for topic in swept.deadTopics { metrics?.deadLettered(topic) }
  }
}
