// What plugins may declare, what they are refused and why, what becomes of it over generations, and that nothing they
// say can spoil the exposition.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells
import HostMetrics
import HostReasons
import Testing

@Suite("Plugin metrics")
struct PluginMetricsTests {
  private let registry = MetricsRegistry()

  /// A published generation of a plugin.
  private func generation(
    _ id: String = "my-weather", patterns: [String] = [], limits: PluginMetricLimits? = nil
  ) -> PluginMetricsGeneration {
    let generation = registry.plugin(id, limits: limits).begin(patterns: patterns)
    generation.publish()
    return generation
  }

  private func refusal(_ generation: PluginMetricsGeneration, _ request: PluginFamilyRequest) -> String {
    do throws(MetricRefusal) {
      _ = try generation.declare(request)
      return "accepted"
    } catch {
      #expect(error.description.hasSuffix("."))
      return error.reason.code
    }
  }

  @Test func `a family and its series are on the wire only after publish and only until the end`() throws {
    let staged = registry.plugin("my-weather").begin(patterns: [])
    let family = try staged.declare(
      PluginFamilyRequest(.counter, "my_weather_calls_total", help: "Calls.", labels: ["city"]))
    nexo_counter_add(family.series(["Bern"]).handle, 3)
    #expect(!registry.text().contains("my_weather"))
    staged.publish()
    #expect(
      registry.text().contains("# TYPE my_weather_calls_total counter\nmy_weather_calls_total{city=\"Bern\"} 3\n"))
    nexo_counter_add(family.series(["Chur"]).handle, 1)
    #expect(registry.text().contains("my_weather_calls_total{city=\"Chur\"} 1\n"))
    staged.end()
    #expect(!registry.text().contains("my_weather"))
    #expect(family.series(["Bern"]).refusal?.reason.code == "metrics.ended")
  }

  @Test func `a counter goes on across a replacement and after a removal`() throws {
    let request = PluginFamilyRequest(.counter, "my_weather_calls_total", help: "Calls.", labels: ["city"])
    let old = generation()
    let handle = try old.declare(request).series(["Bern"]).handle
    nexo_counter_add(handle, 5)
    let new = registry.plugin("my-weather").begin(patterns: [])
    #expect(try new.declare(request).series(["Bern"]).handle == handle)
    new.publish()
    old.end()
    nexo_counter_add(handle, 2)
    #expect(registry.text().contains("my_weather_calls_total{city=\"Bern\"} 7\n"))
    new.end()
    let back = generation()
    _ = try back.declare(request).series(["Bern"])
    #expect(registry.text().contains("my_weather_calls_total{city=\"Bern\"} 7\n"))
  }

  @Test func `a new generation may change a family's shape, and its failure brings the old one back`() throws {
    let old = generation()
    let first = try old.declare(PluginFamilyRequest(.gauge, "my_weather_level", help: "Old."))
    nexo_gauge_set(first.series([]).handle, 1)
    let new = registry.plugin("my-weather").begin(patterns: [])
    let second = try new.declare(PluginFamilyRequest(.gauge, "my_weather_level", help: "New.", labels: ["at"]))
    nexo_gauge_set(second.series(["sea"]).handle, 2)
    new.publish()
    #expect(registry.text().contains("my_weather_level{at=\"sea\"} 2\n"))
    #expect(!registry.text().contains("my_weather_level 1\n"))
    new.end()
    #expect(registry.text().contains("my_weather_level 1\n"))
  }

  @Test(
    arguments: [
      ("my_weather_ok", ["a"], [], "accepted"),
      ("channel_extra_total", ["a"], [], "accepted"),
      ("exact", [], [], "accepted"),
      ("exactly", [], [], "metrics.not_in_manifest"),
      ("weather_x", [], [], "metrics.not_in_manifest"),
      ("llm_requests_total", [], [], "metrics.not_in_manifest"),
      ("my_weather_é", [], [], "metrics.name_invalid"),
      ("1my_weather_x", [], [], "metrics.name_invalid"),
      ("", [], [], "metrics.name_invalid"),
      ("my_weather_x{a=\"b\"} 1\nevil", [], [], "metrics.name_invalid"),
      ("my_weather_" + String(repeating: "x", count: 200), [], [], "metrics.name_invalid"),
      ("my_weather_x", ["le"], [], "metrics.label_reserved"),
      ("my_weather_x", ["quantile"], [], "metrics.label_reserved"),
      ("my_weather_x", ["__name__"], [], "metrics.label_reserved"),
      ("my_weather_x", ["a", "a"], [], "metrics.label_invalid"),
      ("my_weather_x", ["a-b"], [], "metrics.label_invalid"),
      ("my_weather_x", ["a:b"], [], "metrics.label_invalid"),
      ("my_weather_x", [""], [], "metrics.label_invalid"),
      ("my_weather_x", (0..<17).map { "l\($0)" }, [], "metrics.label_invalid"),
      ("my_weather_x", [], [1.0], "metrics.bad_buckets"),
      ("channel_acl_denied_total", ["agent", "channel", "instance"], [], "metrics.name_taken"),
      ("channel_acl_denied", [], [], "metrics.name_taken"),
    ] as [(String, [String], [Double], String)])
  func `a gauge is accepted or refused with its reason`(name: String, labels: [String], bounds: [Double], code: String)
  {
    let plugin = generation(patterns: ["channel_*", "exact"])
    #expect(refusal(plugin, PluginFamilyRequest(.gauge, name, help: "H.", labels: labels, bounds: bounds)) == code)
  }

  @Test(
    arguments: [
      ([1, 2, 3], "accepted"), ([], "accepted"), ([1, 2, .infinity], "accepted"), ([1, 1], "metrics.bad_buckets"),
      ([2, 1], "metrics.bad_buckets"), ([.nan], "metrics.bad_buckets"), ([-.infinity, 1], "metrics.bad_buckets"),
      ([.infinity, .infinity], "metrics.bad_buckets"), ((0..<65).map(Double.init), "metrics.bad_buckets"),
    ] as [([Double], String)])
  func `a histogram's buckets are finite, rising and few`(bounds: [Double], code: String) {
    #expect(refusal(generation(), PluginFamilyRequest(.histogram, "my_weather_s", help: "H.", bounds: bounds)) == code)
  }

  @Test func `a name is taken by the plugin that declared it first, and by the names its samples need`() throws {
    let first = generation("first", patterns: ["shared_*"])
    _ = try first.declare(PluginFamilyRequest(.histogram, "shared_time", help: "H.", bounds: [1]))
    let second = generation("second", patterns: ["shared_*"])
    let taken = PluginFamilyRequest(.gauge, "shared_time", help: "H.")
    #expect(throws: MetricRefusal.nameTaken(name: "shared_time", owner: "plugin first", family: "shared_time")) {
      try second.declare(taken)
    }
    for name in ["shared_time_bucket", "shared_time_sum", "shared_time_count", "shared_time_created"] {
      #expect(refusal(second, PluginFamilyRequest(.gauge, name, help: "H.")) == "metrics.name_taken")
      #expect(refusal(first, PluginFamilyRequest(.gauge, name, help: "H.")) == "metrics.name_taken")
    }
    first.end()
    #expect(refusal(second, taken) == "accepted")
    #expect(refusal(generation("first", patterns: ["shared_*"]), taken) == "metrics.name_taken")
  }

  @Test func `the same declaration gives the same family, another shape in the same generation is refused`() throws {
    let plugin = generation()
    let one = try plugin.declare(PluginFamilyRequest(.gauge, "my_weather_x", help: "H.", labels: ["a", "b"]))
    let two = try plugin.declare(PluginFamilyRequest(.gauge, "my_weather_x", help: "H.", labels: ["b", "a"]))
    #expect(one.series(["1", "2"]).handle == two.series(["2", "1"]).handle)
    #expect(refusal(plugin, PluginFamilyRequest(.counter, "my_weather_x", help: "H.")) == "metrics.shape_differs")
    #expect(one.series(["1"]).refusal == .labelsDiffer(family: "my_weather_x"))
  }

  @Test func `over the budget a series is a sink, the others go on, and the loss is counted`() throws {
    var limits = PluginMetricLimits()
    limits.series = 5
    let plugin = generation(limits: limits)
    let family = try plugin.declare(PluginFamilyRequest(.counter, "my_weather_calls_total", help: "H.", labels: ["n"]))
    let made = (0..<8).map { family.series(["\($0)"]) }
    #expect(made.map { $0.refusal == nil } == [true, true, true, true, true, false, false, false])
    for series in made { nexo_counter_add(series.handle, 1) }
    let text = registry.text()
    #expect(text.contains("my_weather_calls_total{n=\"4\"} 1\n"))
    #expect(!text.contains("my_weather_calls_total{n=\"5\"}"))
    let all = String(decoding: registry.render(), as: UTF8.self)
    #expect(all.contains("nexo_plugin_series{plugin=\"my-weather\"} 5\n"))
    #expect(all.contains("nexo_plugin_series_dropped_total{plugin=\"my-weather\"} 3\n"))
    #expect(family.series(["4"]).refusal == nil)
    family.remove(["0"])
    #expect(family.series(["9"]).refusal == nil)
    #expect(!registry.text().contains("n=\"0\""))
  }

  @Test func `budget comes back when a generation ends, and reloads that invent series meet an end`() throws {
    var limits = PluginMetricLimits()
    limits.series = 4
    limits.retention = 3
    let request = PluginFamilyRequest(.gauge, "my_weather_x", help: "H.", labels: ["n"])
    var made = 0
    for round in 0..<10 {
      let plugin = generation(limits: limits)
      let family = try plugin.declare(request)
      for index in 0..<4 where family.series(["\(round)-\(index)"]).refusal == nil { made += 1 }
      plugin.end()
    }
    #expect(made == 12)
    #expect(try generation().declare(request).series(["0-0"]).refusal == nil)
  }

  @Test func `misuse is counted against the plugin whose handle it was`() throws {
    let plugin = generation("clumsy")
    let counter = try plugin.declare(PluginFamilyRequest(.counter, "clumsy_total", help: "H.")).series([])
    let request = PluginFamilyRequest(.histogram, "clumsy_seconds", help: "H.", bounds: [1])
    let histogram = try plugin.declare(request).series([])
    for _ in 0..<3 { nexo_counter_add(counter.handle, UInt64(bitPattern: -1)) }
    nexo_histogram_observe(histogram.handle, .nan)
    let text = String(decoding: registry.render(), as: UTF8.self)
    #expect(text.contains(#"nexo_metric_misuse_total{plugin="clumsy",kind="negative_step"} 3"#))
    #expect(text.contains(#"nexo_metric_misuse_total{plugin="clumsy",kind="nan_observation"} 1"#))
    #expect(text.contains("\nclumsy_total 0\n"))
  }

  @Test func `a plugin has a bound on families`() {
    var limits = PluginMetricLimits()
    limits.families = 2
    let plugin = generation(limits: limits)
    let codes = (0..<3).map { refusal(plugin, PluginFamilyRequest(.gauge, "my_weather_\($0)", help: "H.")) }
    #expect(codes == ["accepted", "accepted", "metrics.too_many_families"])
  }

  @Test func `a plugin joins a host family that its manifest lists, in its shape and closed sets only`() throws {
    let name = Families.credentialsGoogleTokenRefresh.spec.name
    #expect(refusal(generation("other"), PluginFamilyRequest(.counter, name, help: "")) == "metrics.not_in_manifest")
    let plugin = generation("google-creds", patterns: ["credentials_google_*"])
    #expect(
      refusal(plugin, PluginFamilyRequest(.counter, name, help: "", labels: ["outcome"])) == "metrics.shape_differs")
    #expect(
      refusal(plugin, PluginFamilyRequest(.gauge, name, help: "", labels: ["account_fp", "outcome"]))
        == "metrics.shape_differs")
    let family = try plugin.declare(PluginFamilyRequest(.counter, name, help: "", labels: ["outcome", "account_fp"]))
    nexo_counter_add(family.series(["ok", "5b181b132cc2c1b4"]).handle, 2)
    #expect(registry.text().contains(#"\#(name){account_fp="5b181b132cc2c1b4",outcome="ok"} 2"# + "\n"))
    #expect(family.series(["maybe", "x"]).refusal?.reason.code == "metrics.value_not_allowed")
    plugin.end()
    #expect(!registry.text().contains(name + "{"))
    #expect(registry.text().contains("# TYPE \(name) counter"))
  }

  @Test func `label values of any bytes are bounded, valid and escaped`() throws {
    let plugin = generation()
    let family = try plugin.declare(PluginFamilyRequest(.gauge, "my_weather_x", help: "a\nb\\ \"c\"", labels: ["v"]))
    let hostile = [
      "\"} 1\n# EOF\nevil 2", "\\", "\\\"", "\r\n\t\0",
      String(decoding: [0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80], as: UTF8.self),
      String(repeating: "\u{1f600}", count: 1000), "", "é", "e\u{301}",
    ]
    for value in hostile { #expect(family.series([value]).refusal == nil) }
    for line in registry.text().split(separator: "\n") {
      #expect(line.utf8.count < 300)
      #expect(line.hasPrefix("#") || line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
    }
    #expect(!registry.text().contains("\nevil"))
  }
}
