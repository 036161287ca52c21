// Times sweeps over a tree of extensions: the first, which reads and judges everything, and those that follow.
// Run by benchmarks/discovery/run.sh, which compares with readhash.c over the same files.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostPlugins

@main
struct SweepBenchmark {
  static func main() {
    let sweeps = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) : 11
    guard (2...3).contains(CommandLine.arguments.count), let sweeps, sweeps > 0 else {
      return print("usage: bench-sweep TREE [SWEEPS]")
    }
    let scanner = ExtensionScanner(
      settings: DiscoverySettings(searchPaths: [CommandLine.arguments[1]]),
      rules: ManifestRules(hostVersion: SemVer(0, 1, 0)))
    let judge = LibraryJudge(checker: ElfChecker(rules: ElfRules()))
    var times: [Double] = []
    var processor: [Double] = []
    var loadable = 0
    for _ in 0..<sweeps {
      let start = Clock.monotonic()
      let used = processorMilliseconds()
      var sweep = scanner.sweep()
      judge.judge(&sweep)
      times.append(Double(Clock.monotonic() - start) / 1e6)
      processor.append(processorMilliseconds() - used)
      loadable = sweep.candidates.count - sweep.disabled - sweep.invalid
    }
    // With one sweep, for a profile of the first, there is no other: it stands for both.
    let unchanged = (sweeps > 1 ? Array(times.dropFirst()) : times).sorted()[(sweeps - 1) / 2]
    let unchangedProcessor = (sweeps > 1 ? Array(processor.dropFirst()) : processor).sorted()[(sweeps - 1) / 2]
    print(
      "loadable \(loadable) first_ms \(times[0]) unchanged_ms \(unchanged) first_cpu_ms \(processor[0]) "
        + "unchanged_cpu_ms \(unchangedProcessor)")
  }

  /// User and system time of all threads so far.
  private static func processorMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
  }
}
