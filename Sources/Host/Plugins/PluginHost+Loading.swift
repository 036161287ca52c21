// Making an instance: the image, the entry, the table, create and start, all of it undone when one of them fails.
// Called by PluginLoader after the rehearsal. Nothing is visible until PluginHost.publish.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import HostLinux
internal import HostLog
internal import PluginAPI
internal import PluginBoundary

extension PluginHost {
  /// Loads, creates and starts a generation. Nothing of it is visible until ``publish(_:replacing:)``.
  ///
  /// - Parameters:
  ///   - folder: holds plugin.toml.
  ///   - config: a JSON object.
  package func load(
    _ manifest: Manifest, library: SealedLibrary, folder: String, config: [UInt8] = Array("{}".utf8)
  ) async -> Result<Instance, LoadRefusal> {
    await turns.run { await loadNow(manifest, library, folder, config) }
  }

  private func loadNow(
    _ manifest: Manifest, _ library: SealedLibrary, _ folder: String, _ config: [UInt8]
  ) async -> Result<Instance, LoadRefusal> {
    do throws(SystemError) {
      return try await Thread.run("nx-load") { [self] in
        do throws(LoadRefusal) {
          return .success(try loadHere(manifest, library, folder, config))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      return .failure(.system(plugin: manifest.id, error))
    }
  }

  private func loadHere(
    _ manifest: Manifest, _ library: SealedLibrary, _ folder: String, _ config: [UInt8]
  ) throws(LoadRefusal) -> Instance {
    let before = ProcessGuard()
    defer { tell(before.restore(), of: manifest.id) }
    let (image, table) = try open(manifest, library)
    guard let door = HostDoor(version: versionText) else { throw .tooManyInstances(plugin: manifest.id) }
    let instance = Instance(
      manifest, folder: folder, image: image, table: table, config: config, host: self, door: door)
    routes.begin(instance.generation, plugin: instance.id, patterns: manifest.capabilities.routes)
    do throws(LoadRefusal) {
      try instance.create()
      try instance.start()
    } catch {
      withdraw(instance)
      instance.bury()
      throw error
    }
    return instance
  }

  private func open(
    _ manifest: Manifest, _ library: SealedLibrary
  ) throws(LoadRefusal) -> (PluginImage, nexo_plugin_1) {
    let id = manifest.id
    let deadline = Clock.monotonic() + Instance.controlTime
    let outcome = ControlThread.call("nx-open", until: deadline) { [self] () -> Result<Opened, LoadRefusal> in
      do throws(LoadRefusal) {
        let image = try images.image(for: library, plugin: id, version: "\(manifest.version)")
        let before = ncr_enter(image.who, PluginCall.entry.cName, nil)
        let table = image.entry(nameOnly.pointer)
        ncr_leave(before)
        guard let table else { return .failure(.declined(plugin: id)) }
        return .success(Opened(image: image, table: try checked(table, manifest)))
      } catch {
        return .failure(error)
      }
    }
    switch outcome {
    case .returned(let result):
      let opened = try result.get()
      return (opened.image, opened.table)
    case .overran:
      meter(of: id).gaveUp(.entry)
      throw .overrun(plugin: id, call: "dlopen", seconds: Int(Instance.controlTime / 1_000_000_000))
    case .noThread(let error): throw .system(plugin: id, error)
    }
  }

  /// `@unchecked Sendable`: the table's pointers lead into the image, which stays.
  private struct Opened: @unchecked Sendable {
    let image: PluginImage
    let table: nexo_plugin_1
  }

  private func checked(
    _ pointer: UnsafePointer<nexo_plugin_1>, _ manifest: Manifest
  ) throws(LoadRefusal) -> nexo_plugin_1 {
    let id = manifest.id
    guard let table = take(pointer) else { throw .badTable(plugin: id, why: "its size is too small") }
    guard let tableID = text(of: table.id, limit: 256), let version = text(of: table.version, limit: 256) else {
      throw .badTable(plugin: id, why: "id or version is not a text")
    }
    guard tableID == id else { throw .idMismatch(plugin: id, table: tableID) }
    guard version == "\(manifest.version)" else {
      throw .versionMismatch(plugin: id, manifest: "\(manifest.version)", table: version)
    }
    guard table.create != nil, table.start != nil, table.destroy != nil else {
      throw .badTable(plugin: id, why: "create, start or destroy is NULL")
    }
    return table
  }

  private func tell(_ changes: [String], of plugin: String) {
    for change in changes {
      log.warning(
        "plugin changed the process", ["plugin.id": plugin, "changed": change, "reason": "plugin.process_changed"])
    }
  }
}
