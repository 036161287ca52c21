// Metrics, tools, channels, credential sources, timers.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

extension KitTests {
  @Suite("Work")
  struct WorkTests {
    @Test func `handles count, and gauges are set when a scrape comes`() async throws {
      try await Harness.run { host in
        let requests = try host.counter("w_requests_total", help: "Requests.", labels: ["kind", "city"])
        let temperature = try host.gauge("w_celsius", help: "Temperature.")
        let seconds = try host.histogram("w_seconds", help: "Time.", bounds: [0.1, 1])
        let depth = Box(3.0)
        try host.onScrape { temperature.set(depth.withLock { $0 }) }
        try host.onScrape { temperature.add(0.5) }
        return .init(start: {
          requests.with("a", "oslo").add()
          requests.with("a", "oslo").add(4)
          seconds.observe(0.25)
        })
      } _: { (harness) async throws in
        #expect(harness.value("w_requests_total", "a,oslo") == 5)
        #expect(harness.value("w_seconds") == 0.25)
        nexo_test_scrape(harness.test)
        #expect(harness.value("w_celsius") == 3.5)
      }
    }

    @Test func `a family that the host refuses is an error at its declaration`() {
      let harness = Harness()
      #expect(
        harness.create("{}") {
          _ = try $0.counter("w_requests", help: "No _total.")
          return .init()
        } == -1)
      #expect(harness.error.contains("w_requests"))
    }

    @Test func `a tool answers at once or later, and its error is the operation's`() async throws {
      try await Harness.run { host in
        try host.tool("now", "Now.", schema: ["type": "object"], .pure) { call in ["from": .string(call.agent)] }
        try host.tool("later", "Later.", schema: ["type": "object"]) { call in
          await Task.yield()
          return call.arguments
        }
        try host.tool("never", "Fails.", schema: ["type": "object"]) { _ in throw PluginError(.notFound, "no account") }
        return .init()
      } _: { (harness) async throws in
        #expect(
          harness.operation { nexo_test_tool(harness.test, "now", "{}", patience, $0) } == (0, #"{"from":"tester"}"#))
        #expect(
          harness.operation { nexo_test_tool(harness.test, "later", #"{"a":1}"#, patience, $0) } == (0, #"{"a":1}"#))
        #expect(harness.operation { nexo_test_tool(harness.test, "never", "{}", patience, $0) } == (-14, "no account"))
        #expect(harness.operation { nexo_test_tool(harness.test, "later", "{", patience, $0) }.status == -1)
      }
    }

    @Test func `cancelling a tool cancels its task`() async throws {
      try await Harness.run { host in
        try host.tool("long", "Long.", schema: ["type": "object"]) { _ in
          try await Task.sleep(for: .seconds(3600))
          return nil
        }
        return .init()
      } _: { (harness) async throws in
        #expect(nexo_test_tool_cancelled(harness.test, "long", "{}", patience) == Int32(NEXO_E_GONE))
      }
    }

    @Test func `a channel sends, knows its verbs, and shows its accounts`() async throws {
      try await Harness.run { host in
        let channel = try host.channel(
          "test", page: "/test/pair",
          ChannelActions(
            send: { message in
              if message.chat == "full" { throw PluginError(.rateLimited, "slow down") }
            },
            command: { verb, arguments in
              guard verb == "sender.normalize" else { throw PluginError(.unsupported, verb) }
              return ["sender": .string("+" + (arguments["sender"]?.string ?? ""))]
            }))
        return .init(start: {
          try channel.account("home", ["identity": "+57"])
          try channel.state("home", .down, "waiting_qr", reason: "link.waiting")
        })
      } _: { (harness) async throws in
        let test = harness.test
        #expect(String(cString: nexo_test_account(test, "test", "home")) == "3 waiting_qr link.waiting")
        #expect(harness.operation { nexo_test_send(test, "test", "home", "c", "hi", patience, $0) }.status == 0)
        #expect(
          harness.operation { nexo_test_send(test, "test", "home", "full", "hi", patience, $0) } == (-11, "slow down"))
        #expect(
          harness.operation { nexo_test_command(test, "test", "sender.normalize", #"{"sender":"5"}"#, patience, $0) }
            == (0, #"{"sender":"+5"}"#))
        #expect(harness.operation { nexo_test_command(test, "test", "other", "{}", patience, $0) }.status == -4)
      }
    }

    @Test func `an inbound message is delivered once it is durable, and waits while the host is full`() async throws {
      let delivered = Box(0)
      let finished = Semaphore()
      let channels = Box<Channel?>(nil)
      try await Harness.run { host in
        let channel = try host.channel("test", ChannelActions(send: { _ in }))
        channels.withLock { $0 = channel }
        return .init(start: {
          host.task {
            for n in 1...3 {
              try? await channel.deliver(Message(account: "home", id: "\(n)", chat: "c", text: "text \(n)"))
              delivered.withLock { $0 = n }
            }
            finished.signal()
          }
        })
      } _: { (harness) async throws in
        var last: UnsafePointer<CChar>?
        for n in 1...3 {
          while nexo_test_inbound(harness.test, &last) < UInt32(n) { await Task.yield() }
          #expect(last.map { String(cString: $0) } == "text \(n)")
          #expect(delivered.withLock { $0 } == n - 1, "not before it is durable")
          if n == 2 { nexo_test_inbound_answers(harness.test, nexo_status(NEXO_E_AGAIN)) }
          #expect(nexo_test_ack(harness.test) == 1)
          if n == 2 { nexo_test_inbound_answers(harness.test, nexo_status(NEXO_OK)) }
        }
        finished.wait()
      }
      #expect(delivered.withLock { $0 } == 3)
      channels.withLock { $0 = nil }
    }

    @Test func `a credential source hands out secrets, and another plugin's are asked for`() async throws {
      let seen = Box<String>("")
      try await Harness.run { host in
        let source = try host.credentialSource(
          "vault",
          CredentialActions(fetch: { reference in
            guard reference == "vault:a" else { throw PluginError(.notFound, reference) }
            return Array("top".utf8)
          }))
        return .init(start: {
          try source.account("a")
          try source.state("a", .up, "linked")
          host.task {
            let secret = try? await host.secret("test:secret")
            let denied = try? await host.secret("other:secret")
            seen.withLock { $0 = String(decoding: secret ?? [], as: UTF8.self) + (denied == nil ? "" : " leak") }
          }
        })
      } _: { (harness) async throws in
        #expect(harness.operation { nexo_test_fetch(harness.test, "vault:a", patience, $0) } == (0, "top"))
        #expect(harness.operation { nexo_test_fetch(harness.test, "vault:b", patience, $0) }.status == -14)
        #expect(String(cString: nexo_test_account(harness.test, "vault", "a")) == "1 linked ")
      }
      #expect(seen.withLock { $0 } == "s3cret")
    }

    @Test func `a timer repeats until it is cancelled, also from inside itself`() async throws {
      let count = Box(0)
      let timer = Box<PluginTimer?>(nil)
      let third = Semaphore()
      try await Harness.run { host in
        .init(start: {
          let started = try host.every(.milliseconds(1)) {
            let n = count.withLock { count in
              count += 1
              return count
            }
            guard n == 3 else { return }
            while timer.withLock({ $0 }) == nil {}
            timer.withLock { $0 }?.cancel()
            third.signal()
          }
          timer.withLock { $0 = started }
        })
      } _: { _ in
        third.wait()
      }
      #expect(count.withLock { $0 } == 3)
      timer.withLock { $0 = nil }
    }
  }
}
