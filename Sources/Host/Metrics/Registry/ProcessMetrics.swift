// The eight standard families of a process, read from the kernel when somebody scrapes.
// Installed once by the wiring with MetricsRegistry.addProcessMetrics().
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import Synchronization

/// Reads `/proc/self` and the limits into the `process_*` families.
///
/// Reading costs a dozen system calls, so the values are up to ``ProcessMetrics/freshness`` old.
final class ProcessMetrics: Sendable {
  /// How long a reading is good for, in nanoseconds; ours: short beside any scrape interval, long beside a load test's
  /// requests.
  static let freshness: UInt64 = 100_000_000

  private let cpuSeconds, openFDs, maxFDs, virtualMemory, virtualMemoryMax, residentMemory, startTime, threads: Gauge
  private let lastReading = Mutex<UInt64?>(nil)
  /// When the machine booted, in seconds since 1970; process start times count from it.
  private let bootTime: Double

  init(_ registry: MetricsRegistry) {
    func gauge(_ spec: FamilySpec) -> Gauge {
      Gauge(cell: registry.family(spec).row([], holder: .host, isPublished: true).cell)
    }
    cpuSeconds = gauge(Families.processCPUSeconds.spec)
    openFDs = gauge(Families.processOpenFDs.spec)
    maxFDs = gauge(Families.processMaxFDs.spec)
    virtualMemory = gauge(Families.processVirtualMemory.spec)
    virtualMemoryMax = gauge(Families.processVirtualMemoryMax.spec)
    residentMemory = gauge(Families.processResidentMemory.spec)
    startTime = gauge(Families.processStartTime.spec)
    threads = gauge(Families.processThreads.spec)
    bootTime = Self.readBootTime()
  }

  /// Reads everything, unless that was just done. A value that cannot be read keeps what it was.
  func sample() {
    let isDue = lastReading.withLock { last in
      let now = Clock.monotonic()
      if let last, now - last < Self.freshness { return false }
      last = now
      return true
    }
    guard isDue else { return }
    if let stat = Self.readText("/proc/self/stat") { take(stat: stat) }
    if let open = Self.countOpenFDs() { openFDs.set(open) }
    maxFDs.set(Self.softLimit(RLIMIT_NOFILE))
    virtualMemoryMax.set(Self.softLimit(RLIMIT_AS))
  }

  /// Takes the fields of proc(5) `/proc/pid/stat`: the name in brackets may hold anything, so they count from its end.
  private func take(stat: String) {
    guard let end = stat.lastIndex(of: ")") else { return }
    let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
    // The first field after the name is number 3 of the manual page.
    guard fields.count > 21 else { return }
    func field(_ number: Int) -> Double { fields[number - 3] }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    cpuSeconds.set((field(14) + field(15)) / ticks)
    threads.set(field(20))
    startTime.set(bootTime + field(22) / ticks)
    virtualMemory.set(field(23))
    residentMemory.set(field(24) * Double(sysconf(Int32(_SC_PAGESIZE))))
  }

  private static func readBootTime() -> Double {
    let line = readText("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
    return line.flatMap { Double($0.dropFirst(6)) } ?? 0
  }

  private static func softLimit(_ resource: __rlimit_resource) -> Double {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : 0
  }

  /// Entries of `/proc/self/fd`, without the one that reads it.
  private static func countOpenFDs() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = -3  // ".", ".." and the descriptor of the folder itself
    while readdir(folder) != nil { count += 1 }
    return count
  }

  private static func readText(_ path: String) -> String? {
    (try? AtomicFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
  }
}

extension MetricsRegistry {
  /// Has the `process_*` families read before every scrape. Once for each registry.
  package func addProcessMetrics() {
    let metrics = ProcessMetrics(self)
    metrics.sample()
    addSampler { metrics.sample() }
  }
}
