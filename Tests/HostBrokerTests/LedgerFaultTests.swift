// The ledger on a sick disk: full, read-only, gone. It refuses with the reason, loses nothing, and recovers by itself.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostBroker
import HostLinux
import HostReasons
import HostStore
import TestSupport
import Testing

@Suite("Ledger on a sick disk", .timeLimit(.minutes(2)))
struct LedgerFaultTests {
  let site: LedgerSite
  static let big = String(repeating: "x", count: 20_000)

  init() throws { site = try LedgerSite() }

  /// Accepts until it is refused; returns the refusal and how many were taken.
  func fill(_ ledger: Ledger, from first: Int = 0) async -> (LedgerError, taken: Int) {
    for number in first... {
      do throws(LedgerError) {
        _ = try await ledger.accept(message("\(number)", session: "\(number)", payload: Self.big))
      } catch { return (error, number - first) }
    }
    return (.invalid("never"), 0)
  }

  /// Offers one message until it is taken; the ledger tries its store again once a second.
  func acceptEventually(_ ledger: Ledger, _ key: String) async {
    for _ in 0..<200 where (try? await ledger.accept(message(key, session: key))) == nil {
      try? await Task.sleep(for: .milliseconds(100))
    }
  }

  @Test func `a full file refuses with its reason and takes again once there is room`() async throws {
    var options = DatabaseOptions()
    options.maxPages = 60
    let ledger = try await site.open(LedgerPolicy(), options)
    let (error, taken) = await fill(ledger)
    #expect(error.reason == .storeFull && error.isTransient && taken > 2)
    #expect(ledger.status == .refusing(.storeFull))
    // While it refuses, the disk is left alone, and the answer is the same.
    await #expect(throws: LedgerError.self) { try await ledger.accept(message("more")) }
    // An end needs no room: it is waited for, frees some, and the ledger is ready again.
    let lease = try #require(await ledger.next(queue: "inbound")?.first)
    try await ledger.answer(lease)
    await acceptEventually(ledger, "small")
    #expect(ledger.status == .ready)
    let counts = try #require(try await ledger.counts().first)
    #expect(counts.accepted == taken + 1 && counts.balances)
    #expect(try await ledger.verify().faults == [])
    await ledger.close()
  }

  @Test func `a ledger that cannot be opened says so and starts once it can`() async throws {
    try site.folder.write("state", "in the way")
    let ledger = try Ledger(site.path)
    await #expect(throws: LedgerError.self) { try await ledger.start() }
    #expect(ledger.status == .refusing(.storeUnavailable))
    let running = Task { await ledger.run() }
    #expect(unlink(site.folder.file("state")) == 0)
    await acceptEventually(ledger, "k")
    #expect(await ledger.next(queue: "inbound")?.first?.key == "k")
    #expect(ledger.status == .ready)
    running.cancel()
    await running.value
    await ledger.close()
  }

  @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
  func `a full disk and a read-only one are refused, lose nothing, and are recovered from`() async throws {
    let disk = site.folder.file("state")
    try AtomicFile.makeFolder(disk)
    let mounted = try await ChildProcess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
    guard mounted.end == .exited(0) else { return }
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let ledger = try await site.open()
    let running = Task { await ledger.run() }
    try AtomicFile.write([UInt8](repeating: 0, count: 300_000), to: disk + "/ballast")
    let (error, taken) = await fill(ledger)
    #expect(error.reason == .storeFull && taken > 2, "\(error)")
    #expect(unlink(disk + "/ballast") == 0)
    await acceptEventually(ledger, "after")
    #expect(ledger.status == .ready)
    #expect(try await ledger.verify().faults == [])

    running.cancel()
    await running.value
    await ledger.close()
    #expect(try await startsOnceWritable(disk) == taken + 2)
    #expect(try LedgerAudit.run(Database(site.path)).faults == [])
  }

  /// A start on a read-only disk, which becomes writable. The kernel does not remount while a file is open for
  /// writing, so this is a start and not a disk that turns read-only underneath.
  ///
  /// - Returns: how many messages are in the books at the end, the one accepted here included.
  private func startsOnceWritable(_ disk: String) async throws -> Int {
    #expect(try await ChildProcess.run(["mount", "-o", "remount,ro", disk]).end == .exited(0))
    let ledger = try Ledger(site.path, clock: { site.wall.now })
    await #expect(throws: LedgerError.self) { try await ledger.start() }
    #expect(ledger.status == .refusing(.storeReadOnly))
    let running = Task { await ledger.run() }
    await #expect(throws: LedgerError.self) { try await ledger.accept(message("refused")) }
    #expect(try await ChildProcess.run(["mount", "-o", "remount,rw", disk]).end == .exited(0))
    await acceptEventually(ledger, "again")
    #expect(ledger.status == .ready)
    let counts = try #require(try await ledger.counts().first)
    #expect(counts.balances)
    running.cancel()
    await running.value
    await ledger.close()
    return counts.accepted
  }
}
