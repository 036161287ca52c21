// Server-sent events, and the back-pressure of a client that does not read.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

extension KitTests {
  @Suite("Streams")
  struct StreamTests {
    @Test func `events have the form of the specification, whatever is in them`() async throws {
      try await Harness.run { host in
        try host.events("/events") { _, stream in
          try await stream.send("one\ntwo\r\nthree", event: "tick\nevil: yes", id: "7")
          try await stream.send(["n": 1])
        }
        return .init()
      } _: { (harness) async throws in
        let x = try harness.request("GET", "/events")
        try #require(nexo_test_wait_end(harness.test, x, patience))
        #expect(harness.header(x, "content-type") == "text/event-stream; charset=utf-8")
        #expect(
          harness.answer(x).body
            == "event: tick evil: yes\nid: 7\ndata: one\ndata: two\ndata: three\n\ndata: {\"n\":1}\n\n")
      }
    }

    @Test func `a sender waits while the client is behind and goes on when it has read`() async throws {
      let sent = Box(0)
      try await Harness.run { host in
        try host.events("/events") { _, stream in
          for n in 0..<4 {
            try await stream.send("\(n)")
            sent.withLock { $0 += 1 }
          }
        }
        return .init()
      } _: { (harness) async throws in
        nexo_test_high_mark(harness.test, 5)
        let x = try harness.request("GET", "/events")
        let event = "data: 0\n\n".utf8.count
        for n in 1...4 {
          try #require(nexo_test_wait_body(harness.test, x, n * event, patience))
          #expect(harness.answer(x).body.utf8.count == n * event, "nothing is sent past a full buffer")
          #expect(sent.withLock { $0 } == n - 1)
          nexo_test_drain(harness.test, x)
        }
        #expect(nexo_test_wait_end(harness.test, x, patience))
      }
      #expect(sent.withLock { $0 } == 4)
    }

    @Test func `a client that leaves while the sender waits ends the sender with gone or cancelled`() async throws {
      let ended = Box<(any Error)?>(nil)
      try await Harness.run { host in
        try host.events("/events") { _, stream in
          do { while true { try await stream.send("x") } } catch {
            ended.withLock { $0 = error }
            throw error
          }
        }
        return .init()
      } _: { (harness) async throws in
        nexo_test_high_mark(harness.test, 1)
        let x = try harness.request("GET", "/events")
        try #require(nexo_test_wait_body(harness.test, x, 1, patience))
        nexo_test_leave(harness.test, x)
      }
      let error = ended.withLock { $0 }
      #expect(error is CancellationError || (error as? PluginError)?.code == .gone)
    }

    @Test func `streams end when the plugin is asked to stop, so that it becomes idle`() async throws {
      try await Harness.run { host in
        try host.events("/events") { _, stream in
          try await stream.send("hello")
          try await Task.sleep(for: .seconds(3600))
        }
        return .init()
      } _: { (harness) async throws in
        let x = try harness.request("GET", "/events")
        try #require(nexo_test_wait_body(harness.test, x, 1, patience))
        nexo_test_quiesce(harness.test)
        #expect(nexo_test_wait_end(harness.test, x, patience))
        #expect(nexo_test_wait_idle(harness.test, patience))
      }
    }

    @Test func `a stream can be refused before its first event`() async throws {
      try await Harness.run { host in
        try host.events("/events/{id}") { _, _ in throw HTTPError(404, "no such stream") }
        return .init()
      } _: { (harness) async throws in
        #expect(try harness.fetch("GET", "/events/9") == .init(status: 404, body: #"{"error":"no such stream"}"#))
      }
    }
  }
}
