// The scrapes that wait, answered in rounds: each round asks the plugins, samples and makes the text once, for all who came
// before it began. So two Prometheus servers, or a hundred impatient ones, cost little more than one, no plugin is asked
// while it still answers, and everybody gets values from after their request.
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
    /// Nanoseconds that plugins may take.
    let patience: UInt64
    let answer: Answer
  }

  private struct State: Sendable {
    var waiting: [Waiting] = []
    /// A thread answers, or is about to.
    var isServed = false
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
  ///   - patience: nanoseconds that plugins may take. A round takes the shortest of those that it is for.
  ///   - answer: called once, later, from the scrapes' thread; where the system has no thread to give, from this one.
  func add(_ choice: ExpositionChoice, patience: UInt64, _ answer: @escaping Answer) {
    let needsThread = state.change { state in
      state.waiting.append(Waiting(choice: choice, patience: patience, answer: answer))
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
    while let round = next(within: time) { answer(round) }
  }

  /// All who wait now; nil, and nobody serves any more, when nobody came in time.
  private func next(within time: UInt64) -> [Waiting]? {
    func take(_ state: inout State) -> [Waiting]? {
      defer { state.waiting = [] }
      return state.waiting.isEmpty ? nil : state.waiting
    }
    if let round = state.wait(until: Clock.monotonic() + time, take) { return round }
    return state.withLock { state in
      let round = take(&state)
      state.isServed = round != nil
      return round
    }
  }

  private func answer(_ round: [Waiting]) {
    let collected = Monitor(false)
    collect(round.map(\.patience).min() ?? 0) { collected.change { $0 = true } }
    _ = collected.wait { $0 ? () : nil }
    registry.runSamplers()
    var made: [ExpositionChoice: Exposition] = [:]
    for one in round {
      let exposition = made[one.choice] ?? registry.exposition(one.choice)
      made[one.choice] = exposition
      one.answer(exposition)
    }
  }
}
