// Which functions of a plugin are being executed, and by how many threads: the name of what is stuck.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Executions under way by function.
final class CallsInside: Sendable {
  private final class Slot: Sendable { let count = Atomic<Int>(0) }
  private let slots = PluginCall.allCases.map { _ in Slot() }

  func enter(_ call: PluginCall) { slots[call.rawValue].count.add(1, ordering: .relaxed) }
  func leave(_ call: PluginCall) { slots[call.rawValue].count.subtract(1, ordering: .relaxed) }

  /// A function that is being executed, if any.
  var any: PluginCall? { PluginCall.allCases.first { slots[$0.rawValue].count.load(ordering: .relaxed) > 0 } }
}
