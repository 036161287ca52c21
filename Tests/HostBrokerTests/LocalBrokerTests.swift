// Tests of the bus: who gets what, back-pressure, onlookers, request and reply, closing.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostJSON
import HostLinux
import HostReasons
import Testing

@Suite("Local broker", .timeLimit(.minutes(1)))
struct LocalBrokerTests {
  let broker = LocalBroker()

  func event(_ topic: String, _ number: Int = 0) -> BrokerEvent {
    BrokerEvent(topic: topic, source: "test", payload: Array("\(number)".utf8))
  }
  func subscribe(_ pattern: String, capacity: Int = 4, overflow: Overflow = .pushBack) throws -> Subscription {
    try broker.subscribe(#require(TopicPattern(pattern)), name: pattern, capacity: capacity, overflow: overflow)
  }
  var soon: UInt64 { Clock.monotonic() + 20_000_000 }
  var later: UInt64 { Clock.monotonic() + 30_000_000_000 }

  @Test func `each subscriber gets what matches, in order`() async throws {
    let inbound = try subscribe("plugin.inbound.>")
    let all = try subscribe(">")
    #expect(try broker.publish(event("plugin.inbound.a", 1)) == 2)
    #expect(try broker.publish(event("agent.route.x", 2)) == 1)
    #expect(try broker.publish(event("plugin.inbound.b.c", 3)) == 2)
    #expect(await inbound.next()?.topic == "plugin.inbound.a")
    #expect(await inbound.next()?.topic == "plugin.inbound.b.c")
    #expect(inbound.depth == 0 && all.depth == 3)
  }

  @Test func `a full subscriber refuses the event for everybody, so a retry gives nobody two`() async throws {
    let slow = try subscribe("a.*", capacity: 1)
    let fast = try subscribe("a.*", capacity: 9)
    try broker.publish(event("a.b", 1))
    #expect(throws: BrokerError.full(subscriber: "a.*")) { try broker.publish(event("a.b", 2)) }
    #expect(fast.depth == 1)
    _ = await slow.next()
    #expect(try broker.publish(event("a.b", 2)) == 2)
    #expect(fast.depth == 2)
  }

  @Test func `publishing with a deadline waits for room and gives up in time`() async throws {
    let slow = try subscribe("a.*", capacity: 1)
    try broker.publish(event("a.b", 1))
    await #expect(throws: BrokerError.full(subscriber: "a.*")) {
      try await broker.publish(event("a.b", 2), until: soon)
    }
    async let published = broker.publish(event("a.b", 3), until: later)
    #expect(await slow.next()?.payload == Array("1".utf8))
    #expect(try await published == 1)
    #expect(await slow.next()?.payload == Array("3".utf8))
  }

  @Test func `an onlooker loses the oldest and holds up nobody`() async throws {
    let onlooker = try subscribe(">", capacity: 2, overflow: .dropOldest)
    for number in 0..<5 { try broker.publish(event("a", number)) }
    #expect(onlooker.dropped == 3)
    #expect(await onlooker.next()?.payload == Array("3".utf8))
  }

  @Test func `a request gets its own reply`() async throws {
    let service = try subscribe("agent.route.*", capacity: 64)
    let serving = Task {
      for await request in service {
        try broker.reply(to: request, source: "service", payload: request.payload)
      }
    }
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          let reply = try? await broker.request(event("agent.route.kate", number), until: later)
          #expect(reply?.payload == Array("\(number)".utf8))
        }
      }
    }
    service.cancel()
    try await serving.value
  }

  @Test func `a request fails at once without a subscriber and in time without a reply`() async throws {
    await #expect(throws: BrokerError.noSubscriber(topic: "a.b")) {
      try await broker.request(event("a.b"), until: later)
    }
    let deaf = try subscribe("a.*")
    await #expect(throws: BrokerError.noReply(topic: "a.b")) { try await broker.request(event("a.b"), until: soon) }
    #expect(await deaf.next()?.replyTo != nil)
  }

  @Test func `a subscription that nobody holds any more is gone`() throws {
    do { _ = try subscribe("a.*", capacity: 1) }
    #expect(try broker.publish(event("a.b")) == 0)
  }

  @Test func `a cancelled reader loses no event`() async throws {
    let subscription = try subscribe("a.*")
    let reader = Task { await subscription.next() }
    reader.cancel()
    #expect(await reader.value == nil)
    try broker.publish(event("a.b"))
    #expect(await subscription.next() != nil)
  }

  @Test func `closing ends readers, requests and publishers`() async throws {
    let subscription = try subscribe("a.*", capacity: 1)
    let reader = Task { await subscription.next() }
    try await Task.sleep(for: .milliseconds(1))
    broker.close()
    #expect(await reader.value == nil)
    #expect(throws: BrokerError.closed) { try broker.publish(event("a.b")) }
    #expect(broker.refusal == .brokerClosed && broker.gauge == 1)
  }

  @Test func `readiness follows the store`() {
    let refusing = LocalBroker(refusal: { .storeFull })
    #expect(refusing.refusal == .storeFull && !refusing.isReady && refusing.gauge == 1)
    #expect(broker.isReady && broker.gauge == 0)
  }

  @Test(arguments: ["", "a..b", "a.*", ">", "a b"])
  func `what is no topic is not published`(topic: String) {
    #expect(throws: BrokerError.invalidTopic) { try broker.publish(event(topic)) }
  }

  @Test func `the envelope has its fields in order`() throws {
    let event = BrokerEvent(
      topic: "a.b", source: "test", payload: Array(#"{"x":1}"#.utf8), id: "1", timestamp: 1_700_000_000_123_000_000)
    #expect(
      event.json.text()
        == #"{"id":"1","timestamp":"2023-11-14T22:13:20.123Z","topic":"a.b","source":"test","session_id":null,"payload":{"x":1}}"#
    )
  }
}
