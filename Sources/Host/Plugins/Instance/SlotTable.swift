// Things that a plugin knows by a 64-bit id: exchanges, operations, timers. An id is never used twice in a process, so a
// stale one, one of another plugin or an invented one finds nothing, and costs one array access to refuse.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Elements by id. One table per instance and kind; all calls from any thread.
final class SlotTable<Element: Sendable>: Sendable {
  private struct Slot {
    var id: UInt64 = 0
    var element: Element?
  }
  private struct State {
    var slots: [Slot] = []
    var free: [Int] = []
    var isClosed = false
  }

  /// An id is a number of the process-wide sequence (44 bits: 55 years at 10,000 a second) above the slot's index.
  private static var slotBits: UInt64 { 20 }
  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: elements at one time, at most 1,048,576.
  init(limit: Int) { self.limit = min(limit, 1 << 20) }

  /// Adds what `make` gives for the new id.
  ///
  /// - Returns: the id; 0 when the table is full or closed: then `make` was not called.
  func insert(_ make: (UInt64) -> Element) -> UInt64 {
    let sequence = IdSequence.next()
    return state.withLock { state in
      guard !state.isClosed else { return 0 }
      let index: Int
      if let last = state.free.popLast() {
        index = last
      } else {
        guard state.slots.count < limit else { return 0 }
        index = state.slots.count
        state.slots.append(Slot())
      }
      let id = sequence << SlotTable.slotBits | UInt64(index)
      state.slots[index] = Slot(id: id, element: make(id))
      return id
    }
  }

  /// The element of a live id.
  func find(_ id: UInt64) -> Element? {
    state.withLock { state in
      let index = Int(id & (1 << SlotTable.slotBits - 1))
      guard index < state.slots.count, state.slots[index].id == id else { return nil }
      return state.slots[index].element
    }
  }

  /// Takes the element of a live id out: of several callers, one gets it.
  func remove(_ id: UInt64) -> Element? {
    state.withLock { state in
      let index = Int(id & (1 << SlotTable.slotBits - 1))
      guard id != 0, index < state.slots.count, state.slots[index].id == id else { return nil }
      defer {
        state.slots[index] = Slot()
        state.free.append(index)
      }
      return state.slots[index].element
    }
  }

  /// Every element with its id, now.
  var all: [(id: UInt64, element: Element)] {
    state.withLock { state in state.slots.compactMap { slot in slot.element.map { (slot.id, $0) } } }
  }

  var count: Int { state.withLock { $0.slots.count - $0.free.count } }

  /// Nothing can be added any more; takes everything out.
  func close() -> [(id: UInt64, element: Element)] {
    state.withLock { state in
      let rest = state.slots.compactMap { slot in slot.element.map { (slot.id, $0) } }
      state = State(isClosed: true)
      return rest
    }
  }
}

/// The process-wide sequence behind all ids.
private enum IdSequence {
  private static let counter = Atomic<UInt64>(1)
  static func next() -> UInt64 { counter.add(1, ordering: .relaxed).oldValue & (1 << 44 - 1) }
}
