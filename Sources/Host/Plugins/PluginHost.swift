// Runs plugins: loads a generation, puts it in the place of another, ends it. The supervisor decides when; this does it.
// Owns what all instances share: images, alarms, registries. Nothing here is known to the broker, agents or credentials:
// they connect to the registries.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import Glibc
internal import HostHTTP
internal import HostLinux
internal import HostLog
package import HostMetrics
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// What the host gives to every plugin.
package struct PluginHostSettings: Sendable {
  /// Of the host, semver; plugins see it.
  package var version: String
  /// Folder `plugins/<id>` below it is a plugin's own.
  package var stateFolder: String
  /// Readable by plugins.
  package var configFolder: String
  /// Values of environment variables; asked only for names in a manifest's `requires.env`.
  package var environment: @Sendable (String) -> String?
  /// Mapped libraries at most; nil: what the kernel's limit allows.
  package var imageLimit: Int?

  package init(
    version: String, stateFolder: String, configFolder: String,
    environment: @escaping @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } },
    imageLimit: Int? = nil
  ) {
    self.version = version
    self.stateFolder = stateFolder
    self.configFolder = configFolder
    self.environment = environment
    self.imageLimit = imageLimit
  }
}

/// How an instance ended.
package enum Retirement: Sendable, Equatable {
  case ended
  /// A call did not return; its threads stay.
  case stuck(call: String)
}

/// The runner of plugins. One per process.
package final class PluginHost: Sendable {
  package let settings: PluginHostSettings
  package let metrics: MetricsRegistry
  package let channels = ChannelRegistry()
  package let tools = ToolRegistry()
  package let credentials = CredentialSources()
  package let routes: PluginRoutes

  let images: ImageTable
  let alarms = Alarms()
  private let versionText: ImmortalText
  private let nameOnly: NameOnlyHost
  private let meters = Mutex<[String: CallMeter]>([:])
  private let sink = Mutex<InboundSink?>(nil)
  private let resolver = Mutex<CredentialResolver?>(nil)
  private let owners = Mutex<[String: HandlerOwner]>([:])
  private let live = Mutex<[UInt64: Instance]>([:])
  /// Load, create and start are made for one plugin at a time, so that a change of the process has one culprit.
  private let guarded = Monitor(false)
  private let log = Log("plugins")

  package init(_ settings: PluginHostSettings, metrics: MetricsRegistry, routes: PluginRoutes) {
    self.settings = settings
    self.metrics = metrics
    self.routes = routes
    versionText = ImmortalText(settings.version)
    nameOnly = NameOnlyHost(version: versionText)
    let gauge = metrics.gauge(Families.pluginImagesMapped).with()
    images = ImageTable(limit: settings.imageLimit) { gauge.set($0) }
  }

  /// Where messages of all channels go; without one they are not taken. Set by the wiring; then each channel that was told
  /// to wait hears that it may go on.
  package func setInboundSink(_ sink: InboundSink?) {
    self.sink.withLock { $0 = sink }
    if sink != nil { for channel in channels.entries { channel.resumeInbound() } }
  }
  var inboundSink: InboundSink? { sink.withLock { $0 } }

  /// Who answers a plugin's wish for a secret (nexo.credential/1 get); without one every wish is denied.
  package func setCredentialResolver(_ resolver: CredentialResolver?) { self.resolver.withLock { $0 = resolver } }
  var credentialResolver: CredentialResolver? { resolver.withLock { $0 } }

  /// Libraries mapped since the start; they are never unmapped.
  package var mappedImages: Int { images.count }

  /// Instances whose registrations are live.
  package var running: [Instance] { live.withLock { Array($0.values) }.sorted { $0.generation < $1.generation } }

  /// Loads, creates and starts a generation. Nothing of it is visible until ``publish(_:replacing:)``.
  ///
  /// - Parameters:
  ///   - folder: holds plugin.toml.
  ///   - config: a JSON object.
  package func load(
    _ manifest: Manifest, library: SealedLibrary, folder: String, config: [UInt8] = Array("{}".utf8)
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
    takeGuard()
    defer { guarded.change { $0 = false } }
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

  /// Waits for its turn, but not for a plugin that hangs in one of these calls: that one has lost its turn.
  private func takeGuard() {
    let patience = Clock.monotonic() + Instance.controlTime
    _ = guarded.wait(until: patience) { isTaken -> Void? in
      guard !isTaken else { return nil }
      isTaken = true
      return ()
    }
  }

  private func open(
    _ manifest: Manifest, _ library: SealedLibrary
  ) throws(LoadRefusal) -> (PluginImage, nexo_plugin_1) {
    let id = manifest.id
    let deadline = Clock.monotonic() + Instance.controlTime
    let outcome = ControlThread.call("nx-open", until: deadline) { [self] () -> Result<Opened, LoadRefusal> in
      do throws(LoadRefusal) {
        let image = try images.image(for: library, plugin: id, version: "\(manifest.version)")
        let before = ncr_enter(image.who, PluginCall.entry.cName)
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

  /// Makes what a started instance registered live, in one step per registry, in the place of what `old` registered.
  ///
  /// From its return on new requests, messages and tool calls go to the new one; those that are inside `old` go on there.
  package func publish(_ new: Instance, replacing old: Instance? = nil) {
    let entries = new.ledger.entries
    new.metrics.publish()
    channels.publish(entries.channels, generation: new.generation, replacing: old?.generation)
    tools.publish(entries.tools, generation: new.generation, replacing: old?.generation)
    credentials.publish(entries.sources, generation: new.generation, replacing: old?.generation)
    routes.publish(entries.routes, generation: new.generation, replacing: old?.generation)
    live.withLock { live in
      live[new.generation] = new
      if let old { live[old.generation] = nil }
    }
    log.info(
      "plugin running", ["plugin.id": new.id, "plugin.version": new.version, "plugin.build": new.build])
  }

  /// Takes what an instance registered away.
  func withdraw(_ instance: Instance) {
    routes.withdraw(instance.generation)
    channels.withdraw(instance.generation)
    tools.withdraw(instance.generation)
    credentials.withdraw(instance.generation)
    _ = live.withLock { $0.removeValue(forKey: instance.generation) }
  }

  /// Ends an instance: no new work, quiesce, what is left is ended at the deadline, destroy.
  ///
  /// - Parameter grace: how long what is under way may take.
  package func retire(_ instance: Instance, grace: Duration) async -> Retirement {
    do throws(SystemError) {
      return try await Thread.run("nx-retire") { [self] in retireHere(instance, grace.nanoseconds) }
    } catch {
      log.error("no thread to end a plugin", ["plugin.id": instance.id, "error": "\(error)"])
      withdraw(instance)
      return .stuck(call: "none")
    }
  }

  /// After the deadline: what handlers that were told to stop, and their threads, get to return.
  private static let endTime: UInt64 = 2_000_000_000

  private func retireHere(_ instance: Instance, _ grace: UInt64) -> Retirement {
    withdraw(instance)
    instance.shut()
    do throws(LoadRefusal) {
      try instance.quiesce(until: Clock.monotonic() + grace)
      try instance.endRemaining(within: PluginHost.endTime)
      try instance.destroy()
      log.info("plugin ended", ["plugin.id": instance.id, "plugin.build": instance.build])
      return .ended
    } catch {
      instance.bury()
      return .stuck(call: instance.stuckCall.map { "\($0)" } ?? "none")
    }
  }

  /// Tells a running instance its new configuration.
  ///
  /// - Returns: nil when it holds. `.createFailed` with NEXO_E_RESTART: load a new instance instead.
  package func reconfigure(_ instance: Instance, _ config: [UInt8]) async -> LoadRefusal? {
    do throws(SystemError) {
      return try await Thread.run("nx-config") { () -> LoadRefusal? in
        do throws(LoadRefusal) {
          guard let answer = try instance.reconfigure(config) else { return nil }
          return .createFailed(plugin: instance.id, status: answer.status, text: answer.text)
        } catch {
          return error
        }
      }
    } catch {
      return .system(plugin: instance.id, error)
    }
  }

  func meter(of plugin: String) -> CallMeter {
    meters.withLock { meters in
      if let known = meters[plugin] { return known }
      let meter = CallMeter(plugin: plugin, registry: metrics)
      meters[plugin] = meter
      return meter
    }
  }

  /// The account on which the HTTP engine books a plugin's slow handlers.
  func handlerOwner(of plugin: String) -> HandlerOwner {
    owners.withLock { owners in
      if let known = owners[plugin] { return known }
      let owner = HandlerOwner(name: plugin)
      owners[plugin] = owner
      return owner
    }
  }

  func stateFolder(of plugin: String) -> String { Path.join(Path.join(settings.stateFolder, "plugins"), plugin) }
}
