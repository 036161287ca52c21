// Ends a piece of asynchronous work at a moment of the monotonic clock.
// Used wherever a wait has no deadline of its own. The work must notice cancellation; what does not, holds its caller.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// Runs `body` and cancels it at `deadline`.
///
/// - Parameter deadline: nanoseconds of ``Clock/monotonic()``; one that has passed cancels at once, after `body` began.
/// - Returns: what `body` returns, also when it returns because it was cancelled; whoever must tell looks at the clock.
package func withDeadline<Value: Sendable>(
  _ deadline: UInt64, _ body: @escaping @Sendable () async -> Value
) async -> Value {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await body() }
    group.addTask {
      let now = Clock.monotonic()
      if deadline > now { try? await Task.sleep(for: .nanoseconds(deadline - now), clock: .continuous) }
      return nil
    }
    var result: Value?
    while let next = await group.next() {
      // Whichever comes first ends the other; the body's value is waited for in any case.
      group.cancelAll()
      if let next { result = next }
    }
    // The body's child always yields a value before the group is empty.
    guard let result else { return await body() }
    return result
  }
}
