// The small machines under an instance: gate, ids, event queue, alarms.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import Synchronization
import Testing

@testable import HostPlugins

@Suite("Instance machinery", .timeLimit(.minutes(1)))
struct MachineryTests {
  /// How often a gate is shut under its visitors.
  private static let rounds = 200

  private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<count { group.addTask { try await onThread { body(index) } } }
      try await group.waitForAll()
    }
  }

  @Test func `a gate counts those inside and lets nobody in while it is shut`() {
    let gate = HostPlugins.Gate()
    #expect(!gate.enter() && gate.count == 0)
    gate.open()
    #expect(gate.enter() && gate.enter() && gate.count == 2)
    gate.close()
    #expect(!gate.enter() && gate.count == 2)
    gate.enterAnyway()
    for _ in 0..<3 { gate.leave() }
    #expect(gate.count == 0 && !gate.isOpen)
  }

  @Test func `a gate that says nobody is inside when it is shut has nobody inside`() async throws {
    let gate = HostPlugins.Gate()
    let inside = Atomic<Int>(0)
    let wrong = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    try await onThreads(5) { thread in
      if thread == 0 {
        for _ in 0..<MachineryTests.rounds {
          gate.open()
          sched_yield()
          gate.close()
          while gate.count > 0 { sched_yield() }
          if inside.load(ordering: .sequentiallyConsistent) != 0 { wrong.add(1, ordering: .relaxed) }
        }
        return isOver.store(true, ordering: .relaxed)
      }
      while !isOver.load(ordering: .relaxed) {
        guard gate.enter() else { continue }
        inside.add(1, ordering: .sequentiallyConsistent)
        gate.enterAnyway()
        gate.leave()
        inside.subtract(1, ordering: .sequentiallyConsistent)
        gate.leave()
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0 && gate.count == 0)
  }

  @Test func `ids of many threads are found, and each taken out once, by any thread`() async throws {
    let table = SlotTable<Int>(limit: 10_000, inParts: true)
    let ids = Mutex<[UInt64: Int]>([:])
    try await onThreads(8) { thread in
      for number in 0..<500 {
        let element = thread * 500 + number
        let id = table.insert { _ in element }
        ids.withLock { $0[id] = element }
      }
    }
    let all = ids.withLock { $0 }
    #expect(all.count == 4_000 && table.count == 4_000 && all[0] == nil)
    #expect(Dictionary(uniqueKeysWithValues: table.all.map { ($0.id, $0.element) }) == all)
    let taken = Atomic<Int>(0)
    try await onThreads(4) { _ in
      for (id, element) in all {
        guard let found = table.remove(id) else { continue }
        if found == element { taken.add(1, ordering: .relaxed) }
      }
    }
    #expect(taken.load(ordering: .relaxed) == 4_000 && table.count == 0 && table.close().isEmpty)
    #expect(table.insert { _ in 1 } == 0)
  }

  @Test func `an id finds its element once, and never one of another time or table`() {
    let table = SlotTable<String>(limit: 2)
    let other = SlotTable<String>(limit: 2)
    let first = table.insert { _ in "a" }
    #expect(table.find(first) == "a" && other.find(first) == nil)
    #expect(table.remove(first) == "a" && table.remove(first) == nil && table.find(first) == nil)
    let second = table.insert { _ in "b" }
    #expect(second != first && table.find(first) == nil && table.find(second) == "b")
    #expect(table.insert { _ in "c" } != 0)
    #expect(table.insert { _ in "d" } == 0, "past the limit")
    #expect(table.remove(0) == nil && table.find(.max) == nil)
    #expect(table.close().map(\.element).sorted() == ["b", "c"])
    #expect(table.insert { _ in "e" } == 0 && table.count == 0)
  }

  @Test func `a queue of one thread runs jobs in order, and its threads end when it is closed`() async throws {
    let queue = EventQueue(name: "test", width: 1)
    let seen = Mutex<[Int]>([])
    for number in 0..<200 { #expect(queue.submit { seen.withLock { $0.append(number) } }) }
    queue.close()
    #expect(!queue.submit {})
    let isOver = try await onThread { queue.waitEnded(until: Clock.monotonic() + 20_000_000_000) }
    #expect(isOver)
    #expect(seen.withLock { $0 } == Array(0..<200))
  }

  @Test func `a full queue refuses what may be refused`() async throws {
    let queue = EventQueue(name: "test", width: 1, capacity: 2)
    let hold = Monitor(true)
    #expect(queue.submit { _ = hold.wait { $0 ? nil : () } })
    _ = try await eventually { queue.load.queued == 0 }
    #expect(queue.submit {} && queue.submit {})
    #expect(!queue.submit {})
    #expect(queue.submit(mustRun: true) {})
    hold.change { $0 = false }
    queue.close()
    #expect(try await onThread { queue.waitEnded(until: Clock.monotonic() + 20_000_000_000) })
  }

  @Test func `alarms come in the order of their times, and a cancelled one never`() async throws {
    let alarms = Alarms()
    let seen = Mutex<[Int]>([])
    let now = Clock.monotonic()
    for number in [3, 1, 4, 2] {
      _ = alarms.set(now + UInt64(number) * 5_000_000) { seen.withLock { $0.append(number) } }
    }
    let token = alarms.set(now + 12_000_000) { seen.withLock { $0.append(99) } }
    #expect(alarms.cancel(token))
    #expect(!alarms.cancel(token))
    #expect(try await eventually { seen.withLock { $0.count } == 4 })
    #expect(seen.withLock { $0 } == [1, 2, 3, 4])
    for _ in 0..<1_000 { alarms.cancel(alarms.set(.max) {}) }
    #expect(alarms.count == 0)
  }
}
