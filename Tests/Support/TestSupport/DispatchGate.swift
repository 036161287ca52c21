// Holds a thread at a known point until a test lets it go on.
//
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// A gate that one blocking thread waits at; the test awaits its arrival.
package final class DispatchGate: Sendable {
  private let gate = DispatchSemaphore(value: 0)
  private let arrival = AsyncStream<Void>.makeStream()

  package init() {}

  /// Called on the thread to be held.
  package func waitUntilOpen() {
    arrival.continuation.yield()
    gate.wait()
  }

  /// Returns once the thread stands at the gate.
  package func entered() async {
    for await _ in arrival.stream { return }
  }

  /// Lets one thread through.
  package func open() { gate.signal() }
}
