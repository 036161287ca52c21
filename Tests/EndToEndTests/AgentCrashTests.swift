// Kills the real host at random moments while a channel hands in messages as fast as it can, again and again on one state
// folder. What was acked is answered in the end, under one key, and the ledger proves its books each time.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Conversations and kill -9", .timeLimit(.minutes(30)))
struct AgentCrashTests {
  /// The issue's figure with NEXO_TEST_CYCLES=300.
  static let rounds = min(getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 5, 300)

  @Test func `no acked message is lost wherever the host is killed, and the books balance each time`() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    let site = try Site("crash")
    try site.dropCourier()
    // A machine that gives the probe of the plugin no time has it refused for that life; such a round proves less.
    var quiet = 0
    for round in 0..<Self.rounds {
      let place: Comment = "seed \(seed) round \(round)"
      let size = site.journalSize
      let host = try HostProcess(site)
      // While it starts (the ledger is opened, the messages of the run before are taken back), while the channel comes up,
      // and, most often, while messages go in and out.
      var isUp = true
      if round % 4 > 0 { isUp = try await eventually { try site.journal(from: size).runs > 0 } }
      if isUp, round % 4 > 1 { isUp = try await eventually { try !site.journal(from: size).acked.isEmpty } }
      if !isUp { quiet += 1 }
      usleep(UInt32.random(in: 0...700_000, using: &random))
      host.child.signal(SIGKILL)
      #expect(await host.child.ended() == .signalled(SIGKILL), "\(place): \(host.child.errors)")
      guard (try? FileStatus.of(site.state + "/ledger.sqlite")) != nil else { continue }
      let audit = try await site.verify()
      #expect(audit.end == .exited(0), "\(place): \(audit.output) \(audit.errors)")
      // Lives this short take in more than they answer: what waits must not grow older than a message lives.
      if round % 25 == 24 || round == Self.rounds - 1 { try await settle(site, place) }
    }
    let journal = try site.journal()
    #expect(journal.faults == [], "seed \(seed)")
    #expect(journal.acked.count > Self.rounds, "seed \(seed): \(journal.acked.count) acked")
    #expect(quiet <= Self.rounds / 2, "seed \(seed): in \(quiet) rounds the plugin did not come up")
    let audit = try JSON.parse(Array(try await site.verify().output.utf8))
    #expect(audit["holds"]?.bool == true, "\(audit.text())")
    for queue in audit["queues"]?.array ?? [] {
      #expect(queue["dead_lettered"]?.integer == 0 && queue["expired"]?.integer == 0, "seed \(seed): \(queue.text())")
    }
    print(
      "kill -9: seed \(seed), rounds \(Self.rounds), \(quiet) without the plugin, acked \(journal.acked.count),",
      "answered \(journal.replies.count),",
      "answered again by another process \(journal.repeated)")
  }

  /// Nothing new comes in for a while, and what is left is worked off.
  private func settle(_ site: Site, _ place: Comment) async throws {
    try site.dropCourier(["COUNT=1"])
    let host = try await RunningHost(site)
    #expect(try await eventually(seconds: 240) { try site.journal().unanswered.isEmpty }, place)
    #expect(
      try await eventually { try host.value(#"nexo_broker_queue_depth{queue="ledger.outbound"}"#) == 0 }, place)
    #expect(await host.process.stop() == .exited(0), place)
    try site.dropCourier()
  }

  /// Asks until it holds or the time is over.
  private func eventually(seconds: Int = 30, _ holds: () throws -> Bool) async throws -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while Clock.monotonic() < deadline {
      if try holds() { return true }
      try await Task.sleep(for: .milliseconds(20))
    }
    return false
  }
}
