// Asks all plugins to set their gauges before a scrape, and waits for none longer than the header allows.
// Called by the route `/metrics` before it makes the text.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostMetrics
internal import Synchronization

extension PluginHost {
  /// Nanoseconds that callbacks have: the ABI header's figure.
  package static var scrapeTime: UInt64 { 100_000_000 }

  /// Calls each plugin's on_scrape once, side by side, and then `done`: at once when no plugin has one, after `time` at the
  /// latest. A plugin whose callback of an earlier scrape still runs is left out and counts as failed.
  ///
  /// - Parameter done: called exactly once, on an event thread of a plugin, the alarm thread, or this one.
  package func collect(within time: UInt64 = scrapeTime, _ done: @escaping @Sendable () -> Void) {
    let asked = running.compactMap { instance in instance.ledger.entries.scrape.map { (instance, $0) } }
    guard !asked.isEmpty else { return done() }
    let round = ScrapeRound(count: asked.count, done: done)
    let alarm = alarms.set(Clock.monotonic() + min(time, PluginHost.scrapeTime)) { round.end() }
    round.whenDone { [alarms] in alarms.cancel(alarm) }
    for (instance, scrape) in asked { ask(instance, scrape, round) }
  }

  private func ask(_ instance: Instance, _ scrape: Ledger.Scrape, _ round: ScrapeRound) {
    let success = metrics.gauge(Families.pluginScrapeSuccess).with(instance.id)
    let duration = metrics.gauge(Families.pluginScrapeDuration).with(instance.id)
    guard instance.beginScrape() else {
      success.set(0)
      return round.leave()
    }
    let begin = Clock.monotonic()
    let returned = Flag()
    let isQueued = instance.events.submit {
      let isCalled: Void? = instance.event(.onScrape) { scrape.function(scrape.context) }
      let time = Clock.monotonic() - begin
      returned.set()
      instance.endScrape()
      duration.set(Double(time) * 1e-9)
      success.set(isCalled != nil && time <= PluginHost.scrapeTime ? 1 : 0)
      round.leave()
    }
    if !isQueued {
      instance.endScrape()
      success.set(0)
      round.leave()
    } else {
      round.whenEndedEarly { if !returned.isSet { success.set(0) } }
    }
  }
}

/// Set once, from one thread to another.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}

/// The callbacks of one scrape.
final class ScrapeRound: Sendable {
  private struct State {
    var left: Int
    var done: (@Sendable () -> Void)?
    var cleanup: (@Sendable () -> Void)?
    var late: [@Sendable () -> Void] = []
  }
  private let state: Mutex<State>

  init(count: Int, done: @escaping @Sendable () -> Void) { state = Mutex(State(left: count, done: done)) }

  /// For what has to be undone when all came in time.
  func whenDone(_ cleanup: @escaping @Sendable () -> Void) { state.withLock { $0.cleanup = cleanup } }
  /// For what is true when the time is over first.
  func whenEndedEarly(_ mark: @escaping @Sendable () -> Void) {
    state.withLock { if $0.done != nil, $0.left > 0 { $0.late.append(mark) } }
  }

  /// One callback is over.
  func leave() {
    let (done, cleanup) = state.withLock { state -> ((@Sendable () -> Void)?, (@Sendable () -> Void)?) in
      state.left -= 1
      guard state.left == 0 else { return (nil, nil) }
      defer { state.done = nil }
      return (state.done, state.cleanup)
    }
    cleanup?()
    done?()
  }

  /// The time is over.
  func end() {
    let (done, late) = state.withLock { state -> ((@Sendable () -> Void)?, [@Sendable () -> Void]) in
      defer { state.done = nil }
      return (state.done, state.done == nil ? [] : state.late)
    }
    for mark in late { mark() }
    done?()
  }
}
