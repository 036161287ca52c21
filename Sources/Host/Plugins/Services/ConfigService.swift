// nexo.config/1: configuration, granted environment variables, folders.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

enum ConfigService {
  private typealias Callback = @convention(c) (UnsafeMutableRawPointer?, nexo_str) -> Void

  static var table: nexo_config_1 {
    nexo_config_1(
      size: ServiceTables.size(nexo_config_1.self),
      json: { host, function, context in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        return ConfigService.give(instance.settings.withLock { $0 }, function, context)
      },
      env: { host, name, function, context in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let name = name.text(limit: 256) else { return invalid }
        guard instance.manifest.requires.env.contains(name) else { return nexo_status(NEXO_E_DENIED) }
        guard let value = instance.host.settings.environment(name) else { return nexo_status(NEXO_E_NOT_FOUND) }
        return ConfigService.give(Array(value.utf8), function, context)
      },
      folder: { host, which, function, context in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let path = ConfigService.folder(which, instance) else { return invalid }
        return ConfigService.give(Array(path.utf8), function, context)
      })
  }

  private static func give(_ bytes: [UInt8], _ function: Callback?, _ context: UnsafeMutableRawPointer?) -> nexo_status
  {
    guard let function else { return invalid }
    withBytes(bytes) { function(context, $0) }
    return ok
  }

  private static func folder(_ which: Int32, _ instance: Instance) -> String? {
    switch Int(which) {
    case NEXO_FOLDER_STATE:
      do throws(SystemError) {
        try AtomicFile.makeFolder(instance.state.folder)
      } catch {
        instance.log.error("plugin state folder cannot be made", ["plugin.id": instance.id, "error": "\(error)"])
      }
      return instance.state.folder
    case NEXO_FOLDER_EXTENSION: return instance.folder
    case NEXO_FOLDER_CONFIG: return instance.host.settings.configFolder
    default: return nil
    }
  }
}
