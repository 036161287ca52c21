// The pairing store, `<state>/pairing.db`: opened by the host and, where none runs, by commands; both at once are safe,
// because every change is one SQLite transaction.
// Remembers the last fault for `/ready?verbose`. What the tables mean is in PairingStore+Requests and +Sessions.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux
package import HostReasons
package import HostStore
internal import Synchronization

/// The store, behind a thread of its own.
package final class PairingStore: Sendable {
  /// Device and inode: a file that was removed under a running host is not silently made anew, or every approval would
  /// be forgotten without a word.
  private struct Identity: Equatable {
    let device: UInt64
    let inode: UInt64
  }
  private struct State {
    var identity: Identity?
    /// Of reading and of writing: a full disk can still be read.
    var faults: [Bool: Fault] = [:]
  }
  private struct Fault {
    let error: StoreError
    let since: UInt64
  }
  package let path: String
  private let writer: StoreWriter
  private let state = Mutex(State())

  /// `<state>/pairing.db`.
  package static func path(inState folder: String) -> String { Path.join(folder, "pairing.db") }

  /// Starts the store's thread; the file is opened, or made, by the first piece of work.
  package init(_ path: String, _ options: DatabaseOptions = DatabaseOptions()) throws(SystemError) {
    self.path = path
    writer = try StoreWriter(path, options, migrations: PairingSchema.migrations)
  }

  /// Why the last piece of work that read, or that wrote, failed, if one did, and since when.
  package var fault: (reason: Reason, since: UInt64)? {
    state.withLock { state in (state.faults[true] ?? state.faults[false]).map { ($0.error.reason, $0.since) } }
  }

  /// Writes something and takes it back, so that a fault of writing is forgotten once it has passed.
  package func tryWriting() async {
    guard state.withLock({ $0.faults[true] != nil }) else { return }
    try? await write { (database) throws(StoreError) in
      try database.run("INSERT OR REPLACE INTO pairing_spent VALUES ('', 0)")
      try database.run("DELETE FROM pairing_spent WHERE nonce = ''")
    }
  }

  /// Runs `body` in a transaction and returns once it is on disk.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(PairingError) -> Value {
    try await watched(isWrite: true) { () async throws(StoreError) in try await self.writer.write(body) }
  }

  /// Runs `body` for reading.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
  ) async throws(PairingError) -> Value {
    try await watched(isWrite: false) { () async throws(StoreError) in try await self.writer.read(body) }
  }

  /// Finishes what waits and closes the file.
  package func close() async { await writer.close() }

  private func watched<Value: Sendable>(
    isWrite: Bool, _ work: () async throws(StoreError) -> Value
  ) async throws(PairingError) -> Value {
    do throws(StoreError) {
      try checkIdentity()
      let value = try await work()
      state.withLock { state in
        state.faults[isWrite] = nil
        if state.identity == nil { state.identity = PairingStore.identity(of: path) }
      }
      return value
    } catch {
      state.withLock { $0.faults[isWrite] = Fault(error: error, since: $0.faults[isWrite]?.since ?? Clock.wall()) }
      throw .store(error)
    }
  }

  private func checkIdentity() throws(StoreError) {
    guard let known = state.withLock({ $0.identity }) else { return }
    guard PairingStore.identity(of: path) == known else {
      throw StoreError(.unavailable, path: path, "the file was removed or exchanged while the host runs")
    }
  }

  private static func identity(of path: String) -> Identity? {
    (try? FileStatus.of(path)).map { Identity(device: $0.device, inode: $0.inode) }
  }

  /// Whole seconds since the epoch.
  static func seconds(_ wall: UInt64) -> Int64 { Int64(wall / 1_000_000_000) }
}
