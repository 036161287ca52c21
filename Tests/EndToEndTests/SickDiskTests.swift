// The real host on a disk that fills up, and on one that cannot be written: it says so, takes no message that it might lose,
// and goes on by itself once the disk is well.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Host on a sick disk", .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "mounting needs root"))
struct SickDiskTests {
  /// A site whose state folder is a file system of its own; nil where mounting is not allowed.
  private func site(_ size: String) async throws -> Site? {
    let site = try Site("disk")
    try AtomicFile.makeFolder(site.state)
    let mounted = try await ChildProcess.run([
      "mount", "-t", "tmpfs", "-o", "size=\(size),mode=0700", "tmpfs", site.state,
    ])
    return mounted.end == .exited(0) ? site : nil
  }

  @Test func `a full disk turns readiness and breaker, nothing more is acked, and room brings it all back`()
    async throws
  {
    guard let site = try await site("24m") else { return }
    defer { umount2(site.state, Int32(MNT_DETACH)) }
    try site.dropCourier(["WINDOW=50"])
    let host = try await RunningHost(site)
    #expect(await host.eventually { try site.journal().replies.count > 100 })
    try fill(site.state + "/ballast")
    #expect(
      await host.eventually {
        let answer = try host.get("/ready?verbose")
        return answer.status == 503 && answer.text.contains("\"broker_ready\":false")
          && answer.text.contains("\"reason\":\"store.full\"")
      })
    #expect(try host.value(#"circuit_breaker_state{breaker="nats"}"#) == 1)
    #expect(try host.get("/health").status == 200)
    #expect(try HTTPClient.get(host.admin, "/admin/").text.contains("store.full"))
    #expect(host.process.child.errors.contains("ledger refuses messages"))
    // What the ledger cannot keep is not acked: the channel has it still.
    let (before, after) = (try site.journal(), try await stillness(of: site))
    #expect(after.acked.count - before.acked.count < 60)

    #expect(unlink(site.state + "/ballast") == 0)
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    #expect(try host.value(#"circuit_breaker_state{breaker="nats"}"#) == 0)
    let replies = try site.journal().replies.count
    #expect(await host.eventually { try site.journal().replies.count > replies + 100 })
    try site.dropCourier(["COUNT=1"])
    #expect(await host.eventually(seconds: 60) { try site.journal().unanswered.isEmpty })
    #expect(await host.process.stop() == .exited(0))
    #expect(try site.journal().faults == [])
    let audit = try await site.verify()
    #expect(audit.end == .exited(0), "\(audit.output)")
  }

  @Test func `a state folder that cannot be written stops the start with 78 and the remedy, and works once it can`()
    async throws
  {
    guard let site = try await site("24m") else { return }
    defer { umount2(site.state, Int32(MNT_DETACH)) }
    #expect(try await ChildProcess.run(["mount", "-o", "remount,ro", site.state]).end == .exited(0))
    let refused = try HostProcess(site)
    #expect(await refused.child.ended() == .exited(78))
    #expect(refused.child.errors.contains("state.unusable") && refused.child.errors.contains(site.state))
    #expect(try await ChildProcess.run(["mount", "-o", "remount,rw", site.state]).end == .exited(0))
    let host = try await RunningHost(site)
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    #expect(await host.process.stop() == .exited(0))
  }

  /// Writes until the disk takes no more.
  private func fill(_ path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    for size in [1 << 16, 1 << 12] {
      let block = [UInt8](repeating: 1, count: size)
      while write(file, block, size) == size {}
    }
  }

  /// The journal once it has been the same for a second.
  private func stillness(of site: Site) async throws -> CourierJournal {
    var (last, since) = (try site.journal(), Clock.monotonic())
    while Clock.monotonic() - since < 1_000_000_000 {
      try await Task.sleep(for: .milliseconds(100))
      let now = try site.journal()
      if now.acked.count != last.acked.count { (last, since) = (now, Clock.monotonic()) }
    }
    return last
  }
}
