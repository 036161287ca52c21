// Tests of breaker, backoff, bounded map and rate limiter, with a clock that the test moves.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostResilience
import Synchronization
import TestSupport
import Testing

/// Nanoseconds that stand still until told otherwise.
final class FalseClock: Sendable {
  private let time = Atomic<UInt64>(1_000)
  var read: @Sendable () -> UInt64 { { self.time.load(ordering: .relaxed) } }
  func advance(_ duration: Duration) { time.add(duration.nanoseconds, ordering: .relaxed) }
}

@Suite("Circuit breaker")
struct CircuitBreakerTests {
  let clock = FalseClock()
  let breaker: CircuitBreaker

  init() { breaker = CircuitBreaker("llm.test", clock: clock.read) }

  func fail(_ times: Int) { for _ in 0..<times { breaker.record(.failure, breaker.ask()) } }

  @Test func `five failures in a row open it and four do not`() {
    fail(4)
    breaker.record(.success, breaker.ask())
    fail(4)
    #expect(breaker.state == .closed)
    fail(1)
    #expect(breaker.state == .open)
    #expect(breaker.ask() == nil)
    #expect(breaker.retryAfter == .seconds(10))
    #expect(breaker.gauge == 1)
  }

  @Test func `after its time one probe goes through, and two good ones close it`() throws {
    fail(5)
    clock.advance(.seconds(10))
    #expect(breaker.state == .halfOpen)
    let probe = try #require(breaker.ask())
    #expect(breaker.ask() == nil)
    #expect(breaker.record(.success, probe) == nil)
    #expect(breaker.state == .halfOpen)
    let second = try #require(breaker.ask())
    #expect(breaker.record(.success, second) == CircuitBreaker.Change(from: .halfOpen, to: .closed))
    #expect(breaker.gauge == 0)
    fail(4)
    #expect(breaker.state == .closed)
  }

  @Test func `each failed probe doubles the time up to two minutes`() {
    fail(5)
    for seconds in [10, 20, 40, 80, 120, 120] {
      #expect(breaker.retryAfter == .seconds(seconds))
      clock.advance(.seconds(seconds) - .nanoseconds(Int64(1)))
      #expect(breaker.ask() == nil)
      clock.advance(.nanoseconds(Int64(1)))
      breaker.record(.failure, breaker.ask())
    }
  }

  @Test func `late results of calls from before it opened change nothing`() {
    let permits = (0..<20).compactMap { _ in breaker.ask() }
    for permit in permits { breaker.record(.failure, permit) }
    #expect(breaker.retryAfter == .seconds(10))
    breaker.record(.success, permits.first)
    #expect(breaker.state == .open)
    clock.advance(.seconds(10))
    let probe = breaker.ask()
    breaker.record(.failure, permits.first)
    #expect(breaker.state == .halfOpen)
    breaker.record(.success, permits.first)
    breaker.record(.success, probe)
    #expect(breaker.state == .halfOpen)
  }

  @Test func `a neutral result frees the probe and decides nothing`() throws {
    fail(5)
    clock.advance(.seconds(10))
    let probe = try #require(breaker.ask())
    breaker.record(.neutral, probe)
    #expect(breaker.state == .halfOpen)
    #expect(breaker.ask() != nil)
  }

  @Test func `a probe that never reports blocks the next only for its lease`() throws {
    fail(5)
    clock.advance(.seconds(10))
    let lost = try #require(breaker.ask())
    clock.advance(.seconds(119))
    #expect(breaker.ask() == nil)
    clock.advance(.seconds(1))
    let next = try #require(breaker.ask())
    breaker.record(.failure, lost)
    #expect(breaker.state == .halfOpen)
    breaker.record(.success, next)
    #expect(breaker.ask() != nil)
  }

  @Test func `reports without a permit count as of now, and not while open`() {
    for _ in 0..<5 { breaker.record(.failure) }
    #expect(breaker.state == .open)
    breaker.record(.failure)
    #expect(breaker.retryAfter == .seconds(10))
    clock.advance(.seconds(10))
    _ = breaker.ask()
    breaker.record(.success)
    _ = breaker.ask()
    breaker.record(.success)
    #expect(breaker.state == .closed)
  }

  @Test func `trip opens at once, twice doubles, reset closes`() {
    breaker.trip()
    #expect(breaker.retryAfter == .seconds(10))
    breaker.trip()
    #expect(breaker.retryAfter == .seconds(20))
    #expect(breaker.reset() == CircuitBreaker.Change(from: .open, to: .closed))
    #expect(breaker.ask() != nil)
  }

  @Test func `whatever happens, there is at most one probe out and open refuses`() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    var machine = BreakerMachine()
    var now: UInt64 = 0
    var permits: [BreakerPermit] = []
    for _ in 0..<20_000 {
      now += UInt64.random(in: 0...3_000_000_000, using: &random)
      let before = machine.state(at: now)
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1:
        let permit = machine.ask(now: now)
        if before == .open { #expect(permit == nil, "seed \(seed)") }
        if let permit { permits.append(permit) }
        if before == .halfOpen, permit != nil {
          var copy = machine
          #expect(copy.ask(now: now) == nil, "seed \(seed)")
        }
      case 2:
        if let permit = permits.randomElement(using: &random) {
          machine.record(Bool.random(using: &random) ? .failure : .neutral, permit, now: now)
        }
      default: machine.record(.success, permits.popLast(), now: now)
      }
      #expect(machine.retryAt(now: now) <= now + 120_000_000_000, "seed \(seed)")
    }
  }
}

@Suite("Backoff")
struct BackoffTests {
  @Test func `the wait doubles, stays between half and whole, and is bounded`() {
    let backoff = Backoff(first: .seconds(1), longest: .seconds(30))
    for (failures, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (60, 30), (Int.max, 30)] {
      #expect(backoff.ceiling(after: failures) == .seconds(seconds))
      for _ in 0..<50 {
        let delay = backoff.delay(after: failures)
        #expect(delay >= .seconds(seconds) / 2 && delay <= .seconds(seconds))
      }
    }
  }

  @Test func `a wait that the other side asked for is the least`() {
    let backoff = Backoff(first: .seconds(1), longest: .seconds(30))
    #expect(backoff.delay(after: 1, atLeast: .seconds(90)) == .seconds(90))
  }
}

@Suite("Rate limiter")
struct RateLimiterTests {
  let clock = FalseClock()

  @Test func `a burst goes through, then the rate holds, per key`() {
    let limiter = RateLimiter<String>(RateLimit(perSecond: 2, burst: 3), clock: clock.read)
    for _ in 0..<3 { #expect(limiter.take("ana") == .allowed) }
    #expect(limiter.take("ana") == .refused(retryAfter: .milliseconds(500)))
    #expect(limiter.take("kate") == .allowed)
    clock.advance(.milliseconds(500))
    #expect(limiter.take("ana") == .allowed)
    #expect(limiter.take("ana") != .allowed)
    clock.advance(.seconds(3_600))
    for _ in 0..<3 { #expect(limiter.take("ana") == .allowed) }
    #expect(limiter.take("ana") != .allowed)
  }

  @Test func `a rate of nothing allows the burst and then never`() {
    let limiter = RateLimiter<Int>(RateLimit(perSecond: -.infinity, burst: .nan), clock: clock.read)
    #expect(limiter.take(1) == .allowed)
    #expect(limiter.take(1) == .refused(retryAfter: nil))
  }

  @Test func `a million senders do not grow it`() {
    let limiter = RateLimiter<Int>(RateLimit(perSecond: 1, burst: 1), keys: 100, clock: clock.read)
    for key in 0..<100_000 { _ = limiter.take(key) }
    #expect(limiter.count == 100)
    #expect(limiter.take(99_999) != .allowed)
  }
}

@Suite("Bounded map")
struct BoundedMapTests {
  @Test func `the least recently used entry makes room`() {
    var map = BoundedMap<String, Int>(capacity: 2)
    map.set("a", 1)
    map.set("b", 2)
    _ = map.find("a")
    _ = map.peek("b")
    #expect(map.set("c", 3)?.key == "b")
    #expect(map.keys == ["c", "a"])
  }

  @Test func `it does what a plain list does`() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    var map = BoundedMap<Int, Int>(capacity: 5)
    var model: [(Int, Int)] = []
    for step in 0..<20_000 {
      let key = Int.random(in: 0..<9, using: &random)
      let position = model.firstIndex { $0.0 == key }
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        map.set(key, step)
        if let position { model.remove(at: position) } else if model.count == 5 { model.removeLast() }
        model.insert((key, step), at: 0)
      case 1:
        #expect(map.find(key) == position.map { model[$0].1 }, "seed \(seed)")
        if let position { model.insert(model.remove(at: position), at: 0) }
      default:
        #expect(map.remove(key) == position.map { model[$0].1 }, "seed \(seed)")
        if let position { model.remove(at: position) }
      }
      #expect(map.keys == model.map(\.0), "seed \(seed)")
    }
  }
}
