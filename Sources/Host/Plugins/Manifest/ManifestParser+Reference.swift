// The two tables that the reference system's manifests have and ours need not: mcp_servers and outbound_bindings.
// Part of ManifestParser: they are judged like the rest, so that an existing tree reads to the last field.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

extension ManifestParser {
  private static let serverKeys = ["transport", "log_level", "context_passthrough"]

  mutating func mcpServers(_ root: ManifestTable) -> [Manifest.McpServer] {
    guard let table = found.table("mcp_servers", in: root) else { return [] }
    var servers: [Manifest.McpServer] = []
    for entry in table.entries {
      if !ManifestNames.isID(entry.key) || entry.key.utf8.count > 32 {
        found.add(
          .manifestBadMcpServer,
          "`\(clipped(entry.key))` is no name for an MCP server (^[a-z][a-z0-9_-]*$, at most 32 bytes)",
          at: entry.keyPosition)
      }
      guard let server = found.table(entry.key, in: table), let transport = mcpTransport(server) else { continue }
      servers.append(Manifest.McpServer(name: entry.key, transport: transport))
    }
    return servers
  }

  private mutating func mcpTransport(_ server: ManifestTable) -> Manifest.McpServer.Transport? {
    guard let kind = found.string("transport", in: server, required: true) else {
      found.checkKeys(
        server, known: ManifestParser.serverKeys + ["command", "args", "env", "cwd", "url", "headers"],
        synonyms: ["type": "transport"])
      return nil
    }
    _ = found.string("log_level", in: server)
    _ = found.boolean("context_passthrough", in: server)
    switch kind.text {
    case "stdio":
      found.checkKeys(server, known: ManifestParser.serverKeys + ["command", "args", "env", "cwd"])
      let arguments = found.strings("args", in: server).map(\.text)
      let environment = found.stringMap("env", in: server)
      let folder = found.string("cwd", in: server)?.text
      guard let command = found.string("command", in: server, required: true) else { return nil }
      if command.text.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
        found.add(.manifestBadMcpServer, "`\(server.path("command"))` is blank", at: command.position)
      }
      return .stdio(command: command.text, arguments: arguments, environment: environment, folder: folder)
    case "streamable_http", "sse", "auto":
      found.checkKeys(server, known: ManifestParser.serverKeys + ["url", "headers"])
      let headers = found.stringMap("headers", in: server)
      guard let url = found.string("url", in: server, required: true) else { return nil }
      if !ManifestNames.isServerURL(url.text) {
        found.add(
          .manifestBadMcpServer, "`\(server.path("url"))` is `\(clipped(url.text))`, wanted is an http or https URL",
          at: url.position)
      }
      return .http(kind: kind.text, url: url.text, headers: headers)
    default:
      found.add(
        .manifestBadMcpServer, "`\(server.path("transport"))` is `\(clipped(kind.text))`", at: kind.position,
        remedy: "Use one of: stdio, streamable_http, sse, auto.")
      return nil
    }
  }

  mutating func outboundBindings(_ root: ManifestTable) -> [Manifest.OutboundBinding] {
    guard let table = found.table("outbound_bindings", in: root) else { return [] }
    var bindings: [Manifest.OutboundBinding] = []
    for entry in table.entries {
      let accounts = found.strings(entry.key, in: table)
      // The reference never runs this check, so it must not refuse a manifest that loads there.
      for account in accounts where account.text.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
        found.add(
          .manifestBadBinding, "`\(table.path(entry.key))` names a blank account", at: account.position,
          severity: .warning)
      }
      bindings.append(Manifest.OutboundBinding(channel: entry.key, accounts: accounts.map(\.text)))
    }
    return bindings
  }
}
