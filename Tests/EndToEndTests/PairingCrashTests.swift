// `kill -9` at random points while a number is linked and after: the next start finds an unpaired instance or one that logs in.
// And two hosts on one session folder. NEXO_TEST_CYCLES sets how often is killed.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Pairing and crashes", .serialized, .timeLimit(.minutes(60)))
struct PairingCrashTests {
  private static let cycles = getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 3

  @Test func `killed at any point, an instance is unpaired or paired and able to log in, never half`() async throws {
    try await PhoneSite.run { phone in
      try phone.simulator.program.act("set", ["close_seconds": 0.05])
      let seed = UInt64(Clock.wall())
      var random = SeededRandom(seed: seed)
      var outcomes: [String: Int] = [:]
      for cycle in 0..<Self.cycles {
        let host = try await RunningHost(phone.site)
        let place = "cycle \(cycle), seed \(seed)"
        let found = await Self.settled(host)
        outcomes[found, default: 0] += 1
        try #require(Self.whole.contains(found), "\(place): \(found): \(host.said)")
        if found == "logged_out" {
          #expect(!phone.hasCredentials(), "\(place)")
          try host.post("/whatsapp/default/pair/new")
        } else if found == "connected", Bool.random(using: &random) {
          try host.post("/whatsapp/default/logout")
          // Sometimes it dies while it unlinks: then the server says at the next login that it is done.
          if Bool.random(using: &random) {
            #expect(await host.reaches("logged_out"), "\(place)")
            try host.post("/whatsapp/default/pair/new")
            #expect(await host.reaches("waiting_qr"), "\(place)")
            try host.scan(phone)
          }
        } else if found == "waiting_qr", Int.random(in: 0..<8, using: &random) > 0 {
          try host.scan(phone)
        }
        // Where it is by then is what this test draws: most of the linking is over within a second.
        let milliseconds = Int.random(in: 0...40, using: &random) * Int.random(in: 0...40, using: &random)
        try await Task.sleep(for: .milliseconds(milliseconds))
        host.process.child.signal(SIGKILL)
        _ = await host.process.child.ended()
      }
      let last = try await RunningHost(phone.site)
      #expect(Self.whole.contains(await Self.settled(last)), "\(last.said) seed \(seed)")
      #expect(await last.process.stop() == .exited(0))
      // It cannot know of an unlinking that it died in, and uses the keys once more.
      #expect(try phone.simulator.findings().filter { !$0.hasPrefix("§5.6") } == [], "seed \(seed)")
      print("pairing crashes: \(Self.cycles) kills, found \(outcomes)")
    }
  }

  /// Unpaired, or paired and logged in.
  private static let whole = ["waiting_qr", "connected", "logged_out"]

  /// The state in which an instance stays.
  private static func settled(_ host: RunningHost) async -> String {
    _ = await host.eventually(seconds: 60) {
      (whole + ["failed"]).contains(try host.link()["state"]?.string ?? "")
    }
    return (try? host.link()["state"]?.string) ?? "unknown"
  }

  @Test
  func `of two hosts on one session folder the second is refused with a reason, and takes over when the first ends`()
    async throws
  {
    let shared = try TemporaryFolder("session")
    let more = ["session_dir: \"\(shared.file("here"))\""]
    try await PhoneSite.run(more: more) { phone in
      let first = try await RunningHost(phone.site)
      #expect(await first.reaches("waiting_qr"))
      try first.scan(phone)
      #expect(await first.reaches("connected"))
      let other = try Site("other")
      for path in ["config/plugins/whatsapp.yaml", "extensions/whatsapp"] {
        try Tree.copy(phone.site.folder.file(path), to: other.folder.file(path))
      }
      let second = try await RunningHost(other)
      #expect(await second.reaches("failed"))
      #expect(try second.link()["reason"]?.string == "whatsapp.store.locked")
      #expect(try second.get("/ready?verbose").text.contains("whatsapp.store.locked"))
      #expect(try second.get("/whatsapp/pair").text.contains("Another host uses this session folder."))
      #expect(try first.link()["state"]?.string == "connected")
      #expect(await first.process.stop() == .exited(0))
      #expect(await second.reaches("connected"))
      #expect(await second.process.stop() == .exited(0))
      #expect(try phone.simulator.findings() == [])
    }
  }
}
