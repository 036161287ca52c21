// For how long a child could have run and did not: the machine's doing, not the plugin's.
// Used by Supervisor, which holds only the rest against a call that does not return.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The waiting of a process for a processor, looked at from time to time.
///
/// - SeeAlso: Documentation/scheduler/sched-stats.rst of Linux, "/proc/<pid>/schedstat"; proc(5), `stat`.
struct Starvation {
  private var cpu: UInt64 = 0
  /// Since when it has used no processor, as far as was seen.
  private var idleSince: UInt64

  init(now: UInt64) { idleSince = now }

  /// Nanoseconds in all so far; 0 where the kernel does not say. What it waits for now is in the kernel's sum only once it
  /// runs again, so it is added here.
  mutating func look(at child: pid_t, _ now: UInt64) -> UInt64 {
    let words = Supervisor.contents("/proc/\(child)/schedstat")?.split(separator: " ") ?? []
    guard words.count > 1, let used = UInt64(words[0]), let waited = UInt64(words[1]) else { return 0 }
    // The name in parentheses may hold anything, so count from its end.
    let state = Supervisor.contents("/proc/\(child)/stat")?.split(separator: ")").last?.split(separator: " ").first
    if used != cpu || state != "R" { (cpu, idleSince) = (used, now) }
    return waited + (now - idleSince)
  }
}
