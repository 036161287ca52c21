// Which file of the configuration folder is a plugin's, and its content as JSON.
// `plugins/<id>.yaml`; else one named after a channel that it brings; else `<provider>-auth.yaml` for a credential
// provider: the names of the reference system, so that its files are found without the host knowing any plugin.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostPlugins
internal import HostReasons

/// Plugins' configuration files.
struct PluginConfigFiles: Sendable {
  /// The configuration folder.
  let folder: String
  /// Joins what a provider's file says.
  var inline = InlineAccounts()

  /// The names to look for, in order.
  static func names(for manifest: Manifest) -> [String] {
    let capabilities = manifest.capabilities
    let stems = [manifest.id] + capabilities.channels + capabilities.providers.map { "\($0)-auth" }
    return stems.map { "plugins/\($0).yaml" }
  }

  /// The first file that exists, whole, as a JSON object, with the inline accounts; empty when there is neither.
  ///
  /// - Throws: ``LoadFailure`` naming file, line and column when the file is not right. It may be mended: never final.
  func json(for manifest: Manifest) throws(LoadFailure) -> [UInt8] {
    let reader = ConfigReader(folder: folder, environment: Process.environment)
    for name in PluginConfigFiles.names(for: manifest) {
      guard let value = reader.load(name) else {
        if let finding = reader.report.errors.first { throw PluginConfigFiles.failure(finding, in: folder) }
        continue
      }
      if let finding = reader.report.errors.first { throw PluginConfigFiles.failure(finding, in: folder) }
      guard case .object = value.node.json else {
        throw LoadFailure(
          Finding(.configWrongType, "the file is not a mapping", file: Path.join(folder, name)), isFinal: false)
      }
      return inline.merged(into: value.node.json, kinds: manifest.capabilities.providers).bytes
    }
    let alone = inline.merged(into: [:], kinds: manifest.capabilities.providers)
    return alone.object?.isEmpty == false ? alone.bytes : []
  }

  /// What plugins would be given, by file, to see whether anything changed: placeholders resolved, so that a secret that
  /// was rotated counts; a file that is not right by its bytes. Holds secrets: for comparing only.
  func contents() -> [String: [UInt8]] {
    let reader = ConfigReader(folder: folder, environment: Process.environment)
    var contents: [String: [UInt8]] = reader.dropIns("plugins").reduce(into: [:]) { contents, path in
      contents[path] = reader.load(path)?.node.json.bytes ?? (try? AtomicFile.read(path, limit: 4 << 20)) ?? []
    }
    contents[""] = inline.merged(into: [:], kinds: [InlineAccounts.kind]).bytes
    return contents
  }

  private static func failure(_ finding: ConfigFinding, in folder: String) -> LoadFailure {
    let position = finding.mark.map { SourcePosition(line: $0.line, column: $0.column) }
    return LoadFailure(
      Finding(
        finding.reason, finding.message, file: finding.mark?.file ?? folder, at: position, remedy: finding.remedy),
      isFinal: false)
  }
}
