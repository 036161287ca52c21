// The hot path by itself: exact counts from many threads, through every stage of a counter's life; misuse; sinks.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells
import Glibc
import HostMetrics
import Synchronization
import Testing

/// Runs `body` on threads of its own, all at once, and waits for them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Start: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }
  let threads = (0..<count).map { index in
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(index, body)).toOpaque()
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.body(start.index)
        return nil
      }, start)
    precondition(result == 0)
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

@Suite("Cells")
struct CellTests {
  @Test(arguments: [1, 2, 4, 40])
  func `a counter loses no step whatever number of threads add to it`(threads: Int) {
    let counter = MetricsRegistry(catalogue: []).counter(Sample.odd).with("x")
    let steps = 20_000
    // Two waves, so that threads end and their numbers go to others.
    for _ in 0..<2 { onThreads(threads) { _ in for _ in 0..<steps { counter.inc() } } }
    #expect(counter.value == UInt64(2 * threads * steps))
  }

  @Test func `a reader never sees a counter fall while threads add to it`() {
    let counter = MetricsRegistry(catalogue: []).counter(Sample.odd).with("x")
    let running = Atomic(3)
    onThreads(4) { index in
      if index < 3 {
        for _ in 0..<30_000 { counter.inc() }
        running.subtract(1, ordering: .releasing)
      } else {
        var last: UInt64 = 0
        while running.load(ordering: .acquiring) > 0 {
          let now = counter.value
          #expect(now >= last)
          last = now
        }
      }
    }
    #expect(counter.value == 90_000)
  }

  @Test func `a gauge adds exactly from several threads`() {
    let gauge = MetricsRegistry(catalogue: []).gauge(Sample.heat).with()
    onThreads(4) { index in for _ in 0..<10_000 { gauge.add(index % 2 == 0 ? 3 : -1) } }
    #expect(gauge.value == 40_000)
  }

  @Test func `every scrape of a busy histogram has rising buckets and a count that equals the last`() {
    let registry = MetricsRegistry(catalogue: [])
    let histogram = registry.histogram(Sample.waits).with("q")
    let running = Atomic(2)
    onThreads(3) { index in
      if index < 2 {
        for step in 0..<20_000 { histogram.observe(Double(step % 200)) }
        running.subtract(1, ordering: .releasing)
      } else {
        while running.load(ordering: .acquiring) > 0 {
          let (counts, total) = bucketsAndCount(registry.text())
          #expect(counts == counts.sorted())
          #expect(counts.last == total)
        }
      }
    }
    #expect(histogram.count == 40_000)
    #expect(histogram.sum == 2 * 20_000 * 99.5)
  }

  /// The buckets and the count of the only series of `app_wait_seconds`.
  private func bucketsAndCount(_ text: String) -> (buckets: [UInt64], count: UInt64?) {
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("app_wait_seconds") }
    func value(_ line: Substring) -> UInt64? { line.split(separator: " ").last.flatMap { UInt64($0) } }
    return (
      lines.filter { $0.contains("_bucket") }.compactMap(value), lines.first { $0.contains("_count") }.flatMap(value)
    )
  }

  @Test func `a negative step is ignored and counted as misuse`() {
    let registry = MetricsRegistry()
    let counter = registry.counter(Families.messagesProcessed).with("a")
    let misuse = registry.counter(Families.metricMisuse).with("", .negativeStep)
    let before = misuse.value
    counter.add(5)
    counter.add(-3)
    #expect(counter.value == 5)
    #expect(misuse.value > before)
  }

  @Test func `an observation of NaN is ignored and counted as misuse`() {
    let registry = MetricsRegistry()
    let histogram = registry.histogram(Families.extensionSweepDuration).with()
    let misuse = registry.counter(Families.metricMisuse).with("", .nanObservation)
    let before = misuse.value
    histogram.observe(.nan)
    #expect(histogram.count == 0)
    #expect(misuse.value > before)
  }

  @Test func `a value on a bucket's bound falls into that bucket, infinities into the outer ones`() {
    let histogram = MetricsRegistry(catalogue: []).histogram(Sample.waits).with("q")
    for value in [0.5, -.infinity, 100, 100.1, .infinity] { histogram.observe(value) }
    #expect(histogram.snapshot.buckets == [2, 2, 3, 5])
  }

  @Test func `sinks take anything from any thread`() {
    onThreads(3) { _ in
      for _ in 0..<5000 {
        nexo_counter_add(nexo_counter_sink(), 1)
        nexo_gauge_set(nexo_gauge_sink(), .nan)
        nexo_gauge_add(nexo_gauge_sink(), 1)
        nexo_histogram_observe(nexo_histogram_sink(), 1)
      }
    }
    #expect(nexo_histogram_width(nexo_histogram_sink()) == 3)
  }

  @Test(arguments: [[1.0, 1.0], [2, 1], [.nan], [1, .infinity], Array(repeating: 1, count: 65)])
  func `a histogram of bad buckets is not made`(bounds: [Double]) {
    #expect(nexo_histogram_new(bounds, bounds.count, 0) == nil)
  }
}
