// The one thread that works on a state file, so that no caller ever blocks on the disk, and so that all who write
// at the same time share one synced transaction (group commit).
// Used by the ledger and by the pairing store. Opens the file by itself, and again after a fault.
//
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
package import HostLinux
internal import Synchronization

/// A database behind a thread of its own.
///
/// While one transaction is being synced, other callers queue; they make up the next one. So with one caller a write
/// costs a sync, with a hundred it costs a hundredth of one, and nobody waits for a timer.
package final class StoreWriter: Sendable {
  /// Writes that share one transaction: bounds how long the first waits for the last.
  package static let batchLimit = 512

  package let path: String
  private let state: Mutex<State>
  private let wake = DispatchSemaphore(value: 0)
  private let open: @Sendable () throws(StoreError) -> Database
  /// Of a transaction that somebody waits to be on disk.
  private let durability: DatabaseOptions.Durability
  private let capacity: Int

  private struct State: Sendable {
    var jobs: [Job] = []
    var isClosed = false
    var whenClosed: [CheckedContinuation<Void, Never>] = []
    var hasEnded = false
  }

  /// A piece of work. `run` is called on the thread; `finish` once its transaction is committed, or has failed.
  private struct Job: Sendable {
    enum Kind: Sendable { case read, write, writeUnsynced }
    let kind: Kind
    let run: @Sendable (Database) throws(StoreError) -> Void
    let finish: @Sendable (StoreError?) -> Void
  }

  /// Starts the thread; the file is opened by the first piece of work.
  ///
  /// - Parameter capacity: waiting pieces of work; more are refused as `.overloaded`.
  package init(
    _ path: String, _ options: DatabaseOptions = DatabaseOptions(), migrations: [Migration], capacity: Int = 10_000
  ) throws(SystemError) {
    self.path = path
    self.capacity = capacity
    durability = options.durability
    state = Mutex(State())
    open = { () throws(StoreError) in try Database(path, options, migrations: migrations) }
    try Thread.start("store", stack: 1 << 20) { [self] in serve() }
  }

  /// Runs `body` inside a transaction, shared with whatever else waits, and returns once it is on disk.
  ///
  /// When `body` throws, only what it did is undone. It may not begin or end transactions itself.
  ///
  /// - Parameter isSynced: false: it need not survive a power cut, only the end of this process, so it waits for no sync
  ///   of its own. It is never on disk without everything that was written before it.
  package func write<Value: Sendable>(
    isSynced: Bool = true, _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    try await perform(isSynced ? .write : .writeUnsynced, body)
  }

  /// Runs `body` outside of a transaction: for reading.
  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    try await perform(.read, body)
  }

  /// Refuses new work, finishes what waits, closes the file, and returns when that is done. May be called twice.
  package func close() async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        state.isClosed = true
        if !state.hasEnded { state.whenClosed.append(continuation) }
        return state.hasEnded
      }
      if hasEnded { continuation.resume() } else { wake.signal() }
    }
  }

  /// Pieces of work that wait now.
  package var waiting: Int { state.withLock { $0.jobs.count } }

  private func perform<Value: Sendable>(
    _ kind: Job.Kind, _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
      let slot = Slot<Value>()
      let job = Job(
        kind: kind,
        run: { (database) throws(StoreError) in
          let value = try body(database)
          slot.value.withLock { $0 = value }
        },
        finish: { error in
          if let value = slot.value.withLock({ $0 }), error == nil {
            continuation.resume(returning: .success(value))
          } else {
            continuation.resume(
              returning: .failure(error ?? StoreError(.misuse, path: self.path, "work ended without a result")))
          }
        })
      let refusal: StoreError? = state.withLock { state in
        if state.isClosed { return StoreError(.unavailable, path: path, "closed") }
        if state.jobs.count >= capacity {
          return StoreError(.overloaded, path: path, "\(capacity) pieces of work wait")
        }
        state.jobs.append(job)
        return nil
      }
      if let refusal { job.finish(refusal) } else { wake.signal() }
    }
    return try result.get()
  }

  /// A result on its way from `run` to `finish`, both on the thread.
  private final class Slot<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }

  // MARK: The thread

  private func serve() {
    var database: Database?
    while true {
      let (jobs, isClosed) = state.withLock { state in
        let batch = Array(state.jobs.prefix(StoreWriter.batchLimit))
        state.jobs.removeFirst(batch.count)
        return (batch, state.isClosed)
      }
      if !jobs.isEmpty {
        work(jobs, &database)
      } else if isClosed {
        break
      } else {
        wake.wait()
      }
    }
    database = nil
    let waiters = state.withLock { state in
      state.hasEnded = true
      defer { state.whenClosed = [] }
      return state.whenClosed
    }
    for waiter in waiters { waiter.resume() }
  }

  private func work(_ jobs: [Job], _ database: inout Database?) {
    do throws(StoreError) {
      if database == nil { database = try open() }
    } catch {
      for job in jobs { job.finish(error) }
      return
    }
    guard let current = database else { return }
    var mustReopen = false
    // Reads go first, each by itself: they see what is committed and wait for no sync.
    for job in jobs where job.kind == .read {
      do throws(StoreError) {
        try job.run(current)
        job.finish(nil)
      } catch {
        mustReopen = mustReopen || error.needsReopening
        job.finish(error)
      }
    }
    if let error = commit(jobs.filter { $0.kind != .read }, current) { mustReopen = mustReopen || error.needsReopening }
    if mustReopen { database = nil }
  }

  /// Runs writes in one transaction, each in a savepoint of its own where there are several.
  ///
  /// - Returns: the error that ended the transaction, if one did.
  private func commit(_ jobs: [Job], _ database: Database) -> StoreError? {
    guard !jobs.isEmpty else { return nil }
    var done: [Job] = []
    do throws(StoreError) {
      try database.setDurability(jobs.contains { $0.kind == .write } ? durability : .normal)
      try database.run("BEGIN IMMEDIATE")
    } catch {
      for job in jobs { job.finish(error) }
      return error
    }
    let isShared = jobs.count > 1
    for (index, job) in jobs.enumerated() {
      do throws(StoreError) {
        if isShared { try database.run("SAVEPOINT job") }
        try job.run(database)
        if isShared { try database.run("RELEASE job") }
        done.append(job)
      } catch {
        // A full disk may have ended the whole transaction; then nobody's work is kept.
        guard isShared, database.isInTransaction, undo(database) else {
          if database.isInTransaction { try? database.run("ROLLBACK") }
          for job in done + jobs[index...] { job.finish(error) }
          return error
        }
        job.finish(error)
      }
    }
    do throws(StoreError) {
      try database.run("COMMIT")
    } catch {
      if database.isInTransaction { try? database.run("ROLLBACK") }
      for job in done { job.finish(error) }
      return error
    }
    for job in done { job.finish(nil) }
    return nil
  }

  private func undo(_ database: Database) -> Bool {
    do throws(StoreError) {
      try database.run("ROLLBACK TO job")
      try database.run("RELEASE job")
      return true
    } catch { return false }
  }
}
