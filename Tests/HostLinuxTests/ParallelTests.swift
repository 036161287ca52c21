// Mapping on several threads: every element once, in order, whatever the number of threads.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import Synchronization
import Testing

@Suite("Parallel", .timeLimit(.minutes(1)))
struct ParallelTests {
  @Test(arguments: [0, 1, 31, 32, 33, 1_000], [1, 2, 7, 64])
  func `every element is mapped once and the order is kept`(_ count: Int, _ threads: Int) {
    final class Calls: Sendable { let count = Atomic<Int>(0) }
    let calls = Calls()
    let squares = Parallel.map(Array(0..<count), threads: threads) { number in
      calls.count.add(1, ordering: .relaxed)
      return number * number
    }
    #expect(squares == (0..<count).map { $0 * $0 })
    #expect(calls.count.load(ordering: .relaxed) == count)
  }

  @Test func `several threads are inside at once`() {
    let inside = Monitor(0)
    let isTogether = Parallel.map(Array(0..<64), threads: 2) { _ -> Bool in
      inside.change { $0 += 1 }
      // Only with a second thread inside can both go on; the first to be alone waits for it.
      return inside.wait(until: Clock.monotonic() + 30_000_000_000) { $0 >= 2 ? true : nil } ?? false
    }
    #expect(isTogether.allSatisfy { $0 })
  }
}
