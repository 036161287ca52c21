// Runs code that may never return on a thread of its own, and waits only so long.
// Called by the lifecycle, which itself runs on a thread that may block. A call that overruns keeps its thread for ever:
// threads cannot be ended from outside without breaking the process.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import HostLinux

/// Bounded waiting for unbounded code.
enum ControlThread {
  private enum Progress<Value: Sendable>: Sendable {
    case running
    case returned(Value)
    case abandoned
  }

  /// How the wait ended.
  enum Outcome<Value: Sendable>: Sendable {
    case returned(Value)
    case overran
    case noThread(SystemError)
  }

  /// Ours: what the main thread of a process gets (RLIMIT_STACK's usual 8 MiB).
  private static let stack = 8 << 20

  /// Runs `body` on a new thread.
  ///
  /// - Parameters:
  ///   - deadline: of `Clock.monotonic()`.
  ///   - late: called on the abandoned thread if `body` returns after all.
  static func call<Value: Sendable>(
    _ name: String, until deadline: UInt64, late: @escaping @Sendable () -> Void = {},
    _ body: @escaping @Sendable () -> Value
  ) -> Outcome<Value> {
    let progress = Monitor(Progress<Value>.running)
    do throws(SystemError) {
      try Thread.start(name, stack: stack) {
        ncr_prepare_thread()
        let value = body()
        let isLate = progress.change { progress in
          if case .abandoned = progress { return true }
          progress = .returned(value)
          return false
        }
        if isLate { late() }
      }
    } catch {
      return .noThread(error)
    }
    let value = progress.wait(until: deadline) { progress -> Value? in
      if case .returned(let value) = progress { value } else { nil }
    }
    if let value { return .returned(value) }
    return progress.change { progress in
      if case .returned(let value) = progress { return .returned(value) }
      progress = .abandoned
      return .overran
    }
  }
}
