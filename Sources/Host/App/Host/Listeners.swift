// The three listeners and what they serve by themselves. Plugin routes join the public one as plugins come and go.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostMetrics

/// The host's HTTP server.
struct Listeners: Sendable {
  let server: HTTPServer

  /// Opens the three; see ``HTTPServer``.
  ///
  /// - Parameter router: of the public listener; whoever owns it keeps its table up to date.
  init(
    _ settings: HostSettings, sockets: InheritedSockets, metrics: [Route], guard web: MetricsWiring, router: Router,
    owner: OwnerAccess, admin: [Route], observer: @escaping HTTPObserver
  ) throws {
    var setups = [
      HTTPListenerSetup(
        name: ListenerRole.metrics.rawValue, address: "\(settings.metricsListen)",
        router: Router(try RouteTable(metrics))),
      HTTPListenerSetup(name: ListenerRole.http.rawValue, address: "\(settings.httpListen)", router: router),
      HTTPListenerSetup(
        name: ListenerRole.admin.rawValue, address: "\(settings.adminListen)", router: Router(try RouteTable(admin))),
    ]
    web.apply(to: &setups[0])
    setups[1].accessRule = AccessRules.publicListener(owner)
    setups[2].accessRule = AccessRules.adminListener(
      names: settings.adminAllowRemote ? [settings.adminListen.host] : [])
    for (index, role) in [ListenerRole.metrics, .http, .admin].enumerated() {
      setups[index].inherited = sockets.byRole[role]
    }
    server = try HTTPServer(setups, observer: observer)
  }

  /// `nexo_http_connections`, read at each scrape.
  func addMetrics(to registry: MetricsRegistry) {
    for listener in server.listeners {
      guard let role = ListenerRole(rawValue: listener.name) else { continue }
      let gauge = registry.gauge(Families.httpConnections).with(role)
      registry.addSampler { gauge.set(Double(listener.connections)) }
    }
  }

  /// `listening role=metrics address=127.0.0.1:9090`, one line each.
  var lines: [String] { server.listeners.map { "listening role=\($0.name) address=\($0.address)" } }
}
