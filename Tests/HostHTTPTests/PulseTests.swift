// The event loops' signs of life.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import HostLinux
import TestSupport
import Testing

@Suite("Pulse", .timeLimit(.minutes(1)))
struct PulseTests {
  /// Whether the loops have gone round within the time.
  private func comesAlive(_ server: HTTPServer, since pulse: LoopPulse, seconds: Int = 10) async -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    while Clock.monotonic() < deadline {
      if server.isAlive(since: pulse) { return true }
      try? await Task.sleep(for: .milliseconds(5))
    }
    // On a busy machine the sleep may have taken all of the time.
    return server.isAlive(since: pulse)
  }

  @Test func `idle loops go round when they are asked`() async throws {
    let live = try LiveServer([page("GET", "/hello")])
    for _ in 0..<3 {
      let pulse = live.server.pulse()
      #expect(await comesAlive(live.server, since: pulse))
    }
  }

  @Test func `a loop held by a page of the host's own does not, and goes round again afterwards`() async throws {
    let barrier = Barrier()
    let held = try Route(
      "GET", "/held",
      handler: HTTPPage { _, exchange in
        barrier.wait()
        exchange.respond(200, text: "at last")
      })
    let live = try LiveServer([held], loops: 1)
    let client = try live.client()
    try client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(barrier.awaitArrivals(1))
    // The loop may have emptied its mailbox since it was asked first; it cannot a second time.
    let pulse = live.server.pulse()
    #expect(!live.server.isAlive(since: pulse))
    try await Task.sleep(for: .milliseconds(50))
    #expect(!live.server.isAlive(since: pulse))
    barrier.open()
    #expect(try client.response().text == "at last")
    #expect(await comesAlive(live.server, since: pulse))
  }

  @Test func `a loop that a plugin's handler holds is handed over, and goes round`() async throws {
    let barrier = Barrier()
    let stuck = try Route(
      "GET", "/stuck", foreign(),
      handler: HTTPPage { _, exchange in
        barrier.wait()
        exchange.respond(200, text: "late")
      })
    let live = try LiveServer([stuck], loops: 1)
    let client = try live.client()
    try client.send("GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(barrier.awaitArrivals(1))
    let pulse = live.server.pulse()
    #expect(await comesAlive(live.server, since: pulse))
    barrier.open()
  }

  @Test func `loops that have ended in order count as well`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let pulse = live.server.pulse()
    #expect(live.server.stop(grace: .seconds(5)).isClean)
    #expect(live.server.isAlive(since: pulse))
  }
}
