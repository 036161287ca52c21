// Work that the host asks for and that ends with exactly one done(op): sends, commands, tool calls, secrets.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

extension Instance {
  /// Runs async work for an operation and reports how it ended. The task goes into `table` while it runs, so that cancel
  /// finds it.
  func answer(_ op: nexo_op, in table: Operations, _ body: @escaping @Sendable () async throws -> [UInt8])
    -> nexo_status
  {
    let task = spawn {
      do { self.done(op, NEXO_OK.status, try await body()) } catch { self.failed(op, error) }
      table.remove(op)
    }
    table.add(op, task)
    return NEXO_PENDING.status
  }

  /// Runs work that does not await, here and now.
  func answer(_ op: nexo_op, _ body: () throws -> [UInt8]) -> nexo_status {
    do { done(op, NEXO_OK.status, try body()) } catch { failed(op, error) }
    return NEXO_PENDING.status
  }

  private func failed(_ op: nexo_op, _ error: any Error) {
    let error = PluginError(error)
    done(op, error.code.status, Array(error.text.utf8))
  }

  private func done(_ op: nexo_op, _ status: nexo_status, _ result: [UInt8]) {
    // A late answer to a cancelled operation is no failure: the host says GONE, and that is all.
    guard let table = try? services.op else { return }
    _ = lend(result) { table.pointee.done(services.host, op, status, $0) }
  }
}

/// The tasks of operations under way, so that the host's wish to cancel one reaches it.
final class Operations: Sendable {
  private struct State {
    var tasks: [nexo_op: Task<Void, Never>] = [:]
    /// Ended before they were added: the task may be faster than its creator.
    var early: Set<nexo_op> = []
  }
  private let state = Mutex(State())

  func add(_ op: nexo_op, _ task: Task<Void, Never>) {
    state.withLock { state in if state.early.remove(op) == nil { state.tasks[op] = task } }
  }
  func remove(_ op: nexo_op) {
    state.withLock { state in if state.tasks.removeValue(forKey: op) == nil { state.early.insert(op) } }
  }
  func cancel(_ op: nexo_op) { state.withLock { $0.tasks[op] }?.cancel() }
}
