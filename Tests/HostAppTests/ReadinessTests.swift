// Readiness: since when a component is as it is, for those that do not say so themselves.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import Synchronization
import Testing

@testable import HostApp

@Suite("Readiness")
struct ReadinessTests {
  /// A component whose state a test sets.
  final class Lamp: Sendable {
    let state = Mutex("off")
    let since = Mutex<UInt64?>(nil)
    var component: ComponentState {
      ComponentState("lamp", state.withLock { $0 }, reason: nil, since: since.withLock { $0 })
    }
  }

  func since(_ readiness: Readiness) throws -> String? {
    let components = try #require(readiness.answer(verbose: true).body["components"]?.array)
    return try #require(components.first { $0["name"]?.string == "lamp" })["since"]?.string
  }

  @Test func `a component that does not know since when gets the time at which its state was first seen`() throws {
    let lamp = Lamp()
    let readiness = Readiness()
    readiness.add { [lamp.component] }
    readiness.booted()
    let first = try #require(try since(readiness))
    #expect(try since(readiness) == first)
    // Times are written in milliseconds: a change is seen to be later once the clock has moved on.
    lamp.state.withLock { $0 = "on" }
    var second = try since(readiness)
    while second == first {
      lamp.state.withLock { $0 = $0 == "on" ? "off" : "on" }
      second = try since(readiness)
    }
    #expect(try #require(second) > first)
    #expect(try since(readiness) == second)
  }

  @Test func `a component's own time is shown as it is`() throws {
    let lamp = Lamp()
    lamp.since.withLock { $0 = 1_000_000_000 }
    let readiness = Readiness()
    readiness.add { [lamp.component] }
    #expect(try since(readiness) == "1970-01-01T00:00:01.000Z")
  }
}
