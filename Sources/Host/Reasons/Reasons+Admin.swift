// Reasons of the admin console: why it answered a request with a problem instead of data.
// Used by the admin routes of HostApp; the CLI prints what they say.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var admin: [Reason] { [.extensionUnknown, .agentUnknown, .requestIncomplete] }

  package static let extensionUnknown = Reason(
    "extension.unknown", cause: "No extension of the last sweep has the id that was asked for.",
    evidence: "`agent ext list`, or `GET /admin/extensions`.",
    remedy: "Use an id from the list. An extension that was just copied there is listed after the next sweep.")

  package static let agentUnknown = Reason(
    "agent.unknown", cause: "No agent of the configuration has the id that was asked for.",
    evidence: "`agent status`, or `GET /admin/agents`.", remedy: "Use an id from the list.")

  package static let requestIncomplete = Reason(
    "request.incomplete", cause: "A request to the admin console lacks something that it needs.",
    evidence: "The detail of the answer names what is missing.", remedy: "Send the request again with all of it.")
}
