// Counts who is inside something, and can be shut: one atomic word, two additions for each visit.
// An instance has two: one for work that is let in (requests, operations), one for threads that execute its code.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import Synchronization

/// A door with a counter.
///
///     shut ──open()──▶ open ──close()──▶ shut (those inside may stay and leave)
final class Gate: RouteGate {
  /// Bit 0: shut. The rest: twice the number inside.
  private let word = Atomic<UInt64>(1)

  /// Shut, with nobody inside.
  init() {}

  /// Goes in, unless it is shut.
  func enter() -> Bool {
    if word.add(2, ordering: .acquiringAndReleasing).oldValue & 1 == 0 { return true }
    word.subtract(2, ordering: .acquiringAndReleasing)
    return false
  }

  /// Once for each ``enter()`` that said true, and each ``enterAnyway()``.
  func leave() { word.subtract(2, ordering: .acquiringAndReleasing) }

  /// Goes in though it may be shut: for what belongs to somebody who is inside already.
  func enterAnyway() { word.add(2, ordering: .acquiringAndReleasing) }

  func open() { word.bitwiseAnd(~1, ordering: .acquiringAndReleasing) }
  func close() { word.bitwiseOr(1, ordering: .acquiringAndReleasing) }

  var isOpen: Bool { word.load(ordering: .acquiring) & 1 == 0 }
  /// How many are inside.
  var count: Int { Int(word.load(ordering: .acquiring) >> 1) }
}
