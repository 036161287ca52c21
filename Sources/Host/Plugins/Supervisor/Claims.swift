// Who owns what of the names that only one plugin may have: routes, channels, tools, providers, by their manifests.
// Decides before anything is loaded, so that the winner does not depend on which library was faster:
// first those that run already, then by priority, then by the order of discovery.
// The loader checks again when a plugin registers; this is what operators see.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostReasons

/// Claims of one sweep.
struct Claims {
  private var routes: [(pattern: String, owner: String)] = []
  private var names: [String: String] = [:]

  /// Enters an extension's claims, or says which of them belongs to another.
  mutating func enter(_ manifest: Manifest, path: String) -> Finding? {
    let capabilities = manifest.capabilities
    for route in capabilities.routes {
      if let reserved = RouteClaim.reservedPaths.first(where: { RouteClaim.overlap(route, $0) }) {
        return Finding(.routeTaken, "the route `\(route)` covers `\(reserved)`, which is the host's", file: path)
      }
      if let other = routes.first(where: { $0.owner != manifest.id && RouteClaim.overlap(route, $0.pattern) }) {
        return Finding(
          .routeTaken, "the route `\(route)` overlaps `\(other.pattern)` of the extension `\(other.owner)`", file: path)
      }
    }
    let wanted =
      capabilities.channels.map { ("channel", $0) } + capabilities.tools.map { ("tool", $0) }
      + capabilities.providers.map { ("provider", $0) }
    for (kind, name) in wanted {
      if let owner = names["\(kind) \(name)"], owner != manifest.id {
        return Finding(.nameTaken, "the \(kind) `\(name)` belongs to the extension `\(owner)`", file: path)
      }
    }
    routes += capabilities.routes.map { ($0, manifest.id) }
    for (kind, name) in wanted { names["\(kind) \(name)"] = manifest.id }
    return nil
  }
}

/// Patterns of routes as manifests write them.
package enum RouteClaim {
  /// Paths that the host serves itself on the public listener.
  package static let reservedPaths = ["/health", "/ready", "/link", "/link/*"]

  /// Whether a path could match both: exact ones are equal, or one lies below the other's `/*`.
  package static func overlap(_ left: String, _ right: String) -> Bool {
    let (leftBase, leftIsTree) = base(left)
    let (rightBase, rightIsTree) = base(right)
    if leftBase == rightBase { return true }
    return (leftIsTree && rightBase.hasPrefix(leftBase == "/" ? "/" : leftBase + "/"))
      || (rightIsTree && leftBase.hasPrefix(rightBase == "/" ? "/" : rightBase + "/"))
  }

  private static func base(_ pattern: String) -> (String, Bool) {
    guard pattern.hasSuffix("/*") else { return (pattern, false) }
    let base = String(pattern.dropLast(2))
    return (base.isEmpty ? "/" : base, true)
  }
}
