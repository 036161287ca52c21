// The real host on a disk that fills up, turns read-only, fails, or is limited while it runs, and on one that cannot be
// written when it starts: it says so, takes no message that it might lose, and goes on by itself once the disk is well.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Host on a sick disk", .timeLimit(.minutes(5)))
struct SickDiskTests {
  /// Whether a file system may be mounted here: asked by doing it.
  private static let mayMount: Bool = {
    guard let folder = try? TemporaryFolder("mount") else { return false }
    defer { umount2(folder.path, Int32(MNT_DETACH)) }
    return mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0
  }()
  private static let needsMount: Comment =
    "mounting a file system is not allowed here; the disk that fails on demand is"

  /// A site whose state folder is a file system of its own.
  private func site(_ size: String) async throws -> Site {
    let site = try Site("disk")
    try AtomicFile.makeFolder(site.state)
    let mounted = try await ChildProcess.run([
      "mount", "-t", "tmpfs", "-o", "size=\(size),mode=0700", "tmpfs", site.state,
    ])
    try #require(mounted.end == .exited(0), "\(mounted.errors)")
    return site
  }

  /// What befalls the disk under a running host.
  struct Sickness: Sendable, CustomTestStringConvertible {
    let name: String
    /// Of every change of a file in the state folder; nil: the process may not write files larger than 256 KiB.
    let errno: Int32?
    let reason: String
    var testDescription: String { name }

    /// Begins with `true`, ends with `false`.
    func set(_ isOn: Bool, _ host: RunningHost, _ site: Site) async throws {
      if let errno {
        if isOn { try site.folder.write("switch", "\(errno)") } else { unlink(site.folder.file("switch")) }
      } else {
        let limit = isOn ? "262144:" : "unlimited:"
        let run = try await ChildProcess.run(["prlimit", "--pid", "\(host.process.child.pid)", "--fsize=\(limit)"])
        try #require(run.end == .exited(0), "\(run.errors)")
      }
    }
  }

  @Test(arguments: [
    Sickness(name: "full", errno: ENOSPC, reason: "store.full"),
    Sickness(name: "over its quota", errno: EDQUOT, reason: "store.full"),
    Sickness(name: "read-only", errno: EROFS, reason: "store.read_only"),
    Sickness(name: "broken", errno: EIO, reason: "store.io"),
    Sickness(name: "limited by RLIMIT_FSIZE", errno: nil, reason: "store.full"),
  ])
  func `a disk that falls ill under a running host is reported, nothing more is acked, and it is taken up again`(
    sickness: Sickness
  ) async throws {
    let site = try Site("disk")
    try site.dropCourier(["WINDOW=50"])
    let shim = try FixturePlugins.build(
      source: String(
        decoding: AtomicFile.read("\(FixturePlugins.packageRoot)/Tests/Fixtures/faulty-disk.c"), as: UTF8.self),
      name: "faulty-disk.so")
    let host = try await RunningHost(
      site,
      environment: [
        "LD_PRELOAD": shim, "FAULTY_FOLDER": site.state + "/", "FAULTY_SWITCH": site.folder.file("switch"),
      ])
    #expect(await host.eventually { try site.journal().replies.count > 50 })
    try await sickness.set(true, host, site)
    #expect(
      await host.eventually(seconds: 60) {
        let answer = try host.get("/ready?verbose")
        return answer.status == 503 && answer.text.contains("\"broker_ready\":false")
          && answer.text.contains("\"reason\":\"\(sickness.reason)\"")
      }, "\(host.process.child.errors)")
    #expect(try host.value(#"circuit_breaker_state{breaker="nats"}"#) == 1)
    #expect(try host.value("nexo_broker_ready") == 0)
    #expect(try host.get("/health").status == 200)
    #expect(try HTTPClient.get(host.admin, "/admin/").text.contains(sickness.reason))
    #expect(host.process.child.errors.contains("ledger refuses messages"))
    let (before, after) = (try site.journal(), try await stillness(of: site))
    #expect(after.acked.count - before.acked.count < 60)

    try await sickness.set(false, host, site)
    #expect(await host.eventually(seconds: 60) { try host.get("/ready").status == 200 })
    #expect(host.process.child.errors.contains("ledger takes messages again"))
    let replies = try site.journal().replies.count
    #expect(await host.eventually(seconds: 60) { try site.journal().replies.count > replies + 50 })
    try await Self.settles(host, site)
  }

  /// After the illness everything is answered, once, and the books are right.
  private static func settles(_ host: RunningHost, _ site: Site) async throws {
    try site.dropCourier(["COUNT=1"])
    #expect(await host.eventually(seconds: 60) { try site.journal().unanswered.isEmpty })
    #expect(await host.process.stop() == .exited(0))
    #expect(try site.journal().faults == [])
    let audit = try await site.verify()
    #expect(audit.end == .exited(0), "\(audit.output)")
  }

  @Test(.enabled(if: mayMount, needsMount))
  func `a full disk turns readiness and breaker, nothing more is acked, and room brings it all back`()
    async throws
  {
    let site = try await site("24m")
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
    try await Self.settles(host, site)
  }

  @Test(.enabled(if: mayMount, needsMount))
  func `a state folder that cannot be written stops the start with 78 and the remedy, and works once it can`()
    async throws
  {
    let site = try await site("24m")
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
