// The WhatsApp plugin: registers the channel, the pages and the families, and runs a thread for each configured number.
// Links and stays connected. Does not carry messages: outbound is refused, inbound is acknowledged and counted.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
public import PluginKit
import Synchronization
import WhatsAppProtocol

/// The function that the entry file names.
@c(whatsapp_plugin)
public func whatsAppPlugin(_ call: PluginCall) -> PluginResult { call.make(WhatsAppPlugin.self) }

/// One plugin, any number of instances of WhatsApp: a number each.
public final class WhatsAppPlugin: Plugin {
  private let instances: InstanceTable
  private let channel: Channel
  private let metrics: WhatsAppMetrics
  private let host: PluginHost
  private let threads = Mutex<[LinkThread]>([])

  /// Registers everything.
  public init(_ host: PluginHost) throws {
    self.host = host
    let instances = try InstanceTable(host.config)
    self.instances = instances
    metrics = try WhatsAppMetrics(host, instances.names)
    channel = try host.channel(
      "whatsapp", page: "/whatsapp/pair", WhatsAppChannel(instances: instances).actions)
    try PairRoutes(instances, host).register()
  }

  /// Declares the instances and starts their threads.
  public func start() throws {
    let root = try stateRoot()
    for instance in instances.all {
      let name = instance.name
      let folder = instance.settings.folder ?? "\(root)/whatsapp/\(name)"
      try channel.account(name, instance.settings.declaration(folder: folder, page: "/whatsapp/\(name)/pair"))
      let (metrics, log) = (metrics, host.log)
      let thread = LinkThread(
        instance, folder: folder,
        LinkThread.Reports(
          status: { [channel] status in
            metrics.changed(name, status)
            Self.report(name, status, channel, log)
          },
          inbound: { stanza in if stanza.tag == "message" { metrics.received(name) } },
          unreadable: { detail in
            metrics.unreadable(name)
            log.warning("frame of the server is unreadable", ["whatsapp.instance": name, "detail": detail])
          }))
      threads.withLock { $0.append(thread) }
      thread.start()
    }
    host.log.info("instances declared", ["whatsapp.instances": "\(instances.names.count)"])
  }

  /// Ends the threads, and with them the connections and the locks of the folders.
  public func stop() {
    let threads = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in threads { thread.stop() }
  }

  /// The host's state folder: this plugin's own is `<state>/plugins/whatsapp`, the accounts lie in `<state>/whatsapp`.
  private func stateRoot() throws -> String {
    let own = try host.folder(.state)
    let suffix = "/plugins/whatsapp"
    return own.hasSuffix(suffix) ? String(own.dropLast(suffix.count)) : own
  }

  private static func report(_ name: String, _ status: InstanceStatus, _ channel: Channel, _ log: PluginLog) {
    log.info(
      "instance changed",
      ["whatsapp.instance": name, "whatsapp.state": status.state.rawValue, "reason": status.reason])
    do {
      try channel.state(
        name, status.health, status.state.rawValue, reason: status.reason,
        detail: ["cause": JSON(status.cause), "remedy": JSON(status.remedy)])
    } catch {
      log.warning("state was not taken", ["whatsapp.instance": name, "error": "\(error)"])
    }
  }
}
