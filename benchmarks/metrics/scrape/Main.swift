// CPU of a scrape: N counter series with two labels, of which one in a hundred moves between two scrapes.
// Prints one line for run.sh: `series <n> cpu_us_per_scrape <t> bytes <b>`. The peers in ../peers do the same work.
// Arguments: number of series, number of scrapes, and `frozen` to move nothing.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostMetrics

@main
struct ScrapeBenchmark {
  static let family = CounterSpec<String, String>(
    "bench_requests_total", ["path", "code"], help: "Requests by path and code.")

  static func main() {
    let arguments = CommandLine.arguments.dropFirst().compactMap(Int.init)
    let series = arguments.first ?? 1000
    let scrapes = arguments.dropFirst().first ?? 1000
    let isFrozen = CommandLine.arguments.contains("frozen")
    let registry = MetricsRegistry(catalogue: [])
    let counters = (0..<series).map { index in
      registry.counter(family).with("/api/v1/resource/\(index / 10)", "\(200 + index % 10)")
    }
    for (index, counter) in counters.enumerated() { counter.add(index * 7 + 1) }
    var bytes = registry.render().count
    let begin = cpuMicroseconds()
    for scrape in 0..<scrapes {
      if !isFrozen {
        for step in 0..<max(1, series / 100) { counters[(step * 7919 + scrape * 104_729) % series].inc() }
      }
      bytes = registry.render().count
    }
    let spent = cpuMicroseconds() - begin
    print("series \(series) cpu_us_per_scrape \(spent / Double(max(1, scrapes))) bytes \(bytes)")
  }

  private static func cpuMicroseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
  }
}
