// The WhatsApp plugin: registers the channel, the pages and the families, and declares each configured number.
// Linking is not there yet: every instance is `disconnected` with reason `link.not_implemented`, and no code is shown.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
public import PluginKit

/// The function that the entry file names.
@c(whatsapp_plugin)
public func whatsAppPlugin(_ call: PluginCall) -> PluginResult { call.make(WhatsAppPlugin.self) }

/// One plugin, any number of instances of WhatsApp: a number each.
public struct WhatsAppPlugin: Plugin {
  private let instances: InstanceTable
  private let channel: Channel
  private let metrics: WhatsAppMetrics
  private let host: PluginHost

  /// Registers everything.
  public init(_ host: PluginHost) throws {
    self.host = host
    let instances = try InstanceTable(host.config)
    self.instances = instances
    metrics = try WhatsAppMetrics(host, instances.names)
    channel = try host.channel(
      "whatsapp", page: "/whatsapp/pair",
      ChannelActions(
        send: { message in
          guard let instance = instances[message.account] else {
            throw PluginError(
              .notFound, "no WhatsApp instance '\(message.account)'. Check config/plugins/whatsapp.yaml.")
          }
          throw PluginError(.unavailable, "WhatsApp '\(message.account)' is not linked (\(instance.status.reason)).")
        }))
    try PairRoutes(instances).register(on: host)
    let gauges = metrics
    try host.onScrape { gauges.show(instances) }
  }

  /// Declares the instances and says how each is.
  public func start() throws {
    for name in instances.names {
      guard let instance = instances[name] else { continue }
      try channel.account(name, ["page": .string("/whatsapp/\(name)/pair")])
      try channel.state(
        name, instance.status.health, instance.status.state.rawValue, reason: instance.status.reason)
    }
    host.log.info("instances declared", ["whatsapp.instances": "\(instances.names.count)"])
  }
}
