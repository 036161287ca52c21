// The four tools that agents reach Google by: name, description, arguments.
// What they do is ToolCalls.
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
    case .start:
      "Begin the consent for this agent's Google account. Answers with the address that the account's owner opens in a "
        + "browser on the host's machine, or, with device true, an address and a code for any device."
    case .status:
      "Tell whether this agent's Google account is linked, how long its token lasts, and which scopes it has."
    case .call:
      "Call a Google API with this agent's account: https addresses at or under googleapis.com. Answers with status and "
        + "JSON."
    case .revoke: "Withdraw this agent's access to its Google account. Somebody has to consent again afterwards."
    }
  }

  /// JSON Schema of the arguments.
  private var schema: JSON {
    switch self {
    case .start:
      [
        "type": "object", "additionalProperties": false,
        "properties": [
          "device": ["type": "boolean", "description": "use a device code, for a browser on another machine"]
        ],
      ]
    case .status, .revoke: ["type": "object", "properties": [:], "additionalProperties": false]
    case .call:
      [
        "type": "object", "required": ["method", "url"], "additionalProperties": false,
        "properties": [
          "method": ["type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]],
          "url": ["type": "string", "description": "https address at or under googleapis.com"],
          "body": ["description": "JSON to send; leave it out, or null, for none"],
        ],
      ]
    }
  }

  private var options: ToolOptions {
    switch self {
    // A refresh that is due comes first: both have their own deadlines within this one.
    case .call: ToolOptions(isParallelSafe: true, timeout: .seconds(60), maxInflight: 64)
    case .status: ToolOptions(isReadOnly: true, isParallelSafe: true)
    case .start, .revoke: ToolOptions()
    }
  }

  /// Registers the tool; in the plugin's init.
  func register(on host: PluginHost, _ calls: ToolCalls) throws {
    try host.tool(rawValue, description, schema: schema, options) { (call: ToolCall) async throws -> JSON in
      do throws(GoogleFault) {
        switch self {
        case .start: return try await calls.start(call.agent, call.arguments)
        case .status: return calls.status(call.agent)
        case .call: return try await calls.call(call.agent, call.arguments)
        case .revoke: return try await calls.revoke(call.agent)
        }
      } catch { throw error.pluginError }
    }
  }
}
