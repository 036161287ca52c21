// plugin.toml as typed values: what an extension says about itself before any of its code runs.
// Made by ManifestParser only, so a Manifest that exists has passed every rule of extensions.md.
// Reads the reference system's manifests too: their transports (stdio, nats, http) parse, and discovery disables them.
//
// SPDX-License-Identifier: Apache-2.0

/// A valid manifest.
package struct Manifest: Sendable, Hashable {
  /// `^[a-z][a-z0-9_-]*$`, at most 64 bytes, not reserved.
  package let id: String
  package let version: SemVer
  package let name: String?
  package let description: String?
  package let minAgentVersion: SemVer?
  /// Lower loads and hooks first; 0 unless given.
  package let priority: Int32
  package let capabilities: Capabilities
  package let transport: Transport
  package let requires: Requires
  /// `context.passthrough`: the host adds the conversation's context to tool calls.
  package let contextPassthrough: Bool
  package let author: String?
  package let license: String?
  /// From the manifest, or else from `.mcp.json` beside it; sorted by name.
  package var mcpServers: [McpServer]
  /// `outbound_bindings`: the accounts per channel that the extension may send through, sorted by channel.
  package let outboundBindings: [OutboundBinding]
  /// `tool_accounts`: by tool, the channel or provider of this extension whose account the tool acts with. The host
  /// decides on the account before each call.
  package let toolAccounts: [String: String]

  /// What the extension brings; at least one entry over all lists, each unique within its list.
  package struct Capabilities: Sendable, Hashable {
    package var channels: [String] = []
    /// Exact paths (`/weather/today`) or everything below one (`/weather/*`).
    package var routes: [String] = []
    /// Metric families by name, or by prefix (`weather_*`).
    package var metrics: [String] = []
    package var tools: [String] = []
    package var hooks: [String] = []
    package var providers: [String] = []
    package var pollers: [String] = []

    package init() {}

    /// How many entries the lists have together.
    package var count: Int {
      channels.count + routes.count + metrics.count + tools.count + hooks.count + providers.count + pollers.count
    }
  }

  /// How the host talks to the extension.
  package enum Transport: Sendable, Hashable {
    /// A shared library; the path is relative to the manifest's folder and does not leave it.
    case library(path: String)
    case stdio(command: String, arguments: [String])
    case nats(subjectPrefix: String)
    case http(url: String)

    /// The value of `transport.kind`.
    package var kind: String {
      switch self {
      case .library: "library"
      case .stdio: "stdio"
      case .nats: "nats"
      case .http: "http"
      }
    }
  }

  /// What must be on the machine before the extension is loaded.
  package struct Requires: Sendable, Hashable {
    /// Programs that must be on PATH.
    package var bins: [String] = []
    /// Environment variables that must be set and not empty; also all that the extension gets to see.
    package var env: [String] = []

    package init() {}
  }

  /// A server of the Model Context Protocol that the extension brings.
  package struct McpServer: Sendable, Hashable {
    package enum Transport: Sendable, Hashable {
      case stdio(command: String, arguments: [String], environment: [String: String], folder: String?)
      /// `kind` is `streamable_http`, `sse` or `auto`.
      case http(kind: String, url: String, headers: [String: String])
    }

    package let name: String
    package let transport: Transport
  }

  /// One line of `outbound_bindings`.
  package struct OutboundBinding: Sendable, Hashable {
    package let channel: String
    package let accounts: [String]
  }
}

/// What the host is, as far as judging a manifest goes.
package struct ManifestRules: Sendable {
  /// `min_agent_version` is compared with this.
  package var hostVersion: SemVer
  /// Ids that no extension may have (extensions.md).
  package var reservedIDs: Set<String>

  package init(
    hostVersion: SemVer, reservedIDs: Set<String> = ["agent", "core", "heartbeat", "memory", "nexo"]
  ) {
    self.hostVersion = hostVersion
    self.reservedIDs = reservedIDs
  }
}

/// What reading one manifest gave: the manifest if it is valid, and every finding either way.
package struct ManifestReading: Sendable, Hashable {
  /// Nil exactly when `findings` has an error.
  package let manifest: Manifest?
  /// The id as written, also where something else is wrong; nil when there is none that could be one.
  package let id: String?
  /// In the order of the file.
  package let findings: [Finding]

  package init(manifest: Manifest?, id: String?, findings: [Finding]) {
    self.manifest = manifest
    self.id = id
    self.findings = findings
  }
}
