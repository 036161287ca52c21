// The scrapes that wait, answered in rounds: each round asks the plugins, samples and makes the text once, for all who come
// before it samples. So two Prometheus servers, or a hundred impatient ones, cost little more than one, no plugin is asked
// while it still answers, and everybody gets the host's values from after their request.
// Filled by MetricsPage. Runs on a thread of its own, since plugins may take their time and very many series theirs.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostMetrics

/// Who waits for the exposition. Safe from any thread.
final class Scrapes: Sendable {
  typealias Answer = @Sendable (Exposition) -> Void

  private struct Waiting: Sendable {
    let choice: ExpositionChoice
    /// Until when it waits for plugins, of `Clock.monotonic()`.
    let deadline: UInt64
    let answer: Answer
  }

  private struct State: Sendable {
    var waiting: [Waiting] = []
    /// A thread answers, or is about to.
    var isServed = false
    /// The number of the last round that has begun, and of the last of which the plugins are through.
    var begun = 0
    var collected = 0

    /// When the first of those who wait has waited long enough.
    var deadline: UInt64 { waiting.map(\.deadline).min() ?? .max }
  }

  private let registry: MetricsRegistry
  private let collect: CollectPlugins
  private let state = Monitor(State())

  /// How long the thread waits for the next scrape before it ends, in nanoseconds. Ours: those who scrape without a pause
  /// find it there, and between the scrapes of a usual Prometheus there is none.
  private static let linger: UInt64 = 1_000_000_000

  init(registry: MetricsRegistry, collect: @escaping CollectPlugins) {
    self.registry = registry
    self.collect = collect
  }

  /// Takes a scrape.
  ///
  /// - Parameters:
  ///   - patience: nanoseconds that it waits for plugins. Who has the least ends the waiting for all of the round.
  ///   - answer: called once, later, from the scrapes' thread; where the system has no thread to give, from this one.
  func add(_ choice: ExpositionChoice, patience: UInt64, _ answer: @escaping Answer) {
    let needsThread = state.change { state in
      state.waiting.append(Waiting(choice: choice, deadline: Clock.monotonic() &+ patience, answer: answer))
      defer { state.isServed = true }
      return !state.isServed
    }
    guard needsThread else { return }
    do throws(SystemError) {
      try Thread.start("scrape") { [self] in serve(lingering: Scrapes.linger) }
    } catch {
      serve(lingering: 0)
    }
  }

  /// Answers rounds until nobody comes for a while.
  private func serve(lingering time: UInt64) {
    while isWanted(within: time) {
      askPlugins()
      let round = state.withLock { state in
        defer { state.waiting = [] }
        return state.waiting
      }
      answer(round)
    }
  }

  /// Whether somebody waits, or comes in time; otherwise nobody serves any more.
  private func isWanted(within time: UInt64) -> Bool {
    func isWanted(_ state: inout State) -> Bool? { state.waiting.isEmpty ? nil : true }
    if let isWanted = state.wait(until: Clock.monotonic() + time, isWanted) { return isWanted }
    return state.withLock { state in
      state.isServed = !state.waiting.isEmpty
      return state.isServed
    }
  }

  /// Has plugins set their gauges, and waits until they are through or their time is over; less long where somebody comes
  /// who has less of it.
  private func askPlugins() {
    let now = Clock.monotonic()
    let (number, end) = state.withLock { state in
      state.begun += 1
      return (state.begun, state.deadline)
    }
    collect(end > now ? end - now : 0) { [state] in state.change { $0.collected = max($0.collected, number) } }
    while true {
      let earliest = state.withLock { $0.deadline }
      // Whose time is over first is marked as failed by then: that is waited for, so that the scrape shows it.
      let isThrough = state.wait(until: earliest < end ? earliest : nil) { state -> Bool? in
        if state.collected >= number { return true }
        return state.deadline < earliest ? false : nil
      }
      if isThrough ?? true { return }
    }
  }

  private func answer(_ round: [Waiting]) {
    registry.runSamplers()
    var made: [ExpositionChoice: Exposition] = [:]
    for one in round {
      let exposition = made[one.choice] ?? registry.exposition(one.choice)
      made[one.choice] = exposition
      one.answer(exposition)
    }
  }
}
