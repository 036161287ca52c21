// The gate over a real store, with a channel and clocks of the test's.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostMetrics
import HostReasons
import HostStore
import Synchronization
import TestSupport
import Testing

@testable import HostPairing

/// A channel that lower-cases senders and notes its challenges.
final class ScriptedChannel: ChallengeAdapter {
  struct Script {
    var result = ChallengeResult.deliveredViaAdapter
    var spelling: @Sendable (String) -> SenderSpelling = { .spelled($0.lowercased()) }
    var sent: [Challenge] = []
    var spelled = 0
  }
  let script = Mutex(Script())

  func spelling(of sender: String, channel: String) async -> SenderSpelling {
    script.withLock { script in
      script.spelled += 1
      return script.spelling(sender)
    }
  }
  func send(_ challenge: Challenge) async -> ChallengeResult {
    script.withLock { script in
      script.sent.append(challenge)
      return script.result
    }
  }
  var sent: [Challenge] { script.withLock { $0.sent } }
}

@Suite("Challenge gate")
struct ChallengeGateTests {
  struct Bench {
    let site: PairingSite
    let channel = ScriptedChannel()
    let gate: ChallengeGate
    let desk: PairingDesk

    init(_ site: PairingSite, store: PairingStore? = nil) {
      self.site = site
      let store = store ?? site.store
      gate = ChallengeGate(
        store: store, adapter: channel, registry: site.registry, clock: { site.now }, monotonic: { site.now })
      desk = PairingDesk(store: store, gate: gate, registry: site.registry, clock: { site.now })
    }

    func judge(_ sender: String, account: String = "main") async -> GateVerdict {
      await gate.judge(
        GateQuestion(
          channel: "alpha", account: account, sender: sender, chat: sender, isGroup: false, agent: "echo"))
    }
  }

  @Test
  func `an unknown sender is sent one code, is answered again after ten minutes, and gets a new one after an hour`()
    async throws
  {
    let bench = Bench(try PairingSite())
    #expect(await bench.judge("Ana") == .refused(.pairingChallenged))
    let first = try #require(bench.channel.sent.first)
    #expect(first.peer.sender == "ana" && first.address == "Ana" && first.secondsLeft == 3_600)
    #expect(first.code.utf8.count == 8)
    #expect(first.code.allSatisfy { "ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains($0) })
    for _ in 0..<5 { #expect(await bench.judge("ANA") == .refused(.pairingCoolingDown)) }
    bench.site.advance(.seconds(599))
    #expect(await bench.judge("ana") == .refused(.pairingCoolingDown))
    // The decision before is remembered for 30 s.
    bench.site.advance(.seconds(31))
    #expect(await bench.judge("ana") == .refused(.pairingChallenged))
    #expect(bench.channel.sent.map(\.code) == [first.code, first.code])
    #expect(bench.channel.sent.last?.secondsLeft == 3_600 - 630)
    bench.site.advance(.seconds(3_000))
    #expect(await bench.judge("ana") == .refused(.pairingChallenged))
    #expect(bench.channel.sent.count == 3 && bench.channel.sent.last?.code != first.code)
    #expect(bench.site.value("pairing_codes_expired_total") == 1)
    #expect(
      bench.site.value(#"pairing_inbound_challenged_total{channel="alpha",result="delivered_via_adapter"}"#) == 3)
  }

  @Test func `three may wait on an account; a fourth is dropped, another account has its own places`() async throws {
    let bench = Bench(try PairingSite())
    for sender in ["a", "b", "c"] { #expect(await bench.judge(sender) == .refused(.pairingChallenged)) }
    #expect(await bench.judge("d") == .refused(.pairingNoSlot))
    #expect(await bench.judge("d", account: "other") == .refused(.pairingChallenged))
    #expect(try await bench.site.store.requests(now: bench.site.now).count == 4)
    // A place becomes free when a code expires, though its row is kept a while to say so.
    bench.site.advance(.seconds(3_600))
    #expect(await bench.judge("d") == .refused(.pairingChallenged))
  }

  @Test func `approval lets in at once, revocation shuts out at once, and a seed needs no code`() async throws {
    let bench = Bench(try PairingSite())
    #expect(await bench.judge("Ana") == .refused(.pairingChallenged))
    #expect(await bench.judge("Ana") == .refused(.pairingCoolingDown))
    let code = bench.channel.sent[0].code.lowercased()
    let approval = try await bench.desk.approve(" \(code.prefix(4))-\(code.suffix(4))", via: .console)
    #expect(approval.peer.sender == "ana" && approval.via == "console")
    #expect(await bench.judge("ana") == .admitted)
    #expect(await bench.judge("ana", account: "other") == .refused(.pairingChallenged))
    #expect(
      await reason { () async throws(PairingError) in _ = try await bench.desk.approve(code, via: .cli) }
        == "pairing.code_unknown")
    #expect(try await bench.desk.revoke(channel: "alpha", sender: "ANA") == 1)
    #expect(await bench.judge("ana") == .refused(.pairingChallenged))
    #expect(
      await reason { () async throws(PairingError) in _ = try await bench.desk.revoke(channel: "alpha", sender: "ana") }
        == "pairing.not_approved")
    #expect(try await bench.site.store.approvals().isEmpty)
    #expect(try await bench.site.store.approvals(includingRevoked: true).count == 1)
    #expect(try await bench.desk.seed(channel: "alpha", account: "main", senders: ["ANA", "Bob"]) == 2)
    #expect(try await bench.desk.seed(channel: "alpha", account: "main", senders: ["ana"]) == 0)
    #expect(await bench.judge("Ana") == .admitted)
    #expect(await bench.judge("bob") == .admitted)
    #expect(try await bench.site.store.requests(now: bench.site.now).map(\.peer.account) == ["other"])
    #expect(bench.site.value(#"pairing_approvals_total{channel="alpha",result="ok"}"#) == 1)
    #expect(bench.site.value(#"pairing_approvals_total{channel="",result="not_found"}"#) == 1)
  }

  @Test func `a code is good for exactly an hour, and an expired one says so once`() async throws {
    let bench = Bench(try PairingSite())
    #expect(await bench.judge("a") == .refused(.pairingChallenged))
    #expect(await bench.judge("b") == .refused(.pairingChallenged))
    let codes = bench.channel.sent.map(\.code)
    bench.site.advance(.seconds(3_599))
    _ = try await bench.desk.approve(codes[0], via: .cli)
    bench.site.advance(.seconds(1))
    func approve() async -> String? {
      await reason { () async throws(PairingError) in _ = try await bench.desk.approve(codes[1], via: .cli) }
    }
    #expect(await approve() == "pairing.code_expired")
    #expect(await approve() == "pairing.code_unknown")
    #expect(bench.site.value(#"pairing_approvals_total{channel="alpha",result="expired"}"#) == 1)
    await bench.gate.expire()
    #expect(bench.site.value("pairing_codes_expired_total") == 1)
  }

  @Test func `old codes are removed and each is counted once`() async throws {
    let bench = Bench(try PairingSite())
    for sender in ["a", "b", "c"] { _ = await bench.judge(sender) }
    bench.site.advance(.seconds(3_600 + 599))
    await bench.gate.expire()
    #expect(bench.site.value("pairing_codes_expired_total") == 0)
    bench.site.advance(.seconds(1))
    await bench.gate.expire()
    await bench.gate.expire()
    #expect(bench.site.value("pairing_codes_expired_total") == 3)
  }

  @Test func `a challenge that cannot be sent is tried again after a minute, and counted each time`() async throws {
    let bench = Bench(try PairingSite())
    bench.channel.script.withLock { $0.result = .publishFailed }
    #expect(await bench.judge("a") == .refused(.pairingChallenged))
    #expect(await bench.judge("a") == .refused(.pairingCoolingDown))
    bench.site.advance(.seconds(60))
    bench.channel.script.withLock { $0.result = .deliveredViaBroker }
    #expect(await bench.judge("a") == .refused(.pairingChallenged))
    bench.site.advance(.seconds(60))
    #expect(await bench.judge("a") == .refused(.pairingCoolingDown))
    #expect(bench.site.value(#"pairing_inbound_challenged_total{channel="alpha",result="publish_failed"}"#) == 1)
    #expect(bench.site.value(#"pairing_inbound_challenged_total{channel="alpha",result="delivered_via_broker"}"#) == 1)
  }

  @Test func `a sender that is none is refused, and a channel that does not say lets nobody in`() async throws {
    let bench = Bench(try PairingSite())
    #expect(await bench.judge("") == .refused(.pairingBadSender))
    bench.channel.script.withLock { $0.spelling = { _ in .refused } }
    #expect(await bench.judge("x") == .refused(.pairingBadSender))
    bench.channel.script.withLock { $0.spelling = { _ in .spelled("") } }
    #expect(await bench.judge("x") == .refused(.pairingBadSender))
    bench.channel.script.withLock { $0.spelling = { _ in .failed } }
    #expect(await bench.judge("x") == .unavailable(.pairingAdapterFailed))
    #expect(bench.channel.sent.isEmpty)
    bench.channel.script.withLock { $0.spelling = { .spelled($0) } }
    let before = bench.channel.script.withLock { $0.spelled }
    for _ in 0..<10 { _ = await bench.judge("x") }
    #expect(bench.channel.script.withLock { $0.spelled } == before + 1)
  }

  @Test func `many messages of one stranger at once give one challenge`() async throws {
    let bench = Bench(try PairingSite())
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { #expect(await bench.judge("a") != .admitted) } }
    }
    #expect(bench.channel.sent.count == 1)
  }

  @Test func `a thousand strangers cost three challenges and keep no known sender waiting`() async throws {
    let bench = Bench(try PairingSite())
    _ = try await bench.desk.seed(channel: "alpha", account: "main", senders: ["friend"])
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<1_000 { group.addTask { #expect(await bench.judge("s\(index)") != .admitted) } }
    }
    #expect(await bench.judge("friend") == .admitted)
    #expect(bench.channel.sent.count == 3)
    #expect(try await bench.site.store.requests(now: bench.site.now).count == 3)
  }

  @Test func `a full store lets known senders in by reading, refuses others with its reason, and recovers`()
    async throws
  {
    let site = try PairingSite()
    var options = DatabaseOptions()
    options.maxPages = 14
    let store = try PairingStore(site.folder.file("full.db"), options)
    let bench = Bench(site, store: store)
    _ = try await bench.desk.seed(channel: "alpha", account: "main", senders: ["friend"])
    var verdict = GateVerdict.admitted
    for index in 0..<2_000 where verdict != .unavailable(.storeFull) {
      verdict = await bench.judge("\(index) \(String(repeating: "x", count: 900))", account: "a\(index)")
    }
    #expect(verdict == .unavailable(.storeFull))
    #expect(store.fault?.reason == .storeFull)
    #expect(await bench.judge("friend") == .admitted)
    #expect(store.fault?.reason == .storeFull)
    site.advance(.seconds(9_000))
    await bench.gate.expire()
    await store.tryWriting()
    #expect(store.fault == nil)
    #expect(await bench.judge("new") == .refused(.pairingChallenged))
  }

  @Test func `a store that is read-only or removed lets no unknown sender in and says why`() async throws {
    let site = try PairingSite()
    _ = try await Bench(site).desk.seed(channel: "alpha", account: "main", senders: ["friend"])
    var options = DatabaseOptions()
    options.isReadOnly = true
    let store = try PairingStore(site.store.path, options)
    let bench = Bench(site, store: store)
    #expect(await bench.judge("stranger") == .unavailable(.storeReadOnly))
    #expect(store.fault?.reason == .storeReadOnly)
    #expect(await bench.judge("friend") == .admitted)
    unlink(site.store.path)
    bench.gate.forget()
    #expect(await bench.judge("friend") == .unavailable(.storeUnavailable))
    #expect(await bench.judge("stranger") == .unavailable(.storeUnavailable))
    // Nothing is made anew in its place: it would have forgotten every approval.
    #expect((try? FileStatus.of(site.store.path)) == nil)
    #expect(bench.channel.sent.isEmpty)
  }

  @Test func `two processes that approve, ask and seed at once lose nothing and take no fourth place`() async throws {
    let site = try PairingSite()
    let other = try PairingStore(site.store.path)
    let (one, two) = (Bench(site), Bench(site, store: other))
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<40 {
        group.addTask { _ = await (index.isMultiple(of: 2) ? one : two).judge("s\(index)") }
        group.addTask {
          _ = try? await (index.isMultiple(of: 2) ? two : one).desk.seed(
            channel: "alpha", account: "main", senders: ["k\(index)"])
        }
      }
    }
    #expect(try await other.requests(now: site.now).count == 3)
    #expect(try await site.store.approvals().count == 40)
    for request in try await other.requests(now: site.now) {
      async let first = reason { () async throws(PairingError) in
        _ = try await one.desk.approve(request.code, via: .cli)
      }
      async let second = reason { () async throws(PairingError) in
        _ = try await two.desk.approve(request.code, via: .cli)
      }
      #expect(await Set([first, second]) == [nil, "pairing.code_unknown"])
    }
    #expect(try await site.store.approvals().count == 43)
  }

  @Test func `the gauge is what the file says, whoever changed it, and keeps channels that are empty again`()
    async throws
  {
    let site = try PairingSite()
    let bench = Bench(site)
    let gauge = PendingGauge(site.store.path, registry: site.registry, clock: { site.now })
    #expect(gauge.counts().isEmpty)
    for sender in ["a", "b"] { _ = await bench.judge(sender) }
    #expect(gauge.counts() == ["alpha": 2])
    let other = try PairingStore(site.store.path)
    _ = try await other.approve(bench.channel.sent[0].code, via: .cli, now: site.now)
    #expect(site.value(#"pairing_requests_pending{channel="alpha"}"#) == 1)
    site.advance(.seconds(3_600))
    #expect(site.value(#"pairing_requests_pending{channel="alpha"}"#) == 0)
    await site.store.close()
    await other.close()
    unlink(site.store.path)
    #expect(site.value(#"pairing_requests_pending{channel="alpha"}"#) == nil)
  }
}
