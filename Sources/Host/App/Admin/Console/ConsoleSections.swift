// The sections of the console in the order of the page, and everything they are made from.
// A new section is a file beside this one and a line in the list.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostLinux
internal import HostPlugins

/// What sections read. Each takes what it needs.
struct ConsoleSources: Sendable {
  let settings: HostSettings
  let readiness: Readiness
  let supervisor: ExtensionSupervisor
  let plugins: PluginHost
  let agents: AgentWiring
  let credentials: CredentialWiring
  let reloads: ConfigurationReloads
  let pairing: PairingSection
  let events: RecentEvents
  /// The listeners' addresses by role, once they are open.
  let addresses: @Sendable () -> [String: String]
}

/// The list.
enum ConsoleSections {
  /// - Parameter host: the running host.
  static func all(_ host: ConsoleSources) -> [any ConsoleSection] {
    [
      OverviewSection(host),
      AgentsSection(runtime: host.agents.runtime),
      ExtensionsSection(supervisor: host.supervisor, settings: host.settings),
      ChannelsSection(plugins: host.plugins, addresses: host.addresses),
      host.pairing,
      CredentialsSection(wiring: host.credentials, reloads: host.reloads),
      BreakersSection(breakers: [{ host.agents.breakers }]),
      MessagesSection(ledger: host.agents.ledger),
      EventsSection(events: host.events),
    ]
  }
}
