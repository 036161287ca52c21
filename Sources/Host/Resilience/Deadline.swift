// Ends a piece of asynchronous work at a moment of the monotonic clock, or at the word of something that watches it.
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
  await watched(
    {
      let now = Clock.monotonic()
      if deadline > now { try? await Task.sleep(for: .nanoseconds(deadline - now), clock: .continuous) }
    }, body)
}

/// Runs `body` beside `watch`: whichever ends first cancels the other.
///
/// - Parameter watch: waits for what should end the work; its own end is all that it says.
/// - Returns: what `body` returns, also when it returns because it was cancelled.
package func watched<Value: Sendable>(
  _ watch: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable () async -> Value
) async -> Value {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await body() }
    group.addTask {
      await watch()
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
