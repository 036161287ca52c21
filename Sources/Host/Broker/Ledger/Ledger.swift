// The durable ledger: every message that the host took on, until it is answered, expired or a dead letter.
// Channels accept into it, the agent runtime leases from it, `run()` keeps it clean. Works on a thread of its own.
// What a message means, and who answers it, is not known here.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux
internal import HostLog
internal import HostMetrics
package import HostReasons
internal import HostResilience
package import HostStore
internal import Synchronization

/// Accepts messages durably and hands them out in order per session, at least once each.
///
/// Delivery is at-least-once: a message is handed out again after a failure, a lost lease, or a crash between the work
/// and its ``answer(_:emitting:)``. What must not happen twice goes into `emitting`, which is stored in the same
/// transaction, or uses ``LedgerLease/key`` as its own idempotency key.
package final class Ledger: Sendable {
  /// In the state folder.
  package static let fileName = "ledger.sqlite"

  package let path: String
  package let policy: LedgerPolicy
  let store: StoreWriter
  let metrics: BrokerMetrics?
  let clock: @Sendable () -> UInt64
  let state = Mutex(LedgerStatus.starting)
  /// While the store fails, the moment (monotonic) from which one caller may try it again.
  let retryAt = Atomic<UInt64>(0)
  /// Whether the leases of the process before have been taken back; nothing is leased before.
  let hasRecovered = Atomic(false)
  /// Wakes who waits for messages.
  let work = LedgerWork()
  let lastError = Mutex<StoreError?>(nil)
  private let cachedCounts = Mutex<[LedgerCounts]>([])
  let log = Log("ledger")

  /// How long after a failure of the store the next write may try it: long enough not to hammer a sick disk, short
  /// enough that nobody calls it an outage.
  static let probeInterval: Duration = .seconds(1)

  /// Starts the store's thread; nothing is opened yet.
  ///
  /// - Parameters:
  ///   - path: `<state>/ledger.sqlite`. One host per file: the state directory's lock sees to that.
  ///   - clock: the wall clock, nanoseconds since the epoch; lives and leases survive a restart.
  package init(
    _ path: String, policy: LedgerPolicy = LedgerPolicy(), store options: DatabaseOptions = DatabaseOptions(),
    metrics: BrokerMetrics? = nil, clock: @escaping @Sendable () -> UInt64 = { Clock.wall() }
  ) throws(SystemError) {
    self.path = path
    self.policy = policy
    self.metrics = metrics
    self.clock = clock
    store = try StoreWriter(path, options, migrations: LedgerSchema.migrations)
  }

  /// Opens the store and takes back what the process before this one had leased. Call once, before anything else.
  ///
  /// - Throws: when the store does not work now; ``run()`` goes on trying, and status and readiness say so.
  package func start() async throws(LedgerError) {
    let swept = try await write { (books) throws(StoreError) in
      var random = SystemRandomNumberGenerator()
      return try books.recover(using: &random)
    }
    note(swept)
    if swept.reclaimed + swept.deadTopics.count > 0 {
      log.info("messages of the process before are delivered again", ["messages": "\(swept.reclaimed)"])
    }
    hasRecovered.store(true, ordering: .releasing)
    change(to: .ready)
    work.raiseAll()
  }

  /// Keeps the ledger clean until the task is cancelled: expiry, lost leases, pruning, and recovery of the store.
  package func run() async {
    for round in 1... {
      if Task.isCancelled || status == .closed { return }
      var pause: Duration = .seconds(1)
      do throws(LedgerError) {
        if !hasRecovered.load(ordering: .acquiring) { try await start() }
        if status != .ready { try await probe() }
        let swept = try await write { (books) throws(StoreError) in
          var random = SystemRandomNumberGenerator()
          return try books.sweep(using: &random)
        }
        note(swept)
        let counts = try await counts()
        cachedCounts.withLock { $0 = counts }
        // Now and then without a cause: it costs nothing and forgives a clock that was set.
        if swept.reclaimed + swept.expiredTopics.count > 0 || round.isMultiple(of: 30) { work.raiseAll() }
        if swept.hasMore { pause = .milliseconds(10) }
      } catch {
        // The status says what is wrong; the next round tries again.
      }
      try? await Task.sleep(for: pause)
    }
  }

  package var status: LedgerStatus { state.withLock { $0 } }

  // MARK: Taking messages

  /// Stores a message; when this returns, it is on disk and may be acknowledged.
  ///
  /// - Throws: ``LedgerError/isTransient`` tells whether the sender should keep the message and try again.
  package func accept(_ message: LedgerMessage) async throws(LedgerError) -> Acceptance {
    try Ledger.check(message, policy)
    let result = try await write { (books) throws(StoreError) in try books.accept(message) }
    switch result {
    case .success(let acceptance):
      if case .accepted = acceptance {
        metrics?.published(message.topic)
        work.raise(message.queue)
      }
      return acceptance
    case .failure(.backlogFull):
      metrics?.dropped(message.topic, .queueFull)
      throw .backlogFull(queue: message.queue)
    }
  }

  // MARK: Working messages off

  /// Waits until at least one message of the queue can be leased and leases up to `limit`, each of another session.
  ///
  /// Several tasks may call it at the same time. Troubles of the store are waited out here.
  /// - Returns: nil once the task is cancelled or the ledger closed.
  package func next(queue: String, limit: Int = 1) async -> [LedgerLease]? {
    while !Task.isCancelled, status != .closed {
      let seen = work.count(of: queue)
      if let rest = work.rest(of: queue, seen: seen, now: clock()) {
        await work.wait(queue, past: seen, rest)
      } else if hasRecovered.load(ordering: .acquiring),
        let (leases, rest) = try? await claim(queue: queue, limit: limit)
      {
        if let rest { work.note(queue, seen: seen, rest) }
        if !leases.isEmpty { return leases }
      } else {
        await work.wait(
          queue, past: seen, .until(clock() + Ledger.probeInterval.nanoseconds, after: Ledger.probeInterval))
      }
    }
    return nil
  }

  /// Leases what can be leased now, at most `limit`, without waiting.
  package func poll(queue: String, limit: Int = 1) async throws(LedgerError) -> [LedgerLease] {
    guard hasRecovered.load(ordering: .acquiring) else { return [] }
    return try await claim(queue: queue, limit: limit).leases
  }

  /// - Returns: the leases, and until when there is nothing more to lease unless something changes; nil when there may be
  ///   more now.
  private func claim(
    queue: String, limit: Int
  ) async throws(LedgerError) -> (leases: [LedgerLease], rest: LedgerWork.Rest?) {
    let limit = max(limit, 1)
    // Nobody is promised a lease. Without it after a power cut the message waits to be delivered, as it would anyway; and
    // the end of this process, which recovery counts against the message, cannot undo it.
    let (leases, rest) = try await write(isSynced: false) {
      (books) throws(StoreError) -> ([LedgerLease], LedgerWork.Rest?) in
      let leases = try books.claim(queue: queue, limit: limit)
      if leases.count == limit { return (leases, nil) }
      guard let due = try books.nextDue(queue: queue) else { return (leases, .untilChanged) }
      return (leases, .until(due, after: .nanoseconds(due > books.now ? due - books.now : 1_000_000)))
    }
    for lease in leases { metrics?.delivered(lease.topic) }
    return (leases, rest)
  }

  /// Ends a message as answered, and accepts what it gave rise to in the same transaction.
  ///
  /// - Parameter emitting: such as the replies on their way out, each with a key made from ``LedgerLease/key``.
  package func answer(_ lease: LedgerLease, emitting: [LedgerMessage] = []) async throws(LedgerError) {
    for message in emitting { try Ledger.check(message, policy) }
    let held = try await settle(lease) { (books) throws(StoreError) in try books.answer(lease, emitting: emitting) }
    guard let hasNext = held else { throw .leaseLost(id: lease.id) }
    for message in emitting { metrics?.published(message.topic) }
    if hasNext { work.raise(lease.queue) }
    for queue in Set(emitting.map(\.queue)) { work.raise(queue) }
  }

  /// Reports that a delivery failed.
  ///
  /// - Returns: whether it will be tried again.
  @discardableResult
  package func fail(_ lease: LedgerLease, _ failure: LedgerFailure) async throws(LedgerError) -> LedgerFate {
    let fate = try await settle(lease) { (books) throws(StoreError) in
      var random = SystemRandomNumberGenerator()
      return try books.fail(lease, failure, using: &random)
    }
    guard let fate else { throw .leaseLost(id: lease.id) }
    if case .deadLettered(let failureClass) = fate {
      metrics?.deadLettered(lease.topic)
      log.warning(
        "message given up",
        [
          "message.id": lease.id, "topic": lease.topic, "class": failureClass.rawValue, "reason": failure.reason.code,
          "deliveries": "\(lease.delivery)",
        ])
    }
    work.raise(lease.queue)
    return fate
  }

  /// Gives a message back untried; it is delivered again at once, here or after a restart.
  package func release(_ lease: LedgerLease) async throws(LedgerError) {
    guard try await write(isSynced: false, { (books) throws(StoreError) in try books.release(lease) }) else {
      throw .leaseLost(id: lease.id)
    }
    work.raise(lease.queue)
  }

  /// Holds a message for another ``LedgerPolicy/lease``. A long turn calls it well before the lease ends.
  package func renew(_ lease: LedgerLease) async throws(LedgerError) {
    guard try await write(isSynced: false, { (books) throws(StoreError) in try books.renew(lease) }) else {
      throw .leaseLost(id: lease.id)
    }
  }

  /// Makes messages due at once that wait because nobody was there to work on them: somebody is now.
  ///
  /// - Parameter reason: of the failure that they wait after.
  package func hurry(queue: String, _ reason: Reason) async throws(LedgerError) {
    let count = try await write(isSynced: false) { (books) throws(StoreError) in try books.hurry(queue, reason) }
    if count > 0 { work.raise(queue) }
  }

  // MARK: Looking

  /// The books of every queue.
  package func counts() async throws(LedgerError) -> [LedgerCounts] {
    try await read { (database) throws(StoreError) in try LedgerBooks.counts(database) }
  }

  /// The books as ``run()`` last saw them, about a second ago: for scrapes, which must not wait.
  package var lastCounts: [LedgerCounts] { cachedCounts.withLock { $0 } }

  /// Audits the store as it is now. Reads all of it: for commands and tests.
  package func verify(deep: Bool = true) async throws(LedgerError) -> LedgerAudit {
    try await read { (database) throws(StoreError) in try LedgerAudit.run(database, deep: deep) }
  }

  package func deadLetters(limit: Int = 1_000) async throws(LedgerError) -> [DeadLetter] {
    try await read { (database) throws(StoreError) in try DeadLetters.list(database, limit: limit) }
  }

  package func deadLetter(_ id: String) async throws(LedgerError) -> DeadLetter? {
    try await read { (database) throws(StoreError) in try DeadLetters.find(id, database) }
  }

  /// Puts a dead letter back into its queue; see ``DeadLetters/replay(_:_:life:now:)``.
  package func replay(_ id: String) async throws(LedgerError) {
    let policy = policy
    let found = try await write { (books) throws(StoreError) in
      try DeadLetters.replay(id, books.database, life: policy.life, now: books.now)
    }
    guard found else { throw .unknownDeadLetter(id: id) }
    work.raiseAll()
  }

  /// Deletes all dead letters.
  ///
  /// - Returns: how many there were.
  package func purge() async throws(LedgerError) -> Int {
    try await write { (books) throws(StoreError) in try DeadLetters.purge(books.database) }
  }

  /// Refuses new work, finishes what waits, and closes the file. Leases that are out are taken back by the next start.
  package func close() async {
    change(to: .closed)
    work.raiseAll()
    await store.close()
  }
}
