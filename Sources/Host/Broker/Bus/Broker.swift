// What the rest of the host knows of a broker. The local one is behind it now, NATS will be the second.
// For events that may be lost with the process; what must not be lost goes through the ledger.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// Why an event was not published, or a request not answered.
package enum BrokerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Back-pressure: this subscriber's queue is full. Nobody got the event; publish it again later.
  case full(subscriber: String)
  case invalidTopic
  case payloadTooLarge(bytes: Int)
  /// A request that nobody is there to answer.
  case noSubscriber(topic: String)
  /// No reply before the deadline.
  case noReply(topic: String)
  case closed

  package var reason: Reason {
    switch self {
    case .full: .brokerSubscriberFull
    case .invalidTopic, .payloadTooLarge: .brokerInvalid
    case .noSubscriber: .brokerNoSubscriber
    case .noReply: .brokerNoReply
    case .closed: .brokerClosed
    }
  }

  package var description: String {
    switch self {
    case .full(let subscriber): "subscriber \(subscriber): its queue is full. Publish again shortly."
    case .invalidTopic: "topic: is not dotted words. Use 1 to 255 bytes without wildcards."
    case .payloadTooLarge(let bytes): "payload: \(bytes) bytes are too many. Send at most 1 MiB."
    case .noSubscriber(let topic): "request on \(topic): nobody is subscribed. Start what answers it."
    case .noReply(let topic): "request on \(topic): no reply in time. Try again, or ask for longer."
    case .closed: "broker: is closed, the host stops. Send again once it is back."
    }
  }
}

/// What a subscriber wants when its queue is full.
package enum Overflow: Sendable {
  /// The publisher is refused: for whoever must not miss an event.
  case pushBack
  /// The oldest waiting event is dropped and counted: for onlookers, who must not hold up anybody.
  case dropOldest
}

/// Publish, subscribe, request.
package protocol Broker: AnyObject, Sendable {
  /// Why it does not take events or messages now; nil when it does. `/ready` asks it, and the gauge
  /// `circuit_breaker_state{breaker="nats"}` is 0 exactly when it is nil.
  var refusal: Reason? { get }

  /// Publishes at once or not at all; never blocks.
  ///
  /// - Returns: how many subscribers got it; 0 is no error.
  @discardableResult
  func publish(_ event: BrokerEvent) throws(BrokerError) -> Int

  /// Publishes as soon as every subscriber has room, at the latest at `deadline` (monotonic nanoseconds).
  @discardableResult
  func publish(_ event: BrokerEvent, until deadline: UInt64) async throws(BrokerError) -> Int

  /// Subscribes; events that were published before are not seen.
  ///
  /// - Parameters:
  ///   - name: for messages and the depth's label: a word of the host's own, not one from outside.
  ///   - capacity: events that may wait; at least 1.
  func subscribe(
    _ pattern: TopicPattern, name: String, capacity: Int, overflow: Overflow
  ) throws(BrokerError) -> Subscription

  /// Publishes and waits for one reply.
  func request(_ event: BrokerEvent, until deadline: UInt64) async throws(BrokerError) -> BrokerEvent

  /// Ends every subscription and refuses what comes.
  func close()
}

extension Broker {
  package var isReady: Bool { refusal == nil }
  /// The value of `circuit_breaker_state{breaker="nats"}`.
  package var gauge: Int { isReady ? 0 : 1 }

  /// Answers a request. Nobody waiting any more is no error.
  package func reply(to request: BrokerEvent, source: String, payload: [UInt8]) throws(BrokerError) {
    guard let inbox = request.replyTo else { return }
    try publish(BrokerEvent(topic: inbox, source: source, sessionID: request.sessionID, payload: payload))
  }
}
