// The seam between the console page and the rest of the host: what its sections read, its feed, the log's last records.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import HostLog
internal import Synchronization

/// The console's parts that live as long as the host.
final class ConsoleWiring: Sendable {
  /// The listeners' addresses by role; empty until they are open.
  private final class AddressBook: Sendable {
    let byRole = Mutex<[String: String]>([:])
  }
  private let feed: ConsoleFeed
  private let pages: ConsoleRoutes
  private let addresses = AddressBook()

  init(
    _ settings: HostSettings, readiness: Readiness, plugins: PluginWiring, agents: AgentWiring,
    credentials: CredentialWiring, reloads: ConfigurationReloads, pairing: PairingSection, jobs: Jobs
  ) {
    let events = RecentEvents()
    LogSink.shared.observe { events.add($0) }
    let sections = ConsoleSections.all(
      ConsoleSources(
        settings: settings, readiness: readiness, supervisor: plugins.supervisor, plugins: plugins.plugins,
        agents: agents, credentials: credentials, reloads: reloads, pairing: pairing, events: events,
        addresses: { [addresses] in addresses.byRole.withLock { $0 } }))
    feed = ConsoleFeed(sections)
    pages = ConsoleRoutes(sections: sections, feed: feed, jobs: jobs)
  }

  func routes() throws(RouteError) -> [Route] { try pages.routes() }

  /// The listeners are open.
  func opened(_ listeners: [(role: String, address: String)]) {
    addresses.byRole.withLock { $0 = Dictionary(listeners.map { ($0.role, $0.address) }, uniquingKeysWith: { $1 }) }
  }

  /// Keeps open consoles live until ``finish()``.
  func run() async { await feed.run() }

  /// Ends the streams, so that nobody waits for them while the host stops.
  func finish() { feed.finish() }
}
