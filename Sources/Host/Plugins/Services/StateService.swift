// nexo.state/1: small values that outlive an instance, one file each in `<state>/plugins/<id>/kv`, written atomically.
// Two generations of a plugin share them, so a lock per plugin orders their writes.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux
internal import HostLog
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// The values of one plugin.
final class PluginState: Sendable {
  /// The header's limits.
  static let maxKeys = 64
  static let maxBytes = 1 << 20

  let folder: String
  private var values: String { Path.join(folder, "kv") }
  private let log = Log("plugins")

  /// - Parameter folder: the plugin's own; made when something is saved.
  init(folder: String) { self.folder = folder }

  /// `[a-z0-9_.-]`, 1 to 64 bytes, and no name that means a folder.
  static func isKey(_ key: String) -> Bool {
    (1...64).contains(key.utf8.count) && key != "." && key != ".."
      && key.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
      }
  }

  func load(_ key: String) -> Result<[UInt8], SystemError> {
    do throws(SystemError) {
      return .success(try AtomicFile.read(path(key), limit: PluginState.maxBytes))
    } catch {
      return .failure(error)
    }
  }

  func save(_ key: String, _ bytes: [UInt8]) -> nexo_status {
    do throws(SystemError) {
      if bytes.isEmpty {
        unlink(path(key))
        return ok
      }
      try AtomicFile.makeFolder(values)
      if access(path(key), F_OK) != 0, keyCount() >= PluginState.maxKeys { return nexo_status(NEXO_E_LIMIT) }
      try AtomicFile.write(bytes, to: path(key))
      return ok
    } catch {
      log.error("plugin state not saved", ["state.folder": folder, "error": "\(error)"])
      return nexo_status(NEXO_E_OTHER)
    }
  }

  /// A prefix keeps keys such as `.x.tmp` apart from AtomicFile's temporary names.
  private func path(_ key: String) -> String { Path.join(values, "v-" + key) }

  private func keyCount() -> Int {
    guard let folder = opendir(values) else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) { if entry.pointee.d_name.0 == CChar(UInt8(ascii: "v")) { count += 1 } }
    return count
  }
}

enum StateService {
  static var table: nexo_state_1 {
    nexo_state_1(
      size: ServiceTables.size(nexo_state_1.self),
      load: { host, key, function, context in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let key = key.text(limit: 64), PluginState.isKey(key), let function else { return invalid }
        switch instance.state.load(key) {
        case .success(let bytes):
          withBytes(bytes) { function(context, $0) }
          return ok
        case .failure(let error):
          return error.errno == ENOENT ? nexo_status(NEXO_E_NOT_FOUND) : nexo_status(NEXO_E_OTHER)
        }
      },
      save: { host, key, bytes in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let key = key.text(limit: 64), PluginState.isKey(key) else { return invalid }
        guard bytes.len <= PluginState.maxBytes else { return nexo_status(NEXO_E_LIMIT) }
        guard let bytes = bytes.bytes(limit: PluginState.maxBytes) else { return invalid }
        return instance.state.save(key, bytes)
      })
  }
}
