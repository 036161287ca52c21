// The routes of all plugins on the public listener, together with the host's own: one table, swapped whole, so that a
// request sees a plugin's routes of before or after a replacement, never in between.
//
// SPDX-License-Identifier: Apache-2.0

package import HostHTTP
internal import HostLog
internal import Synchronization

/// Routes by generation.
package final class PluginRoutes: Sendable {
  private struct Owner {
    let plugin: String
    let patterns: [String]
  }
  private struct State {
    /// Patterns of the manifests of plugins that are loaded, by generation.
    var owners: [UInt64: Owner] = [:]
    var live: [UInt64: [Route]] = [:]
  }

  private let router: Router
  private let own: [Route]
  private let reserved: [String]
  private let state = Mutex(State())
  private let log = Log("plugins")

  /// - Parameters:
  ///   - router: of the public listener.
  ///   - own: the host's routes there.
  ///   - reserved: patterns that no plugin may overlap, beside those of `own`.
  package init(router: Router, own: [Route] = [], reserved: [String] = []) {
    self.router = router
    self.own = own
    self.reserved = reserved + own.map(\.pattern.description)
    state.withLock { rebuild($0) }
  }

  /// Notes what a generation's manifest covers, before its create().
  func begin(_ generation: UInt64, plugin: String, patterns: [String]) {
    state.withLock { $0.owners[generation] = Owner(plugin: plugin, patterns: patterns) }
  }

  /// Who has a pattern already: another plugin, by its manifest, or the host.
  func owner(of pattern: String, besides plugin: String) -> String? {
    if reserved.contains(where: { RouteClaim.overlap($0, pattern) }) { return "the host" }
    return state.withLock { state in
      state.owners.values.first { owner in
        owner.plugin != plugin && owner.patterns.contains { RouteClaim.overlap($0, pattern) }
      }.map { "plugin '\($0.plugin)'" }
    }
  }

  /// Puts a generation's routes in the place of another's.
  func publish(_ routes: [Route], generation: UInt64, replacing old: UInt64?) {
    state.withLock { state in
      if let old { state.live[old] = nil }
      state.live[generation] = routes
      rebuild(state)
    }
  }

  func withdraw(_ generation: UInt64) {
    state.withLock { state in
      state.owners[generation] = nil
      if state.live.removeValue(forKey: generation) != nil { rebuild(state) }
    }
  }

  /// Under the lock, so that tables come in order; replacing one calls nobody.
  private func rebuild(_ state: State) {
    let plugins = state.live.sorted { $0.key < $1.key }.flatMap(\.value)
    do throws(RouteError) {
      router.replace(try RouteTable(own + plugins))
    } catch {
      // Registration refuses what could conflict; a table that is refused all the same leaves the one of before.
      log.error("route table refused", ["error": "\(error)"])
    }
  }
}
