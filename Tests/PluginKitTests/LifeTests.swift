// The life of an instance: create, start, reconfigure, quiesce, stop, and what fails on the way.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

/// Every suite that runs plugins is inside this one, because they share the plugin that create() makes.
@Suite("PluginKit", .serialized, .timeLimit(.minutes(2)))
struct KitTests {}

extension KitTests {
  @Suite("Life")
  struct LifeTests {
    @Test func `each step of a plugin's life is called once and in order`() async throws {
      let steps = Box<[String]>([])
      try await Harness.run { _ in
        steps.withLock { $0.append("init") }
        return ClosurePlugin.Parts(
          start: { steps.withLock { $0.append("start") } },
          quiesce: { steps.withLock { $0.append("quiesce") } }, stop: { steps.withLock { $0.append("stop") } })
      } _: { _ in
      }
      #expect(steps.withLock { $0 } == ["init", "start", "quiesce", "stop"])
    }

    @Test func `an error thrown by init reaches the operator in its own words`() {
      let harness = Harness()
      #expect(harness.create("{}") { _ in throw PluginError(.invalid, "no key. Set weather.key.") } == -1)
      #expect(harness.error == "no key. Set weather.key.")
    }

    @Test func `any other Swift error becomes NEXO_E_OTHER with its description`() {
      enum Trouble: Error { case noNetwork }
      let harness = Harness()
      #expect(harness.create("{}") { _ in throw Trouble.noNetwork } == -100)
      #expect(harness.error == "noNetwork")
    }

    @Test func `a long error text is cut and stays UTF-8`() {
      let harness = Harness()
      _ = harness.create("{}") { _ in throw PluginError(.other, String(repeating: "ü", count: 300)) }
      #expect(harness.error.utf8.count <= 248)
    }

    @Test func `a configuration that is not JSON fails create`() {
      #expect(Harness().create("{nonsense") { _ in .init() } == -1)
    }

    @Test func `reconfigure hands the new configuration over, and a plugin without it asks for a new instance`()
      async throws
    {
      let seen = Box<JSON>(.null)
      try await Harness.run { _ in
        .init(reconfigure: { json in seen.withLock { $0 = json } })
      } _: { (harness) async throws in
        #expect(nexo_test_reconfigure(harness.test, #"{"a":1}"#) == 0)
      }
      #expect(seen.withLock { $0 } == ["a": 1])
      try await Harness.run { _ in
        .init()
      } _: { (harness) async throws in
        #expect(nexo_test_reconfigure(harness.test, "{}") == Int32(NEXO_E_RESTART))
      }
    }

    @Test func `a service that the host does not grant is an error that names it`() {
      let harness = Harness(denying: NEXO_HTTP_1)
      #expect(
        harness.create("{}") {
          try $0.route("GET", "/a") { _ in .text("") }
          return .init()
        } == -4)
      #expect(harness.error.contains("nexo.http/1"))
    }

    @Test func `typed configuration names the key that is wrong`() async throws {
      struct Config: Decodable, Equatable {
        var city: String
        var days: Int?
        var units: [String]
      }
      let seen = Box<Config?>(nil)
      try await Harness.run(config: #"{"city":"Oslo","units":["c","f"]}"#) { host in
        let config = try host.config(as: Config.self)
        seen.withLock { $0 = config }
        return .init()
      } _: { _ in
      }
      #expect(seen.withLock { $0 } == Config(city: "Oslo", days: nil, units: ["c", "f"]))
      let harness = Harness()
      #expect(
        harness.create(#"{"city":"Oslo","units":[1]}"#) {
          _ = try $0.config(as: Config.self)
          return .init()
        } == -1)
      #expect(harness.error == "'units.[0]': expected a string")
    }

    @Test func `a task that never ends by itself is cancelled, and has ended before stop`() async throws {
      let events = Box<[String]>([])
      let harness = Harness()
      let created = harness.create("{}") { host in
        .init(
          start: {
            host.task {
              try? await Task.sleep(for: .seconds(3600))
              events.withLock { $0.append("cancelled") }
            }
          }, stop: { events.withLock { $0.append("stop") } })
      }
      #expect(created == 0 && nexo_test_start(harness.test) == 0)
      #expect(!nexo_test_stop(harness.test, 10), "a task was running, so it was not idle")
      #expect(events.withLock { $0 } == ["cancelled", "stop"])
    }

    @Test func `state and environment come from the host`() async throws {
      try await Harness.run { host in
        #expect(try host.load("token") == nil)
        try host.save(Array("abc".utf8), as: "token")
        #expect(try host.load("token") == Array("abc".utf8))
        #expect(host.environment("HOME") == nil, "not listed in the manifest")
        #expect(try host.folder(.state) == "/tmp")
        return .init()
      } _: { _ in
      }
    }
  }
}
