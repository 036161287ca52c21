// Runs plugins: loads a generation, puts it in the place of another, ends it. The supervisor decides when; this does it.
// Owns what all instances share: images, alarms, registries. Nothing here is known to the broker, agents or credentials:
// they connect to the registries.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostHTTP
internal import HostLinux
internal import HostLog
package import HostMetrics
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
  /// Series of one plugin at most.
  package var seriesBudget: Int

  package init(
    version: String, stateFolder: String, configFolder: String,
    environment: @escaping @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } },
    imageLimit: Int? = nil, seriesBudget: Int = PluginMetricLimits().series
  ) {
    self.version = version
    self.stateFolder = stateFolder
    self.configFolder = configFolder
    self.environment = environment
    self.imageLimit = imageLimit
    self.seriesBudget = seriesBudget
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
  let versionText: ImmortalText
  let nameOnly: NameOnlyHost
  private let meters = Mutex<[String: CallMeter]>([:])
  /// Set by the wiring. In a struct, as every function behind a lock: `Mutex<InboundSink?>` wraps what it holds in one more
  /// layer at each look, until a call runs out of stack.
  private struct Connections: Sendable {
    var sink: InboundSink?
    var resolver: CredentialResolver?
  }
  private let connections = Mutex(Connections())
  private let owners = Mutex<[String: HandlerOwner]>([:])
  private let live = Mutex<[UInt64: Instance]>([:])
  /// Load, create and start are made for one plugin at a time, so that a change of the process has one culprit.
  let turns = Turns(1)
  let log = Log("plugins")

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
    connections.withLock { $0.sink = sink }
    if sink != nil { for channel in channels.entries { channel.resumeInbound() } }
  }
  var inboundSink: InboundSink? { connections.withLock { $0.sink } }

  /// Who answers a plugin's wish for a secret (nexo.credential/1 get); without one every wish is denied.
  package func setCredentialResolver(_ resolver: CredentialResolver?) {
    connections.withLock { $0.resolver = resolver }
  }
  var credentialResolver: CredentialResolver? { connections.withLock { $0.resolver } }

  /// Libraries mapped since the start; they are never unmapped.
  package var mappedImages: Int { images.count }

  /// Instances whose registrations are live.
  package var running: [Instance] { live.withLock { Array($0.values) }.sorted { $0.generation < $1.generation } }

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
    // What its threads handed in while start() had not returned yet was refused.
    for channel in entries.channels { channel.resumeInbound() }
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
