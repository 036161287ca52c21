// Things that a plugin knows by a 64-bit id: exchanges, operations, timers. An id is never used twice in a process, so a
// stale one, one of another plugin or an invented one finds nothing, and costs one array access to refuse.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Elements by id. One table per instance and kind; all calls from any thread.
///
/// A table may be kept in parts: a thread adds to its own, and the id says which one that was.
final class SlotTable<Element: Sendable>: Sendable {
  private struct Slot {
    var id: UInt64 = 0
    var element: Element?
  }
  private struct State {
    var slots: [Slot] = []
    var free: [Int] = []
    var numbers = IdSequence.Block()
    var isClosed = false
  }
  private struct Part: ~Copyable {
    let before = Stripe.padding
    let state = Mutex(State())
  }

  /// An id is a number of the process-wide sequence (44 bits: 55 years at 10,000 a second) above the part and the slot's index.
  private static var slotBits: UInt64 { 20 }
  private static var partBits: UInt64 { slotBits - Stripe.bits }
  private let parts = Stripe.Parts<Part> { _ in Part() }
  private let isInParts: Bool
  private let limit: Int

  /// - Parameters:
  ///   - limit: elements at one time, at most 131,072; in a table of parts, of each part.
  ///   - inParts: for what many threads add to at the same time.
  init(limit: Int, inParts: Bool = false) {
    self.limit = min(limit, 1 << Int(SlotTable.partBits))
    isInParts = inParts
  }

  /// Adds what `make` gives for the new id.
  ///
  /// - Returns: the id; 0 when the table is full or closed: then `make` was not called.
  func insert(_ make: (UInt64) -> Element) -> UInt64 {
    let part = isInParts ? Stripe.mine : 0
    return parts[part].state.withLock { state in
      guard let (id, index) = takeSlot(&state, part) else { return 0 }
      state.slots[index].element = make(id)
      return id
    }
  }

  /// Adds an element that need not know its id. As ``insert(_:)-(_)``, without a closure that would keep what it captures.
  func insert(_ element: Element) -> UInt64 {
    let part = isInParts ? Stripe.mine : 0
    return parts[part].state.withLock { state in
      guard let (id, index) = takeSlot(&state, part) else { return 0 }
      state.slots[index].element = element
      return id
    }
  }

  @inline(__always)
  private func takeSlot(_ state: inout State, _ part: Int) -> (id: UInt64, index: Int)? {
    guard !state.isClosed else { return nil }
    let index: Int
    if let last = state.free.popLast() {
      index = last
    } else {
      guard state.slots.count < limit else { return nil }
      index = state.slots.count
      state.slots.append(Slot())
    }
    let id = state.numbers.next() << SlotTable.slotBits | UInt64(part) << SlotTable.partBits | UInt64(index)
    state.slots[index].id = id
    return (id, index)
  }

  /// The element of a live id.
  func find(_ id: UInt64) -> Element? {
    parts[SlotTable.part(id)].state.withLock { state in
      let index = SlotTable.index(id)
      guard index < state.slots.count, state.slots[index].id == id else { return nil }
      return state.slots[index].element
    }
  }

  /// Takes the element of a live id out: of several callers, one gets it.
  func remove(_ id: UInt64) -> Element? {
    parts[SlotTable.part(id)].state.withLock { state in
      let index = SlotTable.index(id)
      guard id != 0, index < state.slots.count, state.slots[index].id == id else { return nil }
      state.free.append(index)
      state.slots[index].id = 0
      return state.slots[index].element.take()
    }
  }

  private static func part(_ id: UInt64) -> Int { Int(id >> partBits & (1 << Stripe.bits - 1)) }
  private static func index(_ id: UInt64) -> Int { Int(id & (1 << partBits - 1)) }

  /// Every element with its id, now.
  var all: [(id: UInt64, element: Element)] {
    (0..<Stripe.count).flatMap { part in
      parts[part].state.withLock { state in state.slots.compactMap { slot in slot.element.map { (slot.id, $0) } } }
    }
  }

  var count: Int {
    (0..<Stripe.count).reduce(0) { sum, part in
      sum + parts[part].state.withLock { $0.slots.count - $0.free.count }
    }
  }

  /// Nothing can be added any more; takes everything out.
  func close() -> [(id: UInt64, element: Element)] {
    (0..<Stripe.count).flatMap { part in
      parts[part].state.withLock { state in
        let rest = state.slots.compactMap { slot in slot.element.map { (slot.id, $0) } }
        state = State(isClosed: true)
        return rest
      }
    }
  }
}

/// The process-wide sequence behind all ids, given out in blocks so that a table seldom touches what others touch.
private enum IdSequence {
  private static let counter = Atomic<UInt64>(1)
  private static let blockSize: UInt64 = 256

  /// Some numbers for one part of one table.
  struct Block {
    private var following: UInt64 = 0
    private var end: UInt64 = 0

    mutating func next() -> UInt64 {
      if following == end {
        following = IdSequence.counter.add(IdSequence.blockSize, ordering: .relaxed).oldValue
        end = following + IdSequence.blockSize
      }
      defer { following += 1 }
      return following & (1 << 44 - 1)
    }
  }
}
