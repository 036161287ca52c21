// Scrapes in rounds: who shares one, who must wait for the next, and what happens to plugins meanwhile.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostMetrics
import Synchronization
import Testing

@testable import HostApp

struct ScrapesTests {
  /// Counts what rounds do; a round's collection can be held up.
  private final class Desk: Sendable {
    struct State: Sendable {
      var collections = 0
      var open = false
      var answers: [String] = []
      var patience: [UInt64] = []
      var sampled = 0
    }
    static let patience: UInt64 = 60_000_000_000
    let state = Monitor(State())
    let registry = MetricsRegistry()
    let scrapes: Scrapes

    init() {
      scrapes = Scrapes(registry: registry) { [state] time, done in
        state.change {
          $0.collections += 1
          $0.patience.append(time)
        }
        try? Thread.start("plugin") {
          _ = state.wait { $0.open ? () : nil }
          done()
        }
      }
      registry.addSampler { [state] in state.change { $0.sampled += 1 } }
    }

    func scrape(_ accept: String? = nil, patience: UInt64 = Desk.patience) {
      scrapes.add(ExpositionChoice(accept: accept, acceptEncoding: nil), patience: patience) { [state] exposition in
        state.change { $0.answers.append(exposition.contentType) }
      }
    }

    /// Whether plugins have been asked so many times.
    func collected(_ count: Int) -> Bool {
      state.wait(until: Clock.monotonic() + 20_000_000_000) { $0.collections == count ? true : nil } ?? false
    }

    func answers(_ count: Int) -> [String]? {
      state.wait(until: Clock.monotonic() + 20_000_000_000) { $0.answers.count == count ? $0.answers : nil }
    }
  }

  @Test func `who comes while plugins are asked is answered with those who came before`() throws {
    let desk = Desk()
    desk.scrape()
    #expect(desk.collected(1))
    for _ in 0..<20 { desk.scrape() }
    desk.scrape("application/openmetrics-text")
    desk.state.change { $0.open = true }
    let answers = try #require(desk.answers(22))
    #expect(answers.filter { $0.hasPrefix("application/openmetrics-text") }.count == 1)
    let state = desk.state.withLock { $0 }
    #expect(state.collections == 1)
    #expect(state.sampled == 1)
    #expect((state.patience.first ?? 0) > Desk.patience / 2)
  }

  @Test func `who has less time ends the waiting for plugins, and the next round asks them again`() throws {
    let desk = Desk()
    desk.scrape()
    #expect(desk.collected(1))
    desk.scrape(patience: 1_000_000)
    #expect(desk.answers(2) != nil, "no plugin has answered yet")
    desk.scrape()
    #expect(desk.collected(2))
    #expect(desk.state.withLock { $0.answers.count } == 2)
    desk.state.change { $0.open = true }
    #expect(desk.answers(3) != nil)
    #expect(desk.state.withLock { $0.sampled } == 2)
  }

  @Test func `a value set before the request is in its answer, whoever else scrapes`() throws {
    let desk = Desk()
    desk.state.change { $0.open = true }
    let counter = desk.registry.gauge(Families.ready).with()
    let seen = Mutex<[Bool]>([])
    let done = Monitor(0)
    for value in 1...200 {
      counter.set(Double(value))
      desk.scrapes.add(ExpositionChoice(accept: nil, acceptEncoding: nil), patience: Desk.patience) { exposition in
        let text = String(decoding: exposition.body, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("nexo_ready ") }
        let shown = line.flatMap { Int($0.dropFirst("nexo_ready ".count)) } ?? 0
        seen.withLock { $0.append(shown >= value) }
        done.change { $0 += 1 }
      }
    }
    try #require(done.wait(until: Clock.monotonic() + 20_000_000_000) { $0 == 200 ? () : nil })
    #expect(seen.withLock { $0 }.allSatisfy { $0 })
  }

  @Test func `a scrape after a pause is answered as well`() throws {
    let desk = Desk()
    desk.state.change { $0.open = true }
    for count in 1...3 {
      desk.scrape()
      #expect(desk.answers(count) != nil)
    }
    #expect(desk.state.withLock { $0.collections } == 3)
  }
}
