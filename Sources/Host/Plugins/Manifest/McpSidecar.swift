// `.mcp.json` beside a manifest: servers of the Model Context Protocol, as other tools write them.
// Read by ExtensionScanner when the manifest itself names none. What is wrong with it is a warning: the extension is kept,
// without servers.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostReasons

/// The one other file of an extension that discovery reads.
enum McpSidecar {
  static let name = ".mcp.json"
  /// As for a manifest.
  static let maximumBytes = 256 << 10

  private struct Fault: Error {
    let message: String
  }

  private static let keys: Set<String> = [
    "transport", "command", "args", "env", "cwd", "url", "headers", "log_level", "context_passthrough",
  ]

  /// The servers, sorted by name; empty with one finding where anything is wrong.
  static func parse(_ bytes: [UInt8], file: String) -> (servers: [Manifest.McpServer], findings: [Finding]) {
    do throws(Fault) {
      return (try servers(bytes), [])
    } catch {
      return ([], [Finding(.sidecarIgnored, error.message, file: file, severity: .warning)])
    }
  }

  private static func servers(_ bytes: [UInt8]) throws(Fault) -> [Manifest.McpServer] {
    let json: JSON
    do throws(JSONError) { json = try JSON.parse(bytes, limit: maximumBytes) } catch {
      throw Fault(message: "not JSON: \(error)")
    }
    guard let root = json.object else { throw Fault(message: "not a JSON object") }
    guard let key = root.names.first, root.count == 1, ["mcpServers", "mcp_servers"].contains(key) else {
      if root.isEmpty { return [] }
      throw Fault(
        message: "wanted is the key `mcpServers` alone, found are \(clipped(root.names.joined(separator: ", ")))")
    }
    guard let table = root[key]?.object else { throw Fault(message: "`\(key)` is not an object") }
    var servers: [Manifest.McpServer] = []
    for (name, value) in table {
      guard ManifestNames.isID(name), name.utf8.count <= 32 else {
        throw Fault(message: "`\(clipped(name))` is no name for a server")
      }
      guard let server = value.object else { throw Fault(message: "the server `\(name)` is not an object") }
      if let unknown = server.names.first(where: { !keys.contains($0) }) {
        throw Fault(message: "unknown key `\(clipped(unknown))` in the server `\(name)`")
      }
      servers.append(Manifest.McpServer(name: name, transport: try transport(server, name)))
    }
    return servers.sorted { $0.name < $1.name }
  }

  private static func transport(_ server: JSONObject, _ name: String) throws(Fault) -> Manifest.McpServer.Transport {
    var kind = (server["transport"]?.string ?? "").split(whereSeparator: \.isWhitespace).joined()
    if kind.isEmpty { kind = server["command"] != nil ? "stdio" : server["url"] != nil ? "auto" : "" }
    switch kind {
    case "stdio":
      guard let command = server["command"]?.string, !command.isEmpty else {
        throw Fault(message: "the server `\(name)` has no `command`")
      }
      return .stdio(
        command: command, arguments: (server["args"]?.array ?? []).compactMap(\.string),
        environment: strings(server["env"]), folder: server["cwd"]?.string)
    case "streamable_http", "streamable-http", "streamablehttp", "sse", "auto", "http":
      guard let url = server["url"]?.string, ManifestNames.isServerURL(url) else {
        throw Fault(message: "the server `\(name)` has no http or https `url`")
      }
      let known = kind == "sse" ? "sse" : kind == "auto" || kind == "http" ? "auto" : "streamable_http"
      return .http(kind: known, url: url, headers: strings(server["headers"]))
    default:
      throw Fault(message: "the server `\(name)` has neither a known `transport` nor `command` or `url`")
    }
  }

  private static func strings(_ value: JSON?) -> [String: String] {
    var strings: [String: String] = [:]
    for (name, value) in value?.object ?? JSONObject() { strings[name] = value.string }
    return strings
  }
}
