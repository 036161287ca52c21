// Limits, deadlines, gates, access rules, and the graceful end.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP
import HostLinux
import Synchronization
import TestSupport
import Testing

@Suite("Limits and ends", .timeLimit(.minutes(3)), .serialized)
struct LimitTests {
  @Test func `a thousand slow-loris connections leave the probes answering`() throws {
    var limits = HTTPLimits()
    limits.connections = 256
    limits.connectionsPerPeer = 256
    let live = try LiveServer([page("GET", "/health")], limits: limits)
    var slow: [HTTPClient] = []
    for number in 0..<1_000 {
      let client = try live.client()
      try? client.send("GET /health HTTP/1.1\r\nX-Slow: \(number)")
      slow.append(client)
      if number % 100 == 99 { #expect(try live.client().request("GET", "/health").status == 200) }
    }
    for client in slow { try? client.send("y") }
    for _ in 0..<20 { #expect(try live.client().request("GET", "/health").status == 200) }
  }

  @Test func `headers that are not complete in time get 408, a byte now and then does not help`() throws {
    var limits = HTTPLimits()
    limits.headerTime = .milliseconds(300)
    let live = try LiveServer([page("GET", "/health")], limits: limits)
    let client = try live.client()
    for byte in "GET /health HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyy".utf8 {
      guard (try? client.send([byte])) != nil else { break }
      usleep(20_000)
    }
    #expect(try client.response().status == 408)
  }

  @Test func `a body that stops coming gets 408, an idle connection just ends`() throws {
    var limits = HTTPLimits()
    limits.bodyStall = .milliseconds(200)
    limits.idleTime = .milliseconds(200)
    let live = try LiveServer([page("POST", "/post"), page("GET", "/health")], limits: limits)
    let client = try live.client()
    try client.send("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    #expect(try client.response().status == 408)
    let idle = try live.client()
    #expect(try idle.request("GET", "/health").status == 200)
    #expect(try idle.isAtEnd())
    #expect(try live.client().isAtEnd())
  }

  @Test func `a listener full of working connections answers the next one 503`() throws {
    var limits = HTTPLimits()
    limits.connections = 4
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let live = try LiveServer(
      [Route("GET", "/never", handler: Scripted { _, exchange in exchanges.add(exchange) })], limits: limits, loops: 1)
    var busy: [HTTPClient] = []
    for _ in 0..<4 {
      let client = try live.client()
      try client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
      busy.append(client)
    }
    #expect(exchanges.wait(for: 4).count == 4)
    let over = try live.client()
    let answer = try over.response()
    #expect(answer.status == 503)
    #expect(answer["retry-after"] == "1")
    #expect(try over.isAtEnd())
  }

  @Test func `a route full of requests answers the next one 503 with Retry-After, and then goes on`() throws {
    var options = RouteOptions()
    options.maxInFlight = 2
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let live = try LiveServer([Route("GET", "/busy", options, handler: Scripted { _, x in exchanges.add(x) })])
    let clients = try (0..<2).map { _ in try live.client() }
    for client in clients { try client.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n") }
    #expect(exchanges.wait(for: 2).count == 2)
    let refused = try live.client().request("GET", "/busy")
    #expect(refused.status == 503)
    #expect(refused["retry-after"] == "1")
    for exchange in exchanges.all { exchange.respond(200, text: "done") }
    for client in clients { #expect(try client.response().text == "done") }
    let next = try live.client()
    try next.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(exchanges.wait(for: 3).count == 3)
  }

  @Test func `a body without length is 411 where the route asks for one`() throws {
    var options = RouteOptions()
    options.requiresLength = true
    let live = try LiveServer([page("POST", "/post", "ok", options)])
    let client = try live.client()
    try client.send("POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    #expect(try client.response().status == 411)
  }

  @Test func `a route that is leaving sends the request to its successor, and each entry is left once`() throws {
    final class Gate: RouteGate {
      let isOpen = Atomic<Bool>(true)
      let entered = Atomic<Int>(0)
      let left = Atomic<Int>(0)
      let whenRefused: @Sendable () -> Void
      init(_ whenRefused: @escaping @Sendable () -> Void) { self.whenRefused = whenRefused }
      func enter() -> Bool {
        guard isOpen.load(ordering: .sequentiallyConsistent) else {
          whenRefused()
          return false
        }
        entered.add(1, ordering: .sequentiallyConsistent)
        return true
      }
      var counts: (Int, Int) {
        (entered.load(ordering: .sequentiallyConsistent), left.load(ordering: .sequentiallyConsistent))
      }
      func leave() { left.add(1, ordering: .sequentiallyConsistent) }
    }
    let routers = Recorder<Router>()
    let successor = try RouteTable([page("GET", "/v", "new")])
    let gate = Gate { routers.all.first?.replace(successor) }
    var options = foreign()
    options.gate = gate
    let live = try LiveServer([page("GET", "/v", "old", options)])
    routers.add(live.router)
    let client = try live.client()
    #expect(try client.request("GET", "/v").text == "old")
    gate.isOpen.store(false, ordering: .sequentiallyConsistent)
    #expect(try client.request("GET", "/v").text == "new")
    _ = live.records.wait(for: 2)
    live.server.stop(grace: .seconds(1))
    let (entered, left) = gate.counts
    #expect(entered == 1)
    #expect(left == 1)
  }

  @Test func `an access rule's refusal is answered before any handler`() throws {
    let live = try LiveServer(
      [page("GET", "/hello")],
      rule: { head, peer, route in
        #expect(peer.isLoopback)
        guard head.text(head.authority) != "good" else { return .allow }
        return .refuse(status: 403, fields: HTTPFields(), code: "http.access_denied", detail: "wrong host")
      })
    let client = try live.client()
    #expect(try client.request("GET", "/hello").status == 403)
    try client.send("GET /hello HTTP/1.1\r\nHost: good\r\n\r\n")
    #expect(try client.response().status == 200)
  }

  @Test func `a stop lets requests finish, ends streams and refuses connections`() throws {
    var endless = RouteOptions()
    endless.timeLimit = .none
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let stream = Scripted { _, exchange in
      exchange.begin(200, HTTPFields(contentType: "text/event-stream"))
      exchanges.add(exchange)
    }
    let late = Scripted { _, exchange in exchanges.add(exchange) }
    let arrived = Recorder<Bool>()
    let stuck = Scripted { _, _ in arrived.add(true) }
    let live = try LiveServer([
      Route("GET", "/events", endless, handler: stream), Route("GET", "/late", foreign(), handler: late),
      Route("GET", "/stuck", handler: stuck),
    ])
    let clients = try ["/events", "/late", "/stuck"].map { path in
      let client = try live.client()
      try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
      return client
    }
    _ = try clients[0].head()
    #expect(exchanges.wait(for: 2).count == 2)
    // A request that the server has not read when it stops is reset, not answered.
    #expect(arrived.wait(for: 1) == [true])
    let reports = Recorder<HTTPStopReport>()
    try Thread.start("stopper") { [server = live.server] in reports.add(server.stop(grace: .seconds(1))) }
    #expect(try clients[0].chunk() == nil)
    #expect(stream.ends.wait(for: 1) == [.stopping])
    exchanges.all.last?.respond(200, text: "finished")
    exchanges.all.first?.respond(200, text: "finished")
    let finished = try clients[1].response()
    #expect(finished.text == "finished")
    #expect(finished["connection"] == "close")
    #expect(try clients[2].response().status == 503)
    #expect(stuck.ends.wait(for: 1) == [.stopping])
    let report = reports.wait(for: 1).first
    #expect(report?.isClean == true)
    #expect(report?.threadsAbandoned == 0)
    #expect(throws: HTTPClientError.self) { try live.client() }
  }

  @Test func `after a stop no descriptor and no thread is left, stuck handlers included once they return`() async {
    await #expect(processExitsWith: .success) {
      func count(_ folder: String) -> Int {
        guard let listing = opendir(folder) else { return -1 }
        defer { closedir(listing) }
        var entries = 0
        while readdir(listing) != nil { entries += 1 }
        return entries
      }
      func round() throws {
        let barrier = Barrier()
        let live = try LiveServer([
          page("GET", "/hello"), page("GET", "/plugin", "p", foreign("b")),
          Route("GET", "/stuck", foreign(), handler: Scripted { _, _ in barrier.wait() }),
          Route("GET", "/never", handler: Scripted { _, _ in }),
        ])
        let clients = try ["/hello", "/plugin", "/stuck", "/stuck", "/never"].map { path in
          let client = try live.client()
          try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
          return client
        }
        guard barrier.awaitArrivals(2), live.records.wait(for: 2).count == 2 else { exit(2) }
        barrier.open()
        live.server.stop(grace: .milliseconds(50))
        for client in clients { client.close() }
      }
      try round()
      let before = (count("/proc/self/fd"), count("/proc/self/task"))
      for _ in 0..<5 { try round() }
      let deadline = Clock.monotonic() + 20_000_000_000
      while count("/proc/self/fd") > before.0 || count("/proc/self/task") > before.1 {
        guard Clock.monotonic() < deadline else { exit(3) }
        usleep(5_000)
      }
    }
  }

  @Test func `a listener knows how many connections are open`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let listener = live.server.listeners[0]
    func eventually(_ count: Int) -> Bool {
      let deadline = Clock.monotonic() + 20_000_000_000
      while listener.connections != count, Clock.monotonic() < deadline { usleep(1_000) }
      return listener.connections == count
    }
    let clients = try (0..<3).map { _ in try live.client() }
    for client in clients { #expect(try client.request("GET", "/hello").status == 200) }
    #expect(eventually(3))
    clients[0].close()
    clients[1].reset()
    #expect(eventually(1))
    clients[2].close()
    #expect(eventually(0))
  }

  @Test func `a listener that cannot bind says which and where`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let setup = HTTPListenerSetup(name: "admin", address: live.address, router: Router(try RouteTable([])))
    do {
      _ = try HTTPServer([setup])
      Issue.record("bound twice")
    } catch {
      #expect("\(error)".contains("admin"))
      #expect("\(error)".contains(live.address))
    }
  }
}
