// A host for plugins with everything around it, for tests: metrics, a public listener on a free port, a state folder.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import HostLinux
import HostMetrics
import TestSupport

@testable import HostPlugins

/// One PluginHost and its server, stopped when it goes away.
final class PluginSite: Sendable {
  let folder: TemporaryFolder
  let registry = MetricsRegistry()
  let router: Router
  let server: HTTPServer
  let host: PluginHost

  init(environment: [String: String] = [:], reserved: [String] = []) throws {
    folder = try TemporaryFolder("plugins")
    router = Router(try RouteTable([]))
    server = try HTTPServer([HTTPListenerSetup(name: "public", address: "127.0.0.1:0", router: router)], loops: 2)
    try server.start()
    let settings = PluginHostSettings(
      version: "0.1.0", stateFolder: folder.path, configFolder: folder.path, environment: { environment[$0] })
    host = PluginHost(settings, metrics: registry, routes: PluginRoutes(router: router, reserved: reserved))
  }

  deinit { server.stop(grace: .zero) }

  var address: String { "127.0.0.1:\(server.listeners[0].address.port)" }

  func client() throws -> HTTPClient { try HTTPClient(address) }

  /// Loads a fixture and makes it live.
  func run(
    _ fixture: String, _ macros: [String] = [], _ manifest: Manifest, replacing old: Instance? = nil,
    config: String = "{}"
  ) async throws -> Instance {
    let instance = try await load(fixture, macros, manifest, config: config).get()
    host.publish(instance, replacing: old)
    return instance
  }

  /// Loads a fixture without making it live.
  func load(
    _ fixture: String, _ macros: [String] = [], _ manifest: Manifest, config: String = "{}"
  ) async throws -> Result<Instance, LoadRefusal> {
    await host.load(
      manifest, library: try TestLibrary.sealed(fixture, macros), folder: folder.path, config: Array(config.utf8))
  }

  /// What a scrape would give.
  var exposition: String {
    registry.runSamplers()
    return String(decoding: registry.render(), as: UTF8.self)
  }

  static func pages(_ id: String = "pages", metrics: String = "pages_*") throws -> Manifest {
    try TestLibrary.manifest(id, "routes = [\"/pages/*\"]\nmetrics = [\"\(metrics)\"]")
  }
}

extension PluginSite {
  /// One request on a connection of its own, on a thread of its own: the tests' pool is not held by a slow plugin.
  func get(_ path: String, _ method: String = "GET", headers: [String] = [], body: [UInt8]? = nil) async throws
    -> HTTPAnswer
  {
    try await onThread { [address] in try HTTPClient(address).request(method, path, headers: headers, body: body) }
  }
}

/// Runs blocking test code on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await Thread.run("test") { Result { try body() } }.get()
}
