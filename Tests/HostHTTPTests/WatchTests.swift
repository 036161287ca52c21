// Handlers that hold their thread: everything else goes on, the account is bounded, nothing is lost.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP
import HostLinux
import Synchronization
import TestSupport
import Testing

@Suite("Watched handlers", .timeLimit(.minutes(3)), .serialized)
struct WatchTests {
  @Test(arguments: [1, 2])
  func `a stuck handler holds up no other route, on any number of loops`(_ loops: Int) throws {
    let barrier = Barrier()
    let stuck = Scripted { _, exchange in
      barrier.wait()
      exchange.respond(200, text: "at last")
    }
    let live = try LiveServer(
      [
        Route("GET", "/stuck", foreign(), handler: stuck), page("GET", "/hello"),
        page("GET", "/plugin", "p", foreign("b")),
      ],
      loops: loops)
    let held = try (0..<4).map { _ in try live.client() }
    for client in held { try client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n") }
    #expect(barrier.awaitArrivals(4))
    for _ in 0..<20 {
      let client = try live.client()
      for _ in 0..<20 { #expect(try client.request("GET", "/hello").text == "ok") }
      #expect(try client.request("GET", "/plugin").text == "p")
    }
    barrier.open()
    for client in held { #expect(try client.response().text == "at last") }
    #expect(stuck.ends.wait(for: 4) == [.done, .done, .done, .done])
  }

  @Test func `an owner whose handlers hold all its threads gets 503 with Retry-After, until one returns`() throws {
    let barrier = Barrier()
    let options = foreign("p", limit: 3)
    let stuck = Scripted { _, exchange in
      barrier.wait()
      exchange.respond(200, text: "at last")
    }
    let live = try LiveServer([
      Route("GET", "/stuck", options, handler: stuck), page("GET", "/same-owner", "ok", options),
      page("GET", "/other-owner", "ok", foreign("q")),
    ])
    let held = try (0..<3).map { _ in try live.client() }
    for client in held { try client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n") }
    #expect(barrier.awaitArrivals(3))
    // The third is charged when the watchdog has seen it.
    let deadline = Clock.monotonic() + 10_000_000_000
    while options.owner?.threadsHeld ?? 0 < 3, Clock.monotonic() < deadline { usleep(1_000) }
    let refused = try live.client().request("GET", "/same-owner")
    #expect(refused.status == 503)
    #expect(refused["retry-after"] == "5")
    #expect(refused.text.contains("http.handler_stuck"))
    #expect(try live.client().request("GET", "/other-owner").status == 200)
    barrier.open()
    for client in held { #expect(try client.response().text == "at last") }
    #expect(stuck.ends.wait(for: 3).count == 3)
    #expect(try live.client().request("GET", "/same-owner").status == 200)
  }

  @Test func `an owner that is slow but comes back is served with few threads, and none of its requests is refused`()
    throws
  {
    // However busy the machine is, a thread comes back within a minute.
    let owner = HandlerOwner(name: "slow", stuckLimit: 2, movingTime: .seconds(60))
    var options = RouteOptions()
    options.owner = owner
    let live = try LiveServer([
      Route(
        "GET", "/slow", options,
        handler: HTTPPage { _, exchange in
          // Slow for as long as it takes to be charged, the first time; then by the clock.
          let deadline = Clock.monotonic() + 20_000_000_000
          repeat { usleep(15_000) } while owner.threadsHeld == 0 && Clock.monotonic() < deadline
          exchange.respond(200, text: "slow")
        }), page("GET", "/hello"),
    ])
    // The first answer comes from a charged thread, which is back when it is charged no more.
    #expect(try live.client().request("GET", "/slow").text == "slow")
    while owner.threadsHeld > 0 { usleep(1_000) }
    let clients = try (0..<24).map { _ in try live.client() }
    for client in clients { try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") }
    #expect(try live.client().request("GET", "/hello").status == 200)
    for client in clients { #expect(try client.response().text == "slow") }
  }

  @Test func `the answer of a handler that then holds its thread is sent all the same`() throws {
    let barrier = Barrier()
    let live = try LiveServer(
      [
        Route(
          "GET", "/stuck", foreign(),
          handler: HTTPPage { _, exchange in
            exchange.respond(200, text: "answered")
            barrier.wait()
          })
      ], loops: 1)
    #expect(try live.client().request("GET", "/stuck").text == "answered")
    barrier.open()
  }

  @Test func `a client that leaves a stuck handler is reported to it only after it has returned`() throws {
    let barrier = Barrier()
    final class Flags: Sendable {
      let returned = Atomic<Bool>(false)
      let early = Atomic<Bool>(false)
    }
    let flags = Flags()
    var stuck = Scripted { _, exchange in
      barrier.wait()
      #expect(exchange.respond(200, text: "late") == .gone)
      flags.returned.store(true, ordering: .sequentiallyConsistent)
    }
    stuck.onEnd = {
      if !flags.returned.load(ordering: .sequentiallyConsistent) {
        flags.early.store(true, ordering: .sequentiallyConsistent)
      }
    }
    let live = try LiveServer([Route("GET", "/stuck", foreign(), handler: stuck)])
    let client = try live.client()
    try client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(barrier.awaitArrivals(1))
    client.reset()
    #expect(live.records.wait(for: 1).map(\.status) == [499])
    #expect(stuck.ends.all.isEmpty)
    barrier.open()
    #expect(stuck.ends.wait(for: 1) == [.clientGone])
    let wasEarly = flags.early.load(ordering: .sequentiallyConsistent)
    #expect(!wasEarly)
  }

  @Test func `many clients over handlers that are now quick, now slow, now late get each exactly one answer`() throws {
    let seed: UInt64 = 7
    let handler = Scripted { request, exchange in
      let number = Int(request.parameter("n") ?? "") ?? 0
      switch number % 23 {
      case 0:
        usleep(20_000)
        exchange.respond(200, text: "\(number)")
      case 1, 2, 3:
        try? Thread.start("late") { exchange.respond(200, text: "\(number)") }
      case 4:
        exchange.respond(200, text: "\(number)")
        usleep(15_000)
      default: exchange.respond(200, text: "\(number)")
      }
    }
    let live = try LiveServer([Route("GET", "/{n}", foreign("p", limit: 64), handler: handler)], loops: 2)
    let wrong = Recorder<String>()
    let done = Recorder<Bool>()
    let address = live.address
    for thread in 0..<6 {
      try Thread.start("client") {
        var random = SeededRandom(seed: seed + UInt64(thread))
        defer { done.add(true) }
        guard let client = try? HTTPClient(address) else { return wrong.add("connect") }
        for _ in 0..<100 {
          let number = Int.random(in: 0..<1_000, using: &random)
          let answer = try? client.request("GET", "/\(number)")
          if answer?.text != "\(number)" { wrong.add("\(number): \(answer?.text ?? "nothing")") }
        }
      }
    }
    #expect(done.wait(for: 6, seconds: 120).count == 6)
    #expect(wrong.all.isEmpty, "seed \(seed): \(wrong.all)")
    #expect(handler.ends.wait(for: 600) == Array(repeating: .done, count: 600))
  }
}
