// The broker inside the process: topics, wildcards, bounded queues, request and reply.
// Used through the protocol `Broker`. Keeps nothing on disk: that is the ledger's.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostMetrics
package import HostReasons
internal import HostResilience
internal import Synchronization

/// A broker in memory.
package final class LocalBroker: Broker {
  /// A subscription that does not keep its owner's object alive: dropping it ends it.
  private struct Entry {
    weak var subscription: Subscription?
  }
  private struct State {
    var entries: [Entry] = []
    /// Requests that wait for their reply, by inbox.
    var inboxes: [String: Inbox] = [:]
    var isClosed = false
  }
  /// One request's place for its reply.
  private final class Inbox: Sendable {
    let signal = Signal()
    let reply = Mutex<BrokerEvent?>(nil)
  }

  /// Topics below this are replies; each is known to one request only.
  private static let inboxPrefix = "_inbox."
  /// Bytes of one payload: the ABI's limit.
  package static let payloadLimit = 1 << 20
  /// Requests that may wait at once.
  package static let requestLimit = 10_000

  private let state = Mutex(State())
  private let room = Signal()
  private let metrics: BrokerMetrics?
  private let storeRefusal: @Sendable () -> Reason?

  /// - Parameter refusal: why messages cannot be accepted durably now, such as `{ ledger.status.reason }`; the broker
  ///   as a whole is not ready then. Events go on, since they need no disk.
  package init(metrics: BrokerMetrics? = nil, refusal: @escaping @Sendable () -> Reason? = { nil }) {
    self.metrics = metrics
    storeRefusal = refusal
  }

  package var refusal: Reason? { state.withLock { $0.isClosed } ? .brokerClosed : storeRefusal() }

  @discardableResult
  package func publish(_ event: BrokerEvent) throws(BrokerError) -> Int {
    do throws(BrokerError) { return try attempt(event) } catch { throw counted(error, event) }
  }

  private func attempt(_ event: BrokerEvent) throws(BrokerError) -> Int {
    guard Topic.isValid(event.topic) else { throw .invalidTopic }
    let bytes = event.payload.count
    guard bytes <= LocalBroker.payloadLimit else { throw .payloadTooLarge(bytes: bytes) }
    if event.topic.hasPrefix(LocalBroker.inboxPrefix) { return deliver(event) }
    return try distribute(event)
  }

  @discardableResult
  package func publish(_ event: BrokerEvent, until deadline: UInt64) async throws(BrokerError) -> Int {
    while true {
      let seen = room.count
      do throws(BrokerError) { return try attempt(event) } catch {
        guard case .full = error, Clock.monotonic() < deadline, !Task.isCancelled else { throw counted(error, event) }
      }
      await room.wait(past: seen, until: deadline)
    }
  }

  package func subscribe(
    _ pattern: TopicPattern, name: String, capacity: Int = 256, overflow: Overflow = .pushBack
  ) throws(BrokerError) -> Subscription {
    let subscription = Subscription(
      pattern, name: name, capacity: capacity, overflow: overflow, madeRoom: { [room] in room.raise() },
      ended: { [weak self] in self?.remove($0) })
    let isClosed = state.withLock { state in
      if state.isClosed { return true }
      state.entries.append(Entry(subscription: subscription))
      return false
    }
    if isClosed { throw .closed }
    return subscription
  }

  package func request(_ event: BrokerEvent, until deadline: UInt64) async throws(BrokerError) -> BrokerEvent {
    let name = LocalBroker.inboxPrefix + UUIDText.random()
    let inbox = Inbox()
    let isFull = state.withLock { state in
      if state.inboxes.count >= LocalBroker.requestLimit { return true }
      state.inboxes[name] = inbox
      return false
    }
    if isFull { throw .full(subscriber: "requests") }
    defer { _ = state.withLock { $0.inboxes.removeValue(forKey: name) } }
    if try await publish(event.replying(to: name), until: deadline) == 0 {
      metrics?.dropped(event.topic, .noSubscriber)
      throw .noSubscriber(topic: event.topic)
    }
    await inbox.signal.wait(past: 0, until: deadline)
    guard let reply = inbox.reply.withLock({ $0 }) else {
      throw state.withLock { $0.isClosed } ? .closed : .noReply(topic: event.topic)
    }
    return reply
  }

  package func close() {
    let (entries, inboxes) = state.withLock { state in
      state.isClosed = true
      defer { (state.entries, state.inboxes) = ([], [:]) }
      return (state.entries.compactMap(\.subscription), Array(state.inboxes.values))
    }
    for subscription in entries { subscription.finish() }
    for inbox in inboxes { inbox.signal.raise() }
    room.raise()
  }

  /// What waits in each subscriber's queue, by name; queues of one name are added up.
  package var depths: [String: Int] {
    let subscriptions = state.withLock { $0.entries.compactMap(\.subscription) }
    return Dictionary(subscriptions.map { ($0.name, $0.depth) }, uniquingKeysWith: +)
  }

  /// A reply goes to its request and nobody else.
  private func deliver(_ event: BrokerEvent) -> Int {
    guard let inbox = state.withLock({ $0.inboxes[event.topic] }) else {
      metrics?.dropped(event.topic, .noSubscriber)
      return 0
    }
    inbox.reply.withLock { if $0 == nil { $0 = event } }
    inbox.signal.raise()
    return 1
  }

  /// To all that match or to none, under the broker's lock: then no subscriber gets twice what another had no room for.
  private func distribute(_ event: BrokerEvent) throws(BrokerError) -> Int {
    let result: Result<(Int, dropped: Int), BrokerError> = state.withLock { state in
      if state.isClosed { return .failure(.closed) }
      state.entries.removeAll { $0.subscription == nil }
      let matching = state.entries.compactMap(\.subscription).filter { $0.pattern.matches(event.topic) }
      if let full = matching.first(where: { !$0.hasRoom }) { return .failure(.full(subscriber: full.name)) }
      return .success((matching.count, dropped: matching.count { $0.add(event) }))
    }
    switch result {
    case .success(let (count, dropped)):
      metrics?.published(event.topic)
      for _ in 0..<count { metrics?.delivered(event.topic) }
      for _ in 0..<dropped { metrics?.dropped(event.topic, .queueFull) }
      return count
    case .failure(let error):
      throw error
    }
  }

  /// Counts an event that its publisher could not place.
  private func counted(_ error: BrokerError, _ event: BrokerEvent) -> BrokerError {
    switch error {
    case .full: metrics?.dropped(event.topic, .queueFull)
    case .invalidTopic, .payloadTooLarge: metrics?.dropped(event.topic, .invalid)
    case .noSubscriber, .noReply, .closed: break
    }
    return error
  }

  private func remove(_ subscription: Subscription) {
    state.withLock { $0.entries.removeAll { $0.subscription == nil || $0.subscription === subscription } }
  }
}
