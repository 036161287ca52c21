// nexo.life/1: what an instance says about its own end.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI
internal import PluginBoundary

enum LifeService {
  static var table: nexo_life_1 {
    nexo_life_1(
      size: ServiceTables.size(nexo_life_1.self),
      idle: { host in HostDoor.instance(of: host)?.life.change { $0.isIdle = true } },
      fatal: { host, why in
        HostDoor.instance(of: host)?.saidFatal(why.repaired(limit: 1_024))
      })
  }
}
