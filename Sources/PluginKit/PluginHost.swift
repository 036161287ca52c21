// What a plugin can ask of the host. One per instance; given to the plugin's init, and may be kept and used everywhere.
// Registrations are in Routes.swift, Metrics.swift, Channel.swift, Tool.swift, Credentials.swift; timers in Timer.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// The host, as one instance sees it. Every method may be called from every thread; after the instance has ended they do
/// nothing, or throw ``PluginError`` with code `gone`.
public final class PluginHost: Sendable {
  let instance: Instance
  private let firstConfig: JSON
  let scrapes = Mutex<[@Sendable () -> Void]?>(nil)

  init(_ instance: Instance, config: JSON) {
    self.instance = instance
    firstConfig = config
  }

  var services: Services { instance.services }

  /// The host's log.
  public var log: PluginLog { PluginLog(services) }

  /// Name and version of the host, for messages.
  public var name: String { services.hostName }

  /// The configuration as it is now, an object; `{}` when the operator wrote none.
  public var config: JSON {
    var bytes: [UInt8]?
    if let service = try? services.config {
      withUnsafeMutablePointer(to: &bytes) { out in
        _ = service.pointee.json(services.host, { ctx, text in ctx?.store(text) }, out)
      }
    }
    return bytes.flatMap { try? JSON.parse($0) } ?? firstConfig
  }

  /// The configuration as a type of the plugin's.
  ///
  /// - Throws: ``PluginError`` with code `invalid`, whose text names the key and what was expected there.
  public func config<Value: Decodable>(as type: Value.Type) throws -> Value { try config.decode(type) }

  /// A variable of the environment that the manifest lists in `requires.env`; nil when unset or not listed.
  public func environment(_ name: String) -> String? {
    var value: [UInt8]?
    guard let service = try? services.config else { return nil }
    let status = withUnsafeMutablePointer(to: &value) { out in
      lend(name) { service.pointee.env(services.host, $0, { ctx, text in ctx?.store(text) }, out) }
    }
    return status < 0 ? nil : value.map { String(decoding: $0, as: UTF8.self) }
  }

  /// A folder that the host keeps for this plugin.
  public enum Folder: Int32, Sendable {
    /// The plugin's own, mode 0700, kept across restarts and replacements.
    case state = 1
    /// Where plugin.toml lies; read only.
    case `extension` = 2
    /// The operator's configuration; read only.
    case config = 3
  }

  /// The absolute path of a folder.
  public func folder(_ which: Folder) throws -> String {
    var path: [UInt8]?
    let service = try services.config
    let status = withUnsafeMutablePointer(to: &path) { out in
      service.pointee.folder(services.host, which.rawValue, { ctx, text in ctx?.store(text) }, out)
    }
    try PluginError.check(status, "folder \(which)")
    return String(decoding: path ?? [], as: UTF8.self)
  }

  /// Runs async work on the plugin's own threads, never on the process's shared pool; cancelled when the plugin stops.
  ///
  /// A plain `Task { }` runs on the shared pool, which has as many threads as the machine has cores: use it only for work
  /// that never blocks.
  @discardableResult
  public func task(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> { instance.spawn(body) }

  /// CLOCK_MONOTONIC in nanoseconds, the clock of every deadline here. 0 when the host has no clock for this plugin.
  public var monotonicNanoseconds: UInt64 {
    guard let time = try? services.time else { return 0 }
    return time.pointee.mono_ns(services.host)
  }

  /// Milliseconds since 1970 UTC.
  public var unixMilliseconds: Int64 {
    guard let time = try? services.time else { return 0 }
    return time.pointee.unix_ms(services.host)
  }

  /// This instance cannot go on: the host ends it and shows the reason.
  public func fatal(_ why: String) {
    guard let life = services.life?.pointer else { return }
    lend(why) { life.pointee.fatal(services.host, $0) }
  }

  /// Bytes saved under a key, which outlive replacement, restart and crash; nil when nothing was ever saved.
  /// Blocks on the disk.
  public func load(_ key: String) throws -> [UInt8]? {
    var bytes: [UInt8]?
    let service = try services.state
    let status = withUnsafeMutablePointer(to: &bytes) { out in
      lend(key) { service.pointee.load(services.host, $0, { ctx, text in ctx?.store(text) }, out) }
    }
    if status == NEXO_E_NOT_FOUND.status { return nil }
    try PluginError.check(status, "load \(key)")
    return bytes ?? []
  }

  /// Replaces the bytes of a key, atomically and synced; empty bytes remove it. At most 1 MiB. Blocks on the disk.
  ///
  /// - Parameter key: `[a-z0-9_.-]`, 1 to 64 bytes; at most 64 keys.
  public func save(_ bytes: [UInt8], as key: String) throws {
    let service = try services.state
    let status = lend(key) { key in lend(bytes) { service.pointee.save(services.host, key, $0) } }
    try PluginError.check(status, "save \(key)")
  }
}

extension UnsafeMutableRawPointer {
  /// For the callbacks that only hand over bytes: `self` is a `[UInt8]?` of the caller's.
  fileprivate func store(_ text: nexo_str) { assumingMemoryBound(to: [UInt8]?.self).pointee = [UInt8](text) }
}
