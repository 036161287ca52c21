// plugin.toml, from bytes to a Manifest or to every reason why not.
// Called by discovery for each candidate and by `agent ext validate`. Touches no file: requirements, the library and the
// folder are judged elsewhere. The tables beyond [plugin] are in ManifestParser+Tables.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Parses and judges one manifest.
///
/// Order of work: TOML syntax (one finding, nothing else can be said), then unknown keys, types and rules of every table.
/// Findings come out sorted by their place in the file.
package struct ManifestParser {
  let rules: ManifestRules
  var found: ManifestFindings

  /// Judges the bytes of a manifest.
  ///
  /// - Parameters:
  ///   - bytes: anything; over 256 KiB is a finding.
  ///   - file: the name under which findings report it.
  /// - Complexity: about 50 µs for a usual manifest.
  package static func parse(_ bytes: [UInt8], file: String, rules: ManifestRules) -> ManifestReading {
    var parser = ManifestParser(rules: rules, found: ManifestFindings(file: file))
    let entries: [TomlEntry]
    do throws(TomlSyntaxError) {
      entries = try TomlDocument.parse(bytes)
    } catch {
      parser.found.add(.manifestSyntax, "not TOML: \(clipped(error.message))", at: error.position)
      return ManifestReading(manifest: nil, id: nil, findings: parser.found.all)
    }
    let root = ManifestTable(name: "", entries: entries, position: SourcePosition(line: 1, column: 1))
    let (id, manifest) = parser.manifest(root)
    let findings = parser.found.all.sorted { left, right in
      (left.position?.line ?? 0, left.position?.column ?? 0) < (right.position?.line ?? 0, right.position?.column ?? 0)
    }
    let valid = !findings.contains { $0.severity == .error }
    return ManifestReading(manifest: valid ? manifest : nil, id: id, findings: findings)
  }

  private static let tables = [
    "plugin", "capabilities", "transport", "requires", "context", "meta", "mcp_servers", "outbound_bindings",
    "tool_accounts",
  ]

  /// Where keys belong that people put in the wrong table.
  static let homes: [String: String] = [
    "id": "[plugin]", "version": "[plugin]", "name": "[plugin]", "description": "[plugin]", "priority": "[plugin]",
    "min_agent_version": "[plugin]", "author": "[meta]", "license": "[meta]", "bins": "[requires]",
    "env": "[requires]", "passthrough": "[context]", "library": "[transport]", "command": "[transport]",
    "args": "[transport]", "url": "[transport]", "subject_prefix": "[transport]", "tools": "[capabilities]",
    "channels": "[capabilities]", "routes": "[capabilities]", "metrics": "[capabilities]", "hooks": "[capabilities]",
    "providers": "[capabilities]", "pollers": "[capabilities]",
  ]

  private mutating func manifest(_ root: ManifestTable) -> (id: String?, manifest: Manifest?) {
    found.checkKeys(root, known: ManifestParser.tables, elsewhere: ManifestParser.homes)
    let plugin = found.table("plugin", in: root, required: true)
    let identity = plugin.map { identify($0) }
    let capabilities = self.capabilities(root)
    let transport = self.transport(root)
    let requires = self.requires(root)
    let passthrough = context(root)
    let (author, license) = meta(root)
    let servers = mcpServers(root)
    let bindings = outboundBindings(root)
    let toolAccounts = self.toolAccounts(root, capabilities)
    guard let identity, let id = identity.id, let version = identity.version, let transport else {
      return (identity?.id, nil)
    }
    let manifest = Manifest(
      id: id, version: version, name: identity.name, description: identity.description,
      minAgentVersion: identity.minimum, priority: identity.priority, capabilities: capabilities, transport: transport,
      requires: requires, contextPassthrough: passthrough, author: author, license: license, mcpServers: servers,
      outboundBindings: bindings, toolAccounts: toolAccounts)
    return (id, manifest)
  }

  // MARK: [plugin]

  private struct Identity {
    var id: String?
    var version: SemVer?
    var name: String?
    var description: String?
    var minimum: SemVer?
    var priority: Int32
  }

  private mutating func identify(_ table: ManifestTable) -> Identity {
    found.checkKeys(
      table, known: ["id", "version", "name", "description", "min_agent_version", "priority"],
      elsewhere: ManifestParser.homes)
    return Identity(
      id: id(table), version: version("version", in: table, required: true, reason: .manifestBadVersion),
      name: found.string("name", in: table)?.text, description: description(table), minimum: minimum(table),
      priority: found.int32("priority", in: table) ?? 0)
  }

  private mutating func id(_ table: ManifestTable) -> String? {
    guard let id = found.string("id", in: table, required: true) else { return nil }
    let text = id.text
    guard !text.isEmpty else {
      found.add(.manifestBadID, "`plugin.id` is empty", at: id.position)
      return nil
    }
    guard ManifestNames.isID(text) else {
      found.add(.manifestBadID, "`plugin.id` is `\(clipped(text))`, which is not an id", at: id.position)
      return nil
    }
    guard text.utf8.count <= ManifestNames.maximumNameBytes else {
      found.add(.manifestBadID, "`plugin.id` has \(text.utf8.count) bytes, at most 64 are allowed", at: id.position)
      return nil
    }
    if rules.reservedIDs.contains(text) {
      found.add(.manifestReservedID, "the id `\(text)` is reserved for the host", at: id.position)
    }
    return text
  }

  private mutating func version(
    _ key: String, in table: ManifestTable, required: Bool, reason: Reason
  ) -> SemVer? {
    guard let version = found.string(key, in: table, required: required) else { return nil }
    guard let parsed = SemVer(version.text) else {
      found.add(
        reason, "`\(table.path(key))` is `\(clipped(version.text))`, which is no semantic version", at: version.position
      )
      return nil
    }
    return parsed
  }

  private mutating func minimum(_ table: ManifestTable) -> SemVer? {
    guard let minimum = version("min_agent_version", in: table, required: false, reason: .manifestBadVersion) else {
      return nil
    }
    if rules.hostVersion.precedes(minimum), let entry = table.entry("min_agent_version") {
      found.add(
        .manifestAgentTooOld, "needs agent \(minimum) or newer, this is \(rules.hostVersion)", at: entry.node.position)
    }
    return minimum
  }

  private mutating func description(_ table: ManifestTable) -> String? {
    guard let description = found.string("description", in: table) else { return nil }
    let length = description.text.unicodeScalars.count
    if length > ManifestNames.maximumDescription {
      found.add(
        .manifestDescriptionTooLong, "`plugin.description` has \(length) characters, at most 512 are allowed",
        at: description.position)
    }
    return description.text
  }
}
