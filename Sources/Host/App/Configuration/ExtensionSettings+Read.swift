// Reads extensions.yaml: the reference system's keys with its defaults, where they mean something here.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux

extension ExtensionSettings {
  /// What reading gave: the settings, their origins, the environment variables that were looked at.
  struct Reading {
    let settings: ExtensionSettings
    let rows: [SettingRow]
    let variables: Set<String>
  }

  static func read(
    _ files: ConfigReader, searchPaths flagged: [String], environment: [String: String], current: String,
    report: ConfigReport
  ) -> Reading {
    let root = files.load("extensions.yaml")?.openMapping()
    let reader = SettingsReader(
      flags: [:], environment: [:], file: root?.value("extensions"), report: report)
    root?.know("schema_version")
    root?.close()
    var settings = ExtensionSettings()
    settings.enabled = reader.bool("enabled", default: true).value
    let configured = reader.texts("search_paths", default: [])
    let (paths, origin) = searchPaths(
      flagged, environment: environment, configured: configured, current: current)
    settings.searchPaths = paths.map { Path.normalized($0, from: current) }
    settings.disabled = reader.texts("disabled", default: []).value
    settings.allowlist = reader.texts("allowlist", default: []).value
    settings.ignoreFolders =
      reader.texts("ignore_dirs", default: ["target", ".git", "node_modules", "dist", ".build"]).value
    settings.maxDepth = reader.integer("max_depth", default: 3, in: 0...32).value
    settings.followLinks = reader.bool("follow_links", default: false).value
    settings.allowedRoots = reader.texts("allowed_roots", default: []).value.map { Path.normalized($0, from: current) }
    settings.watch = reader.bool("watch.enabled", default: true).value
    settings.debounce = .milliseconds(reader.integer("watch.debounce_ms", default: 200, in: 50...60_000).value)
    reader.close(unused: ["doctor", "transport_defaults", "entries"])
    let rows = reader.rows.map { row in
      row.key == "search_paths"
        ? SettingRow(key: "extensions.search_paths", shown: settings.searchPaths.joined(separator: ":"), origin: origin)
        : SettingRow(key: "extensions.\(row.key)", shown: row.shown, origin: row.origin)
    }
    return Reading(settings: settings, rows: rows, variables: ["NEXO_EXTENSIONS"])
  }

  /// Flag, then environment, then file, then `./extensions`, or the folder beside an installed executable.
  private static func searchPaths(
    _ flagged: [String], environment: [String: String], configured: Setting<[String]>, current: String
  ) -> ([String], SettingOrigin) {
    if !flagged.isEmpty { return (flagged, .flag("--extensions")) }
    if let listed = environment["NEXO_EXTENSIONS"], !listed.isEmpty {
      return (listed.split(separator: ":").map(String.init), .environment("NEXO_EXTENSIONS"))
    }
    if configured.origin != .builtIn { return (configured.value, configured.origin) }
    let here = Path.join(current, "extensions")
    let installed = Path.join(Path.parent(of: Path.executableFolder()), "extensions")
    let isHere = (try? FileStatus.of(here).kind) == .directory
    return ([!isHere && (try? FileStatus.of(installed).kind) == .directory ? installed : here], .builtIn)
  }
}
