// A flag that one thread raises and others look at.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isRaised: Bool { value.load(ordering: .relaxed) }
  func raise() { value.store(true, ordering: .relaxed) }
}
