// Kills a process that drives a ledger at random moments and audits what is left on disk, again and again on one
// file. Nothing that was reported as accepted may be missing, nothing answered may be answered again.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostBroker
import HostLinux
import HostStore
import TestSupport
import Testing

@Suite("Ledger, kill -9", .timeLimit(.minutes(10)))
struct LedgerCrashTests {
  /// `NEXO_CRASH_ROUNDS=300` for a long run.
  static var rounds: Int { getenv("NEXO_CRASH_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 12 }
  static var driver: String { Path.join(Path.executableFolder(), "ledger-driver") }

  @Test func `no accepted message is lost wherever the process is killed`() async throws {
    let site = try LedgerSite()
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    var (accepted, answered): (Set<Substring>, Set<Substring>) = ([], [])
    for round in 0..<Self.rounds {
      let child = try ChildProcess([Self.driver, site.path, "r\(round)"])
      _ = await child.wait { $0.output.contains("started") }
      usleep(UInt32.random(in: 0...150_000, using: &random))
      child.signal(SIGKILL)
      #expect(await child.ended() == .signalled(SIGKILL), "seed \(seed) round \(round): \(child.errors)")
      for line in child.output.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count == 2 else { continue }
        if words[0] == "accepted" { accepted.insert(words[1]) }
        if words[0] == "answered" {
          #expect(answered.insert(words[1]).inserted, "seed \(seed): \(words[1]) was answered twice")
        }
      }
      let database = try Database(site.path)
      #expect(try LedgerAudit.run(database).faults == [], "seed \(seed) round \(round)")
      try check(database, accepted, answered, "seed \(seed) round \(round)")
    }
    #expect(accepted.count > Self.rounds && !answered.isEmpty)
    try await drain(site, "seed \(seed)")
  }

  private func check(
    _ database: Database, _ accepted: Set<Substring>, _ answered: Set<Substring>, _ place: String
  ) throws {
    let rows = try database.rows("SELECT queue, key, state FROM messages") { ($0.text(0), $0.text(1), $0.integer(2)) }
    let inbound = Dictionary(uniqueKeysWithValues: rows.filter { $0.0 == "inbound" }.map { ($0.1, $0.2) })
    let replies = Set(rows.filter { $0.0 == "outbound" }.map(\.1))
    let lost = accepted.filter { inbound[String($0)] == nil }
    #expect(lost.isEmpty, "\(place): lost \(lost.prefix(5))")
    let reopened = answered.filter { inbound[String($0)] != 2 || !replies.contains($0 + "/0") }
    #expect(reopened.isEmpty, "\(place): not answered with their reply \(reopened.prefix(5))")
  }

  /// What the last kill left behind can be worked off to the end.
  private func drain(_ site: LedgerSite, _ place: String) async throws {
    let ledger = try Ledger(site.path)
    try await ledger.start()
    // Work in their backoff is due within the driver's 100 ms.
    while let counts = try await ledger.counts().first(where: { $0.queue == "inbound" }), counts.inFlight > 0 {
      let sweeping = Task { await ledger.run() }
      for lease in try await ledger.poll(queue: "inbound", limit: 500) { try await ledger.answer(lease) }
      sweeping.cancel()
      await sweeping.value
    }
    let audit = try await ledger.verify()
    #expect(audit.faults == [], "\(place)")
    await ledger.close()
  }
}
