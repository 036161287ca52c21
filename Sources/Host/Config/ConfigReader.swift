// Loads configuration files for typed reading: bytes, tree, placeholders, in one call.
// Called by every part that has a file in the configuration folder. Keeps nothing but the report.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux
internal import HostReasons

/// Reads files of one configuration folder and collects every finding in one report.
package struct ConfigReader {
  /// The configuration folder.
  package let folder: String
  package let report: ConfigReport
  private let placeholders: Placeholders

  /// - Parameter environment: what `${VAR}` sees; the process's own in production.
  package init(folder: String, environment: [String: String], report: ConfigReport = ConfigReport()) {
    self.folder = folder
    self.report = report
    placeholders = Placeholders(
      environment: environment, secrets: SecretFolders(configFolder: folder, environment: environment))
  }

  /// Loads one file, placeholders resolved.
  ///
  /// - Parameter name: relative to the folder, or absolute.
  /// - Returns: nil when the file does not exist (no finding: absent files have defaults), or when it could not be
  ///   read as YAML (findings).
  package func load(_ name: String) -> ConfigValue? {
    let path = Path.join(folder, name)
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try AtomicFile.read(path, limit: YAML.Limits.size + 1) } catch {
      if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
      if error.errno == EFBIG {
        report.error(
          .configTooLarge, at: SourceMark(file: path), "the file is larger than \(YAML.Limits.size) bytes",
          remedy: "Split it.")
      } else {
        report.error(
          .configUnreadable, at: SourceMark(file: path), SystemError.text(of: error.errno),
          remedy: "Make it a file that the host's user may read.")
      }
      return nil
    }
    guard let tree = YAML.parse(bytes, file: path, report: report) else { return nil }
    return ConfigValue(placeholders.resolve(tree, report: report), path: "", report: report)
  }

  /// The drop-in files of a folder such as `agents.d`, sorted by name (bytes): `*.yaml`, without hidden files and
  /// `*.example.yaml`. A file that looks meant but is not read (`.yml`) is a warning. No folder: no files.
  package func dropIns(_ name: String) -> [String] {
    let path = Path.join(folder, name)
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(".") || name.hasSuffix(".example.yaml") { continue }
      if name.hasSuffix(".yaml") {
        names.append(name)
      } else if name.hasSuffix(".yml") {
        report.warning(
          .configIgnoredFile, at: SourceMark(file: Path.join(path, name)), "only *.yaml is read here",
          remedy: "Rename it to end in .yaml.")
      }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { Path.join(path, $0) }
  }
}
