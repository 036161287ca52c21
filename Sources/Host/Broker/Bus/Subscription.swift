// One subscriber's queue on the bus.
// Made by a broker; read by one task, or by several that share the work. Ends when it is cancelled or goes away.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Events of one pattern, in the order in which they were published.
package final class Subscription: Sendable, AsyncSequence {
  /// Bytes and bounds of a queue, and who waits for it.
  private struct State {
    var events = Fifo<BrokerEvent>()
    var waiters: [(id: UInt64, continuation: CheckedContinuation<BrokerEvent?, Never>)] = []
    var nextWaiter: UInt64 = 0
    var isEnded = false
    var dropped = 0
  }

  package let pattern: TopicPattern
  package let name: String
  package let capacity: Int
  package let overflow: Overflow
  private let state = Mutex(State())
  /// Called once the queue is no longer full.
  private let madeRoom: @Sendable () -> Void
  private let ended: @Sendable (Subscription) -> Void

  init(
    _ pattern: TopicPattern, name: String, capacity: Int, overflow: Overflow,
    madeRoom: @escaping @Sendable () -> Void, ended: @escaping @Sendable (Subscription) -> Void
  ) {
    self.pattern = pattern
    self.name = name
    self.capacity = Swift.max(capacity, 1)
    self.overflow = overflow
    self.madeRoom = madeRoom
    self.ended = ended
  }

  deinit { finish() }

  /// The next event; nil once the subscription has ended or the task is cancelled.
  package func next() async -> BrokerEvent? {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (event, isDone, wasFull) = state.withLock { state -> (BrokerEvent?, Bool, Bool) in
          if Task.isCancelled { return (nil, true, false) }
          let wasFull = state.events.count >= capacity
          if let event = state.events.pop() { return (event, true, wasFull) }
          if state.isEnded { return (nil, true, false) }
          state.waiters.append((id, continuation))
          return (nil, false, false)
        }
        if wasFull { madeRoom() }
        if isDone { continuation.resume(returning: event) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
      }
      waiter?.continuation.resume(returning: nil)
    }
  }

  /// Ends it: what waits is dropped, and whoever waits gets nil.
  package func cancel() {
    finish()
    ended(self)
  }

  /// Events that wait.
  package var depth: Int { state.withLock { $0.events.count } }
  /// Events dropped because the queue was full (``Overflow/dropOldest`` only).
  package var dropped: Int { state.withLock { $0.dropped } }

  /// Whether an event would be taken now. Only the broker adds events, under its lock, so the answer holds until then.
  var hasRoom: Bool {
    overflow == .dropOldest || state.withLock { $0.isEnded || $0.events.count < capacity || !$0.waiters.isEmpty }
  }

  /// Adds an event, or hands it to whoever waits.
  ///
  /// - Returns: whether an older one was dropped for it.
  func add(_ event: BrokerEvent) -> Bool {
    let (waiter, isDropping) = state.withLock { state -> (CheckedContinuation<BrokerEvent?, Never>?, Bool) in
      if state.isEnded { return (nil, false) }
      if !state.waiters.isEmpty { return (state.waiters.removeFirst().continuation, false) }
      let isDropping = state.events.count >= capacity
      if isDropping {
        _ = state.events.pop()
        state.dropped += 1
      }
      state.events.push(event)
      return (nil, isDropping)
    }
    waiter?.resume(returning: event)
    return isDropping
  }

  func finish() {
    let waiters = state.withLock { state in
      state.isEnded = true
      state.events = Fifo()
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: nil) }
    madeRoom()
  }

  // MARK: AsyncSequence

  package struct AsyncIterator: AsyncIteratorProtocol {
    let subscription: Subscription
    package mutating func next() async -> BrokerEvent? { await subscription.next() }
  }
  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }
}

/// First in, first out, in constant time on average.
struct Fifo<Element> {
  private var items: [Element?] = []
  private var head = 0

  var count: Int { items.count - head }

  mutating func push(_ item: Element) { items.append(item) }

  mutating func pop() -> Element? {
    guard head < items.count else { return nil }
    let item = items[head]
    items[head] = nil
    head += 1
    // Taken places are given back once they are half of the array.
    if head > 32, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return item
  }
}
