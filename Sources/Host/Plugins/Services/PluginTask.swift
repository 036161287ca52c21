// From an async call of the host to an operation of a plugin and back: admission, event thread, deadline, cancellation.
// Used by channels, tools and credential sources alike.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI
internal import Synchronization

/// Runs one operation of a plugin.
enum PluginTask {
  /// Resumes its continuation once; holds a result that came before there was a continuation.
  private final class Slot: Sendable {
    private enum State {
      case empty
      case waiting(CheckedContinuation<OperationResult, Never>)
      case result(OperationResult)
      case over
    }
    private let state = Mutex(State.empty)

    func resume(_ result: OperationResult) {
      let continuation = state.withLock { state -> CheckedContinuation<OperationResult, Never>? in
        switch state {
        case .empty: state = .result(result)
        case .waiting(let continuation):
          state = .over
          return continuation
        case .result, .over: break
        }
        return nil
      }
      continuation?.resume(returning: result)
    }

    func wait() async -> OperationResult {
      await withCheckedContinuation { continuation in
        let early = state.withLock { state -> OperationResult? in
          if case .result(let result) = state {
            state = .over
            return result
          }
          state = .waiting(continuation)
          return nil
        }
        if let early { continuation.resume(returning: early) }
      }
    }
  }

  /// Asks and waits for the end.
  ///
  /// - Parameters:
  ///   - timeout: until then; the result is then NEXO_E_TIMEOUT and the plugin is asked to cancel.
  ///   - cancel: tells the plugin that nobody waits any more; called on an event thread.
  ///   - start: calls the plugin's function, on an event thread, and gives its status.
  static func run(
    on instance: Instance, _ call: PluginCall, timeout: Duration, progress: (@Sendable (String) -> Void)? = nil,
    cancel: @escaping @Sendable (nexo_op) -> Void = { _ in }, start: @escaping @Sendable (nexo_op) -> nexo_status
  ) async -> OperationResult {
    guard instance.admission.enter() else { return OperationResult(NEXO_E_GONE, "the plugin is not running") }
    let slot = Slot()
    let deadline = Clock.monotonic() &+ timeout.nanoseconds
    let tellPlugin: @Sendable (nexo_op) -> Void = { id in _ = instance.events.submit { cancel(id) } }
    let operation = instance.operations.begin(deadline: deadline, progress: progress, expired: tellPlugin) { result in
      instance.admission.leave()
      slot.resume(result)
    }
    guard operation != 0 else {
      instance.admission.leave()
      return OperationResult(NEXO_E_LIMIT, "too many operations of this plugin are under way")
    }
    let isQueued = instance.events.submit {
      let status = instance.statusEvent(call) { start(operation) }
      // OK without PENDING: done on the spot, with nothing to say.
      if status != pending { instance.operations.end(operation, OperationResult(status: status)) }
    }
    if !isQueued { instance.operations.end(operation, OperationResult(NEXO_E_LIMIT, "the plugin's queue is full")) }
    return await withTaskCancellationHandler {
      await slot.wait()
    } onCancel: {
      let result = OperationResult(NEXO_E_TIMEOUT, "cancelled by the caller")
      if instance.operations.end(operation, result) { tellPlugin(operation) }
    }
  }
}
