// Tests of the ledger's rules: order, leases, retries, expiry, dead letters, and books that balance throughout.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostLinux
import HostReasons
import HostStore
import Synchronization
import TestSupport
import Testing

/// A wall clock that stands still until told otherwise.
final class FalseWall: Sendable {
  private let time = Atomic<UInt64>(1_800_000_000_000_000_000)
  var now: UInt64 { time.load(ordering: .relaxed) }
  func advance(_ duration: Duration) { time.add(duration.nanoseconds, ordering: .relaxed) }
}

/// A ledger in a folder of its own.
struct LedgerSite: Sendable {
  let folder: TemporaryFolder
  let wall = FalseWall()
  var path: String { folder.file("state/ledger.sqlite") }

  init() throws { folder = try TemporaryFolder("ledger") }

  func open(_ policy: LedgerPolicy = LedgerPolicy(), _ options: DatabaseOptions = DatabaseOptions()) async throws
    -> Ledger
  {
    let ledger = try Ledger(path, policy: policy, store: options, clock: { wall.now })
    try await ledger.start()
    return ledger
  }
}

func message(
  _ key: String, session: String = "s", queue: String = "inbound", payload: String = "{}", life: Duration? = nil
) -> LedgerMessage {
  LedgerMessage(
    queue: queue, topic: "plugin.inbound.test", source: "test", session: session, key: key,
    payload: Array(payload.utf8), life: life)
}

@Suite("Ledger", .timeLimit(.minutes(2)))
struct LedgerTests {
  let site: LedgerSite

  init() throws { site = try LedgerSite() }

  func counts(_ ledger: Ledger) async throws -> LedgerCounts {
    try #require(try await ledger.counts().first { $0.queue == "inbound" })
  }

  /// Closes it and audits what is on disk.
  func closeAndAudit(_ ledger: Ledger) async throws {
    await ledger.close()
    #expect(try LedgerAudit.run(Database(site.path)).faults == [])
  }

  @Test func `a message is accepted, leased with all it came with, and answered`() async throws {
    let ledger = try await site.open()
    let offered = message("k1", payload: #"{"text":"hi"}"#)
    guard case .accepted(let id) = try await ledger.accept(offered) else { return #expect(Bool(false)) }
    let lease = try #require(await ledger.next(queue: "inbound")?.first)
    #expect(lease.id == id && lease.payload == offered.payload && lease.key == "k1" && lease.delivery == 1)
    #expect(lease.topic == offered.topic && lease.session == "s" && lease.acceptedAt == site.wall.now)
    try await ledger.answer(lease)
    let counts = try await counts(ledger)
    #expect(counts.answered == 1 && counts.inFlight == 0 && counts.inFlightBytes == 0 && counts.balances)
    try await closeAndAudit(ledger)
    let left = try Database(site.path).first("SELECT count(*) FROM payloads") { $0.integer(0) }
    #expect(left == 0)
  }

  @Test func `the same key is the same message, in flight and after its end, but not in another queue`() async throws {
    let ledger = try await site.open()
    guard case .accepted(let id) = try await ledger.accept(message("k")) else { return #expect(Bool(false)) }
    #expect(try await ledger.accept(message("k", session: "other")) == .duplicate(id: id))
    let lease = try #require(try await ledger.poll(queue: "inbound").first)
    try await ledger.answer(lease)
    #expect(try await ledger.accept(message("k")) == .duplicate(id: id))
    #expect(try await ledger.accept(message("k", queue: "outbound")) != .duplicate(id: id))
    #expect(try await counts(ledger).accepted == 1)
    try await closeAndAudit(ledger)
  }

  @Test func `one session is worked off in order, others at the same time`() async throws {
    let ledger = try await site.open()
    for number in 0..<3 {
      for session in ["a", "b", "c"] { _ = try await ledger.accept(message("\(session)\(number)", session: session)) }
    }
    let first = try await ledger.poll(queue: "inbound", limit: 100)
    #expect(first.map(\.key) == ["a0", "b0", "c0"])
    #expect(try await ledger.poll(queue: "inbound", limit: 100) == [])
    try await ledger.answer(first[1])
    #expect(try await ledger.poll(queue: "inbound", limit: 100).map(\.key) == ["b1"])
    try await closeAndAudit(ledger)
  }

  @Test func `a transient failure is tried again after its wait, in its place, and then given up`() async throws {
    var policy = LedgerPolicy()
    policy.attempts = 3
    let ledger = try await site.open(policy)
    for key in ["first", "second"] { _ = try await ledger.accept(message(key)) }
    for attempt in 1...3 {
      let lease = try #require(try await ledger.poll(queue: "inbound").first)
      #expect(lease.key == "first" && lease.delivery == attempt)
      let fate = try await ledger.fail(lease, .transient(.booting, "busy", retryAfter: .seconds(30)))
      if attempt == 3 {
        #expect(fate == .deadLettered(.exhausted))
      } else {
        #expect(fate == .retried(notBefore: site.wall.now + 30_000_000_000))
        site.wall.advance(.seconds(29))
        #expect(try await ledger.poll(queue: "inbound") == [])
        site.wall.advance(.seconds(1))
      }
    }
    #expect(try await ledger.poll(queue: "inbound").first?.key == "second")
    let letter = try #require(try await ledger.deadLetters().first)
    #expect(letter.failureClass == .exhausted && letter.reason == "host.booting" && letter.deliveries == 3)
    try await closeAndAudit(ledger)
  }

  @Test func `what could not even be tried uses up no attempt, and expires at the end of its life`() async throws {
    var policy = LedgerPolicy()
    policy.attempts = 3
    policy.life = .seconds(60)
    let ledger = try await site.open(policy)
    _ = try await ledger.accept(message("k"))
    for _ in 0..<10 {
      let lease = try #require(try await ledger.poll(queue: "inbound").first)
      let fate = try await ledger.fail(lease, .notTried(.booting, "nobody is there"))
      guard case .retried(let notBefore) = fate else {
        Issue.record("\(fate)")
        return
      }
      site.wall.advance(.nanoseconds(notBefore - site.wall.now))
    }
    #expect(try await ledger.deadLetters() == [])
    site.wall.advance(.seconds(60))
    #expect(try await ledger.poll(queue: "inbound") == [])
    try await closeAndAudit(ledger)
  }

  @Test func `a permanent failure is a dead letter at once, and the session goes on`() async throws {
    let ledger = try await site.open()
    for key in ["first", "second"] { _ = try await ledger.accept(message(key, payload: #"{"a":1}"#)) }
    let lease = try #require(try await ledger.poll(queue: "inbound").first)
    #expect(try await ledger.fail(lease, .permanent(.brokerInvalid, "no")) == .deadLettered(.permanent))
    #expect(try await ledger.poll(queue: "inbound").first?.key == "second")
    let letter = try #require(try await ledger.deadLetter(lease.id))
    #expect(letter.payload == Array(#"{"a":1}"#.utf8))
    try await closeAndAudit(ledger)
  }

  @Test func `a dead letter can be replayed, and purged ones stay in the books`() async throws {
    let ledger = try await site.open()
    for key in ["a", "b", "c"] { _ = try await ledger.accept(message(key)) }
    for _ in 0..<2 {
      let lease = try #require(try await ledger.poll(queue: "inbound").first)
      try await ledger.fail(lease, .permanent(.brokerInvalid, "no"))
    }
    let letters = try await ledger.deadLetters()
    #expect(letters.count == 2)
    site.wall.advance(.seconds(10_000))
    try await ledger.replay(letters[1].id)
    await #expect(throws: LedgerError.unknownDeadLetter(id: letters[1].id)) { try await ledger.replay(letters[1].id) }
    #expect(try await ledger.purge() == 1)
    let counts = try await counts(ledger)
    #expect(counts.deadLettered == 1 && counts.inFlight == 2 && counts.balances)
    #expect(try await ledger.verify().faults == [])
    try await closeAndAudit(ledger)
  }

  @Test func `a message older than its life expires instead of being answered late`() async throws {
    let ledger = try await site.open()
    _ = try await ledger.accept(message("short", life: .seconds(10)))
    _ = try await ledger.accept(message("long"))
    site.wall.advance(.seconds(11))
    #expect(try await ledger.poll(queue: "inbound") == [])
    let sweeping = Task { await ledger.run() }
    #expect(await ledger.next(queue: "inbound")?.first?.key == "long")
    sweeping.cancel()
    await sweeping.value
    #expect(try await counts(ledger).expired == 1)
    try await closeAndAudit(ledger)
  }

  @Test func `a lost lease is delivered again and its old holder has no say`() async throws {
    let ledger = try await site.open()
    _ = try await ledger.accept(message("k"))
    let lost = try #require(try await ledger.poll(queue: "inbound").first)
    site.wall.advance(.seconds(299))
    try await ledger.renew(lost)
    site.wall.advance(.seconds(301))
    let sweeping = Task { await ledger.run() }
    while try await ledger.counts().isEmpty == false {
      site.wall.advance(.seconds(1))
      if let again = try await ledger.poll(queue: "inbound").first {
        #expect(again.delivery == 2)
        await #expect(throws: LedgerError.leaseLost(id: lost.id)) { try await ledger.answer(lost) }
        await #expect(throws: LedgerError.leaseLost(id: lost.id)) { try await ledger.renew(lost) }
        try await ledger.answer(again)
        break
      }
      await Task.yield()
    }
    await #expect(throws: LedgerError.leaseLost(id: lost.id)) { try await ledger.answer(lost) }
    sweeping.cancel()
    await sweeping.value
    try await closeAndAudit(ledger)
  }

  @Test func `a restart delivers again what was leased, and gives up what kills the host again and again`() async throws
  {
    var policy = LedgerPolicy()
    policy.crashes = 3
    for restart in 1...3 {
      let ledger = try await site.open(policy)
      _ = try await ledger.accept(message("k"))
      site.wall.advance(.seconds(60))
      let lease = try #require(try await ledger.poll(queue: "inbound").first)
      #expect(lease.delivery == restart)
      await ledger.close()
    }
    let ledger = try await site.open(policy)
    #expect(try await ledger.poll(queue: "inbound") == [])
    #expect(try await ledger.deadLetters().first?.failureClass == .poisoned)
    try await closeAndAudit(ledger)
  }

  @Test func `what a turn gives rise to is stored with its end, once`() async throws {
    let ledger = try await site.open()
    _ = try await ledger.accept(message("k"))
    let lease = try #require(try await ledger.poll(queue: "inbound").first)
    let reply = message("k/0", queue: "outbound")
    try await ledger.answer(lease, emitting: [reply])
    await #expect(throws: LedgerError.self) {
      try await ledger.answer(lease, emitting: [message("k/1", queue: "outbound")])
    }
    #expect(try await ledger.poll(queue: "outbound", limit: 9).map(\.key) == ["k/0"])
    try await closeAndAudit(ledger)
  }

  @Test func `releasing gives a message back at once`() async throws {
    let ledger = try await site.open()
    _ = try await ledger.accept(message("k"))
    try await ledger.release(try #require(try await ledger.poll(queue: "inbound").first))
    #expect(try await ledger.poll(queue: "inbound").first?.delivery == 2)
    try await closeAndAudit(ledger)
  }

  @Test func `a full backlog refuses and takes again when there is room`() async throws {
    var policy = LedgerPolicy()
    policy.inFlightLimit = 2
    policy.inFlightBytesLimit = 100
    let ledger = try await site.open(policy)
    _ = try await ledger.accept(message("a", session: "a"))
    await #expect(throws: LedgerError.backlogFull(queue: "inbound")) {
      try await ledger.accept(message("big", payload: String(repeating: "x", count: 99)))
    }
    _ = try await ledger.accept(message("b", session: "b"))
    await #expect(throws: LedgerError.backlogFull(queue: "inbound")) { try await ledger.accept(message("c")) }
    // A repetition needs no room, and neither does another queue.
    _ = try await ledger.accept(message("a"))
    _ = try await ledger.accept(message("a", queue: "outbound"))
    try await ledger.answer(try #require(try await ledger.poll(queue: "inbound").first))
    _ = try await ledger.accept(message("c"))
    try await closeAndAudit(ledger)
  }

  @Test(arguments: [
    ("", "s", "k", "a.b"), ("q", "", "k", "a.b"), ("q", "s", "", "a.b"), ("q", "s", "k", "a..b"),
    ("q", "s", "k", "a.*"),
    (String(repeating: "q", count: 65), "s", "k", "a.b"), ("q", String(repeating: "s", count: 513), "k", "a.b"),
  ])
  func `a message that breaks a rule is refused for good`(q: String, s: String, k: String, topic: String) async throws {
    let ledger = try await site.open()
    let bad = LedgerMessage(queue: q, topic: topic, source: "", session: s, key: k, payload: [])
    do throws(LedgerError) {
      _ = try await ledger.accept(bad)
      Issue.record("it was taken")
    } catch { #expect(!error.isTransient && error.reason == .brokerInvalid) }
    await ledger.close()
  }

  @Test func `ended messages are pruned in time and in number, and the books remember them`() async throws {
    var policy = LedgerPolicy()
    policy.finishedLimit = 5
    policy.deadLetterLimit = 3
    let ledger = try await site.open(policy)
    for number in 0..<40 {
      _ = try await ledger.accept(message("\(number)"))
      let lease = try #require(try await ledger.poll(queue: "inbound").first)
      if number < 20 {
        try await ledger.answer(lease)
      } else {
        try await ledger.fail(lease, .permanent(.brokerInvalid, "no"))
      }
      site.wall.advance(.seconds(1))
    }
    let sweeping = Task { await ledger.run() }
    while try await ledger.deadLetters().count > 3 { await Task.yield() }
    sweeping.cancel()
    await sweeping.value
    let counts = try await counts(ledger)
    #expect(counts.answered == 20 && counts.deadLettered == 20 && counts.balances)
    try await closeAndAudit(ledger)
    #expect(try Database(site.path).first("SELECT count(*) FROM messages") { $0.integer(0) } == 8)
  }

  @Test func `next waits for a message and ends when it is cancelled or the ledger closes`() async throws {
    let ledger = try await site.open()
    async let leases = ledger.next(queue: "inbound")
    _ = try await ledger.accept(message("k"))
    #expect(await leases?.count == 1)
    let cancelled = Task { await ledger.next(queue: "inbound") }
    cancelled.cancel()
    #expect(await cancelled.value == nil)
    let closed = Task { await ledger.next(queue: "inbound") }
    await ledger.close()
    #expect(await closed.value == nil)
  }

  @Test func `an empty queue is looked into again when a message comes, when one goes free and when one is due`()
    async throws
  {
    let ledger = try await site.open()
    func waiting() -> Task<String?, Never> { Task { await ledger.next(queue: "inbound")?.first?.key } }
    // Empty: then one comes.
    let first = waiting()
    _ = try await ledger.accept(message("a"))
    #expect(await first.value == "a")
    // One behind it in its session, which is not to be had until the first has ended.
    let lease = try #require(
      await Task { () -> LedgerLease? in
        _ = try? await ledger.accept(message("b", session: "other"))
        return await ledger.next(queue: "inbound")?.first
      }.value)
    _ = try await ledger.accept(message("c", session: "other"))
    let second = waiting()
    try await ledger.answer(lease)
    #expect(await second.value == "c")
    // One that failed and is due later, by the ledger's clock: known to be nothing until then.
    _ = try await ledger.accept(message("d", session: "third"))
    let failed = try #require(await ledger.next(queue: "inbound")?.first)
    try await ledger.fail(failed, .transient(.booting, "busy", retryAfter: .seconds(20)))
    #expect(try await ledger.poll(queue: "inbound") == [])
    let late = waiting()
    site.wall.advance(.seconds(21))
    // Of whatever queue or session, a change has it look at the clock again.
    _ = try await ledger.accept(message("e", session: "fourth"))
    #expect(await late.value == "d")
    await ledger.close()
  }

  @Test func `what waits for somebody to be there is due once somebody is, and nothing else is`() async throws {
    let ledger = try await site.open()
    for key in ["waits", "other"] { _ = try await ledger.accept(message(key, session: key)) }
    for lease in try await ledger.poll(queue: "inbound", limit: 2) {
      let reason: Reason = lease.key == "waits" ? .agentsNoChannel : .booting
      try await ledger.fail(lease, .notTried(reason, "not there", retryAfter: .seconds(60)))
    }
    try await ledger.hurry(queue: "outbound", .agentsNoChannel)
    #expect(try await ledger.poll(queue: "inbound") == [])
    let waiting = Task { await ledger.next(queue: "inbound") }
    try await ledger.hurry(queue: "inbound", .agentsNoChannel)
    #expect(await waiting.value?.map(\.key) == ["waits"])
    #expect(try await ledger.poll(queue: "inbound") == [])
    try await closeAndAudit(ledger)
  }

  @Test func `an audit sees what does not add up`() async throws {
    let ledger = try await site.open()
    for number in 0..<4 { _ = try await ledger.accept(message("\(number)")) }
    await ledger.close()
    let database = try Database(site.path)
    for harm: StaticString in [
      "UPDATE totals SET answered = answered + 1", "DELETE FROM messages WHERE key = '3'",
      "UPDATE messages SET head = 1 WHERE key = '2'", "UPDATE messages SET state = 1 WHERE key = '1'",
      "DELETE FROM totals", "UPDATE messages SET state = 2 WHERE key = '0'",
    ] {
      try database.run("BEGIN")
      try database.run(harm)
      try database.run("COMMIT")
      #expect(try !LedgerAudit.run(database).holds, "\(harm)")
    }
  }
}
