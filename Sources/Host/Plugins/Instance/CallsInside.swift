// Which functions of a plugin are being executed, and by how many threads: the name of what is stuck.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Executions under way by function.
final class CallsInside: Sendable {
  /// What the threads of one part are in, by raw value of the call. A call returns on the thread that made it, so no count is
  /// ever below zero.
  private struct Part: ~Copyable {
    let counts = InlineArray<32, Atomic<Int32>> { _ in Atomic(0) }
  }

  private let parts = Stripe.Parts<Part> { _ in Part() }

  @inline(__always)
  func enter(_ call: PluginCall) { parts[Stripe.mine].counts[call.rawValue].add(1, ordering: .relaxed) }
  @inline(__always)
  func leave(_ call: PluginCall) { parts[Stripe.mine].counts[call.rawValue].subtract(1, ordering: .relaxed) }

  /// A function that is being executed, if any.
  var any: PluginCall? {
    PluginCall.allCases.first { call in
      (0..<Stripe.count).contains { parts[$0].counts[call.rawValue].load(ordering: .relaxed) > 0 }
    }
  }
}
