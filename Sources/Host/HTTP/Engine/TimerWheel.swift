// When to look at which connection again: one wheel per loop, no timer in the kernel.
// Deadlines that only move later, as those of busy connections do, cost nothing: an entry is checked when its slot comes.
//
// SPDX-License-Identifier: Apache-2.0

/// A wheel of ticks. Entries name connections; a connection has at most one live entry, at its `wheelTick`.
struct TimerWheel {
  /// Nanoseconds in a tick: deadlines are kept to within one. Ours.
  static let tick: UInt64 = 50_000_000
  /// Ticks in a turn; later deadlines are looked at once a turn.
  private static let slots: UInt64 = 1_024

  private var entries = [[ConnectionKey]](repeating: [], count: Int(TimerWheel.slots))
  /// One bit per slot that has entries.
  private var occupied = [UInt64](repeating: 0, count: Int(TimerWheel.slots / 64))
  /// The first tick ahead that has entries; `.max` for none.
  private var next = UInt64.max
  /// The last tick that was expired.
  private var current: UInt64

  init(now: UInt64) { current = now / TimerWheel.tick }

  /// The tick at which a deadline is looked at.
  func tick(for deadline: UInt64) -> UInt64 {
    min(max(deadline / TimerWheel.tick + 1, current + 1), current + TimerWheel.slots - 1)
  }

  mutating func insert(_ key: ConnectionKey, at tick: UInt64) {
    let slot = Int(tick % TimerWheel.slots)
    entries[slot].append(key)
    occupied[slot / 64] |= 1 << UInt64(slot % 64)
    next = min(next, tick)
  }

  /// Milliseconds until the next slot with entries; -1 for none.
  func wait(from now: UInt64) -> Int32 {
    guard next != .max else { return -1 }
    let due = next * TimerWheel.tick
    return due <= now ? 0 : Int32((due - now) / 1_000_000 + 1)
  }

  /// Takes the entries of all slots up to now, each with its tick.
  mutating func expire(now: UInt64, into due: inout [(key: ConnectionKey, tick: UInt64)]) {
    let target = now / TimerWheel.tick
    guard target >= next else {
      current = max(current, target)
      return
    }
    // After a long sleep one turn sees every slot.
    if target > current + TimerWheel.slots { current = target - TimerWheel.slots }
    while current < target {
      current += 1
      let slot = Int(current % TimerWheel.slots)
      guard occupied[slot / 64] >> UInt64(slot % 64) & 1 == 1 else { continue }
      for key in entries[slot] { due.append((key, current)) }
      entries[slot] = []
      occupied[slot / 64] &= ~(1 << UInt64(slot % 64))
    }
    findNext()
  }

  private mutating func findNext() {
    next = .max
    for ahead in 1..<TimerWheel.slots {
      let slot = Int((current + ahead) % TimerWheel.slots)
      guard occupied[slot / 64] >> UInt64(slot % 64) & 1 == 1 else { continue }
      next = current + ahead
      return
    }
  }
}
