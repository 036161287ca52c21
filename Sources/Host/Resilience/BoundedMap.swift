// A dictionary with a bound: when it is full, the least recently used entry makes room.
// Used by RateLimiter and by the tool cache.
//
// SPDX-License-Identifier: Apache-2.0

/// At most `capacity` entries; finding and setting both count as use. Every operation takes constant time.
package struct BoundedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Slot: Sendable {
    var key: Key
    var value: Value
    /// Neighbours in order of use; `none` at the ends.
    var newer: Int
    var older: Int
  }

  private static var none: Int { -1 }
  package let capacity: Int
  private var slots: [Slot] = []
  private var free: [Int] = []
  private var index: [Key: Int] = [:]
  private var newest = none
  private var oldest = none

  /// - Parameter capacity: less than 1 counts as 1.
  package init(capacity: Int) { self.capacity = max(capacity, 1) }

  package var count: Int { index.count }

  /// The value of a key, which becomes the most recently used.
  package mutating func find(_ key: Key) -> Value? {
    guard let slot = index[key] else { return nil }
    unlink(slot)
    pushNewest(slot)
    return slots[slot].value
  }

  /// The value of a key; the order of use stays as it is.
  package func peek(_ key: Key) -> Value? { index[key].map { slots[$0].value } }

  /// Sets a value.
  ///
  /// - Returns: the entry that had to go to make room.
  @discardableResult
  package mutating func set(_ key: Key, _ value: Value) -> (key: Key, value: Value)? {
    if let slot = index[key] {
      slots[slot].value = value
      unlink(slot)
      pushNewest(slot)
      return nil
    }
    let evicted = count >= capacity ? removeOldest() : nil
    let made = Slot(key: key, value: value, newer: Self.none, older: Self.none)
    let slot: Int
    if let reused = free.popLast() {
      slot = reused
      slots[slot] = made
    } else {
      slot = slots.count
      slots.append(made)
    }
    index[key] = slot
    pushNewest(slot)
    return evicted
  }

  @discardableResult
  package mutating func remove(_ key: Key) -> Value? {
    guard let slot = index.removeValue(forKey: key) else { return nil }
    unlink(slot)
    free.append(slot)
    return slots[slot].value
  }

  /// Removes the least recently used entry.
  @discardableResult
  package mutating func removeOldest() -> (key: Key, value: Value)? {
    guard oldest != Self.none else { return nil }
    let key = slots[oldest].key
    return remove(key).map { (key, $0) }
  }

  /// Every key, the most recently used first.
  package var keys: [Key] {
    var keys: [Key] = []
    var slot = newest
    while slot != Self.none {
      keys.append(slots[slot].key)
      slot = slots[slot].older
    }
    return keys
  }

  private mutating func unlink(_ slot: Int) {
    let (newer, older) = (slots[slot].newer, slots[slot].older)
    if newer == Self.none { newest = older } else { slots[newer].older = older }
    if older == Self.none { oldest = newer } else { slots[older].newer = newer }
  }

  private mutating func pushNewest(_ slot: Int) {
    slots[slot].newer = Self.none
    slots[slot].older = newest
    if newest == Self.none { oldest = slot } else { slots[newest].newer = slot }
    newest = slot
  }
}
