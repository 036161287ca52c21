// Counts who is inside something, and can be shut. Threads count on cache lines of their own; only shutting looks at all.
// An instance has two: one for work that is let in (requests, operations), one for threads that execute its code.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import Synchronization

/// A door with a counter.
///
///     shut ──open()──▶ open ──close()──▶ shut (those inside may stay and leave)
///
/// Who enters counts himself in, then looks whether the gate is shut, and counts himself out again if so; who shuts it says so,
/// then looks at the counts. All four are sequentially consistent, so either he who enters sees the gate shut, or he who shut
/// it sees him inside.
final class Gate: RouteGate {
  /// How often somebody of this part came in and went out; the two may happen in different parts.
  private struct Part: ~Copyable {
    let before = Stripe.padding
    let entered = Atomic<UInt64>(0)
    let left = Atomic<UInt64>(0)
  }

  private let isShut = Atomic<Bool>(true)
  private let parts = Stripe.Parts<Part> { _ in Part() }

  /// Shut, with nobody inside.
  init() {}

  /// Goes in, unless it is shut.
  func enter() -> Bool {
    let part = Stripe.mine
    parts[part].entered.add(1, ordering: .sequentiallyConsistent)
    if !isShut.load(ordering: .sequentiallyConsistent) { return true }
    parts[part].left.add(1, ordering: .sequentiallyConsistent)
    return false
  }

  /// Once for each ``enter()`` that said true, and each ``enterAnyway()``.
  func leave() { parts[Stripe.mine].left.add(1, ordering: .sequentiallyConsistent) }

  /// Goes in though it may be shut: for what belongs to somebody who is inside already.
  func enterAnyway() { parts[Stripe.mine].entered.add(1, ordering: .sequentiallyConsistent) }

  func open() { isShut.store(false, ordering: .sequentiallyConsistent) }
  func close() { isShut.store(true, ordering: .sequentiallyConsistent) }

  var isOpen: Bool { !isShut.load(ordering: .sequentiallyConsistent) }

  /// How many are inside; never too few. Who leaves has entered, and comings are added up after goings, so nobody is missed
  /// who is inside all the while; somebody who leaves meanwhile may still be counted.
  var count: Int {
    var left: UInt64 = 0
    var entered: UInt64 = 0
    for index in 0..<Stripe.count { left &+= parts[index].left.load(ordering: .sequentiallyConsistent) }
    for index in 0..<Stripe.count { entered &+= parts[index].entered.load(ordering: .sequentiallyConsistent) }
    return Int(entered &- left)
  }
}
