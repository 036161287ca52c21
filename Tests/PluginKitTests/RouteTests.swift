// Routes: answers at once, later, from a task, in pieces; errors; clients that leave.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

extension KitTests {
  @Suite("Routes")
  struct RouteTests {
    @Test func `a handler sees the request and its answer arrives whole`() async throws {
      try await Harness.run { host in
        try host.route("POST", "/w/{city}/*") { request in
          .json([
            "method": .string(request.method), "city": JSON(request.parameters["city"]),
            "rest": JSON(request.parameters["*"]), "q": JSON(request.query("q")), "host": JSON(request.header("Host")),
            "body": try request.json(),
          ])
        }
        return .init()
      } _: { (harness) async throws in
        let x = try harness.request("POST", "/w/oslo/a/b?x=1&q=a%20b+c", body: #"{"n":[1,2.5,null]}"#)
        try #require(nexo_test_wait_end(harness.test, x, patience))
        #expect(harness.header(x, "content-type") == "application/json; charset=utf-8")
        #expect(
          harness.answer(x).body
            == #"{"body":{"n":[1,2.5,null]},"city":"oslo","host":"localhost","method":"POST","q":"a b c","rest":"a/b"}"#
        )
      }
    }

    @Test func `an error of the plugin's is a 500 for the client and words for the operator`() async throws {
      try await Harness.run { host in
        try host.route("GET", "/boom") { _ in throw PluginError(.unavailable, "the sensor is unplugged") }
        try host.route("GET", "/later") { _ in
          await Task.yield()
          throw PluginError(.other, "the sensor is on fire")
        }
        try host.route("GET", "/teapot") { _ in throw HTTPError(418, "tea only") }
        return .init()
      } _: { (harness) async throws in
        #expect(try harness.fetch("GET", "/boom") == .init(status: 500, body: #"{"error":"internal error"}"#))
        #expect(harness.loggedError?.contains("the sensor is unplugged") == true)
        #expect(try harness.fetch("GET", "/later").status == 500)
        #expect(harness.loggedError?.contains("the sensor is on fire") == true)
        #expect(try harness.fetch("GET", "/teapot") == .init(status: 418, body: #"{"error":"tea only"}"#))
      }
    }

    @Test func `an answer that the contract forbids becomes a 500`() async throws {
      let harness = Harness()
      #expect(
        harness.create("{}") {
          try $0.route("GET", "/split") { _ in Response(headers: [("x", "a\r\nset-cookie: b")]) }
          return .init()
        } == 0)
      #expect(nexo_test_start(harness.test) == 0)
      #expect(try harness.fetch("GET", "/split").status == 500)
      #expect(nexo_test_stop(harness.test, patience))
    }

    @Test func `an async handler runs on a thread of the plugin's and answers later`() async throws {
      try await Harness.run { host in
        try host.route("GET", "/slow") { _ in
          try await Task.sleep(for: .milliseconds(5))
          return .text("done")
        }
        return .init()
      } _: { (harness) async throws in
        #expect(try harness.fetch("GET", "/slow") == .init(status: 200, body: "done"))
      }
    }

    @Test func `an exchange can be answered by a timer a moment later, once`() async throws {
      let second = Box<PluginError?>(nil)
      try await Harness.run { host in
        try host.route(
          "GET", "/timer",
          later: { _, exchange in
            try host.after(.milliseconds(5)) {
              try? exchange.respond(.text("late"))
              do { try exchange.respond(.text("again")) } catch { second.withLock { $0 = error as? PluginError } }
            }
          })
        return .init()
      } _: { (harness) async throws in
        #expect(try harness.fetch("GET", "/timer").body == "late")
      }
      #expect(second.withLock { $0 }?.code == .gone)
    }

    @Test func `a client that leaves cancels the handler, and its answer is harmless`() async throws {
      let cancelled = Box(false)
      try await Harness.run { host in
        try host.route("GET", "/slow") { _ in
          do { try await Task.sleep(for: .seconds(3600)) } catch { cancelled.withLock { $0 = true } }
          return .text("nobody reads this")
        }
        return .init()
      } _: { (harness) async throws in
        let x = try harness.request("GET", "/slow")
        nexo_test_leave(harness.test, x)
      }
      #expect(cancelled.withLock { $0 })
    }

    @Test func `two registrations of one route fail with words`() {
      let harness = Harness()
      let status = harness.create("{}") { host in
        for _ in 0..<2 { try host.route("GET", "/same") { _ in .text("") } }
        return .init()
      }
      #expect(status == Int32(NEXO_E_TAKEN))
      #expect(harness.error == "route GET /same: this route is there already")
    }

    @Test func `a registration after init is refused`() async throws {
      let refused = Box<PluginError?>(nil)
      try await Harness.run { host in
        .init(start: {
          do { try host.route("GET", "/late") { _ in .text("") } } catch {
            refused.withLock { $0 = error as? PluginError }
          }
        })
      } _: { _ in
      }
      #expect(refused.withLock { $0 }?.code == .invalid)
    }
  }
}
