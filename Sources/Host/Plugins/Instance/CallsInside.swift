// Which functions of a plugin are being executed, and by how many threads: the name of what is stuck.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Executions under way by function.
final class CallsInside: Sendable {
  /// By raw value; in place, so that counting touches nothing else.
  private let counts = InlineArray<32, Atomic<Int>> { _ in Atomic(0) }

  func enter(_ call: PluginCall) { counts[call.rawValue].add(1, ordering: .relaxed) }
  func leave(_ call: PluginCall) { counts[call.rawValue].subtract(1, ordering: .relaxed) }

  /// A function that is being executed, if any.
  var any: PluginCall? { PluginCall.allCases.first { counts[$0.rawValue].load(ordering: .relaxed) > 0 } }
}
