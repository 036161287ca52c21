// nexo.time/1: clocks and timers.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI

enum TimeService {
  static var table: nexo_time_1 {
    nexo_time_1(
      size: ServiceTables.size(nexo_time_1.self), mono_ns: { _ in Clock.monotonic() },
      unix_ms: { _ in Int64(Clock.wall() / 1_000_000) },
      after: { host, delay, period, function, context in
        guard let instance = HostDoor.instance(of: host), let function else { return 0 }
        return instance.timers.set(delay: delay, period: period, function, context, of: instance)
      },
      cancel: { host, timer in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        return instance.timers.cancel(timer) ? ok : gone
      })
  }
}
