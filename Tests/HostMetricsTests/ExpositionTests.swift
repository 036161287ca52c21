// The text of a scrape, whole: both formats, every escape and number, patched values beside text made anew.
//
// SPDX-License-Identifier: Apache-2.0

import HostMetrics
import TestSupport
import Testing

/// A registry with families of its own, so that the expected text can stand here whole.
enum Sample {
  enum Side: String, ClosedLabel { case left, right }

  static let requests = CounterSpec<String, Side>(
    "app_requests_total", ["path", "side"], help: "Requests, by \"path\"\nand \\ side.")
  static let odd = CounterSpec<String>("app_odd_name", ["kind"], help: "A counter whose name lacks _total.")
  static let heat = PlainGaugeSpec("app_heat_celsius", help: "Heat.")
  static let waits = HistogramSpec<String>("app_wait_seconds", ["queue"], help: "Waits.", bounds: [0.5, 1, 100])
  static let empty = GaugeSpec<String>("app_unused", ["x"], help: "Never set.")

  static func registry() -> MetricsRegistry {
    MetricsRegistry(catalogue: [requests.spec, odd.spec, heat.spec, waits.spec, empty.spec])
  }
}

extension MetricsRegistry {
  /// The exposition as text, without the family that every registry has.
  func text(_ format: ExpositionFormat = .text) -> String {
    String(decoding: render(format: format), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("nexo_metric_misuse") && !$0.contains("nexo_plugin_series") }.joined(separator: "\n")
  }
}

@Suite("Exposition")
struct ExpositionTests {
  private func filled() -> MetricsRegistry {
    let registry = Sample.registry()
    registry.counter(Sample.requests).with("/b", .right).add(12)
    registry.counter(Sample.requests).with("/a\"\\\n", .left).inc()
    registry.counter(Sample.odd).with("x").inc()
    registry.gauge(Sample.heat).with().set(-1.5)
    let waits = registry.histogram(Sample.waits).with("q")
    for value in [0.25, 0.5, 0.75, 1000] { waits.observe(value) }
    return registry
  }

  @Test func `the text format has HELP and TYPE of every family and all values escaped`() {
    #expect(
      filled().text() == #"""
        # HELP app_heat_celsius Heat.
        # TYPE app_heat_celsius gauge
        app_heat_celsius -1.5
        # HELP app_odd_name A counter whose name lacks _total.
        # TYPE app_odd_name counter
        app_odd_name{kind="x"} 1
        # HELP app_requests_total Requests, by "path"\nand \\ side.
        # TYPE app_requests_total counter
        app_requests_total{path="/a\"\\\n",side="left"} 1
        app_requests_total{path="/b",side="right"} 12
        # HELP app_unused Never set.
        # TYPE app_unused gauge
        # HELP app_wait_seconds Waits.
        # TYPE app_wait_seconds histogram
        app_wait_seconds_bucket{queue="q",le="0.5"} 2
        app_wait_seconds_bucket{queue="q",le="1"} 3
        app_wait_seconds_bucket{queue="q",le="100"} 3
        app_wait_seconds_bucket{queue="q",le="+Inf"} 4
        app_wait_seconds_sum{queue="q"} 1001.5
        app_wait_seconds_count{queue="q"} 4

        """#)
  }

  @Test func `OpenMetrics names counters without total, calls odd ones unknown, and ends with EOF`() {
    #expect(
      filled().text(.openMetrics) == #"""
        # HELP app_heat_celsius Heat.
        # TYPE app_heat_celsius gauge
        app_heat_celsius -1.5
        # HELP app_odd_name A counter whose name lacks _total.
        # TYPE app_odd_name unknown
        app_odd_name{kind="x"} 1
        # HELP app_requests Requests, by \"path\"\nand \\ side.
        # TYPE app_requests counter
        app_requests_total{path="/a\"\\\n",side="left"} 1
        app_requests_total{path="/b",side="right"} 12
        # HELP app_unused Never set.
        # TYPE app_unused gauge
        # HELP app_wait_seconds Waits.
        # TYPE app_wait_seconds histogram
        # UNIT app_wait_seconds seconds
        app_wait_seconds_bucket{queue="q",le="0.5"} 2
        app_wait_seconds_bucket{queue="q",le="1.0"} 3
        app_wait_seconds_bucket{queue="q",le="100.0"} 3
        app_wait_seconds_bucket{queue="q",le="+Inf"} 4
        app_wait_seconds_sum{queue="q"} 1001.5
        app_wait_seconds_count{queue="q"} 4
        # EOF

        """#)
  }

  @Test(arguments: [
    (0.0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (1e-5, "1e-05"), (0.0001, "0.0001"),
    (123_456_789, "123456789"), (9_007_199_254_740_991, "9007199254740991"), (1e21, "1e+21"), (1e300, "1e+300"),
    (.leastNonzeroMagnitude, "5e-324"), (1_700_000_000.25, "1700000000.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
    (.nan, "NaN"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (2.5, "2.5"), (0x1p64, "1.8446744073709552e+19"),
  ])
  func `a gauge's value is the shortest text that reads back the same`(value: Double, expected: String) {
    let registry = Sample.registry()
    registry.gauge(Sample.heat).with().set(value)
    #expect(registry.text().contains("\napp_heat_celsius \(expected)\n"))
  }

  @Test func `a counter shows all of its 64 bits`() {
    let registry = Sample.registry()
    registry.counter(Sample.odd).with("x").add(Int.max)
    registry.counter(Sample.odd).with("x").add(7)
    #expect(registry.text().contains(#"app_odd_name{kind="x"} 9223372036854775814"#))
  }

  @Test(arguments: ExpositionFormat.allCases)
  func `a text patched over many scrapes equals one made anew`(format: ExpositionFormat) {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    let registry = Sample.registry()
    for step in 0..<300 {
      for _ in 0..<random.next(upperBound: UInt64(8)) {
        switch random.next(upperBound: UInt64(5)) {
        case 0:
          registry.counter(Sample.requests).with("/\(random.next(upperBound: UInt64(9)))", .left).add(
            Int(random.next(upperBound: UInt64(2000))))
        case 1: registry.gauge(Sample.heat).with().set(Double(random.next(upperBound: UInt64(1_000_000))) / 64 - 4000)
        case 2:
          registry.histogram(Sample.waits).with("q\(random.next(upperBound: UInt64(3)))").observe(
            Double(random.next(upperBound: UInt64(300))) - 9)
        case 3: registry.gauge(Sample.empty).with("\(random.next(upperBound: UInt64(3)))").add(1e7)
        default: registry.gauge(Sample.empty).remove("\(random.next(upperBound: UInt64(3)))")
        }
      }
      let patched = registry.text(format)
      #expect(patched == registry.freshText(format), "seed \(seed) step \(step)")
    }
  }

  @Test func `an answer that is still being sent is not changed by the next scrape`() {
    let registry = Sample.registry()
    let gauge = registry.gauge(Sample.heat).with()
    gauge.set(11)
    let first = registry.render()
    let copy = Array(first.map { $0 })
    gauge.set(22)
    let second = registry.render()
    #expect(first == copy)
    #expect(second != first)
  }

  @Test func `OpenMetrics leaves out sum and count when the sum is negative and shows them again when it is not`() {
    let registry = Sample.registry()
    let waits = registry.histogram(Sample.waits).with("q")
    waits.observe(1)
    #expect(registry.text(.openMetrics).contains("app_wait_seconds_sum"))
    waits.observe(-5)
    #expect(!registry.text(.openMetrics).contains("app_wait_seconds_sum"))
    #expect(!registry.text(.openMetrics).contains("app_wait_seconds_count"))
    #expect(registry.text(.text).contains(#"app_wait_seconds_sum{queue="q"} -4"#))
    waits.observe(9)
    #expect(registry.text(.openMetrics).contains(#"app_wait_seconds_sum{queue="q"} 5"#))
  }
}

extension MetricsRegistry {
  /// The same state, rendered by a renderer that has seen nothing before.
  func freshText(_ format: ExpositionFormat) -> String {
    String(decoding: renderAnew(format: format), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("nexo_metric_misuse") && !$0.contains("nexo_plugin_series") }.joined(separator: "\n")
  }
}
