// The four tools that agents reach Google by.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Name, description and arguments of each tool.
enum GoogleTool: String, CaseIterable, Sendable {
  case start = "google_auth_start"
  case status = "google_auth_status"
  case call = "google_call"
  case revoke = "google_auth_revoke"

  /// For the model.
  private var description: String {
    switch self {
    case .start: "Begin the consent for this agent's Google account; answers with the address to open."
    case .status: "Tell whether this agent's Google account is linked, and with which scopes."
    case .call: "Call a Google API (https, googleapis.com) with this agent's account."
    case .revoke: "Revoke this agent's access to its Google account."
    }
  }

  /// JSON Schema of the arguments.
  private var schema: JSON {
    guard self == .call else { return ["type": "object", "properties": [:], "additionalProperties": false] }
    return [
      "type": "object", "required": ["method", "url"], "additionalProperties": false,
      "properties": [
        "method": ["type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]],
        "url": ["type": "string", "description": "https address at or under googleapis.com"],
        "body": ["description": "JSON to send"],
      ],
    ]
  }

  private var options: ToolOptions { ToolOptions(isReadOnly: self == .status, isParallelSafe: self != .revoke) }

  /// Registers the tool; in the plugin's init.
  func register(on host: PluginHost) throws {
    try host.tool(rawValue, description, schema: schema, options) { call in
      if self == .status { return ["linked": false, "error": "no account"] }
      throw PluginError(
        .notFound,
        "no account: agent '\(call.agent)' has no Google account. Add one to config/plugins/google-auth.yaml.")
    }
  }
}
