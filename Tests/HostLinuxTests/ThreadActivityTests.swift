// Threads as the kernel sees them: busy, asleep, gone.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import Synchronization
import TestSupport
import Testing

@Suite("Thread activity", .timeLimit(.minutes(1)))
struct ThreadActivityTests {
  @Test func `a thread that computes is runnable and uses the processor; one that waits is not and does not`() throws {
    final class Shared: Sendable {
      let busy = Atomic<Int32>(0)
      let asleep = Atomic<Int32>(0)
      let isOver = Atomic<Bool>(false)
      let sleeper = Monitor(false)
    }
    let shared = Shared()
    try Thread.start("busy) R (") {
      shared.busy.store(ThreadActivity.currentThread(), ordering: .sequentiallyConsistent)
      while !shared.isOver.load(ordering: .relaxed) {}
    }
    try Thread.start("asleep") {
      shared.asleep.store(ThreadActivity.currentThread(), ordering: .sequentiallyConsistent)
      _ = shared.sleeper.wait { $0 ? true : nil }
    }
    defer {
      shared.isOver.store(true, ordering: .relaxed)
      shared.sleeper.change { $0 = true }
    }
    func eventually(_ thread: Int32, _ holds: (ThreadActivity) -> Bool) -> Bool {
      let deadline = Clock.monotonic() + 20_000_000_000
      while Clock.monotonic() < deadline {
        if let now = ThreadActivity.of(thread), holds(now) { return true }
      }
      return false
    }
    while shared.busy.load(ordering: .sequentiallyConsistent) == 0
      || shared.asleep.load(ordering: .sequentiallyConsistent) == 0
    {}
    let busy = shared.busy.load(ordering: .sequentiallyConsistent)
    let asleep = shared.asleep.load(ordering: .sequentiallyConsistent)
    let first = try #require(ThreadActivity.of(busy))
    #expect(eventually(busy) { $0.isRunnable && $0.onProcessor > first.onProcessor })
    #expect(eventually(asleep) { !$0.isRunnable })
    let before = ThreadActivity.of(asleep)
    #expect(eventually(busy) { $0.onProcessor > first.onProcessor + 1_000_000 })
    #expect(ThreadActivity.of(asleep) == before)
  }

  @Test func `a thread that is not there has no activity`() {
    #expect(ThreadActivity.of(0) == nil)
    #expect(ThreadActivity.of(-1) == nil)
  }
}
