// Reasons that arise between extensions: names that two of them claim.
// Used by the supervisor.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var supervisor: [Reason] { [.routeTaken, .nameTaken] }

  package static let routeTaken = Reason(
    "route.taken", cause: "The extension's manifest claims a route that belongs to the host or to another extension.",
    evidence: "The finding names the route and its owner; `agent ext list` shows all extensions.",
    remedy: "Give the route another path in the manifest and the plugin, or disable the other extension.")

  package static let nameTaken = Reason(
    "capability.taken",
    cause: "The extension's manifest claims a channel, tool or provider that belongs to another extension.",
    evidence: "The finding names it and its owner; `agent ext list` shows all extensions.",
    remedy: "Rename it in the manifest and the plugin, or disable the other extension.")
}
