// Judging extensions without a host: the same scanner, rules and checks as the host's, nothing loaded.
// Used by the `ext` commands.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux
internal import HostPlugins

/// Sweeps from the command line.
enum OfflineExtensions {
  /// The host's own rules for manifests.
  static let rules = ManifestRules(hostVersion: SemVer(Version.number) ?? SemVer(0, 0, 0))

  /// The host's rules for libraries.
  static var elfRules: ElfRules {
    ElfRules(
      services: PluginServices.all,
      places: LibraryPlaces(hostFolders: [Path.join(Path.parent(of: Path.executableFolder()), "lib")]))
  }

  static func discovery(_ settings: HostSettings) -> Discovery {
    Discovery(settings: settings.extensions.discovery, rules: rules, elf: ElfChecker(rules: elfRules))
  }

  /// One sweep with the decisions that the state folder holds.
  static func sweep(_ settings: HostSettings) -> (Sweep, ExtensionState) {
    let state = ExtensionState(folder: settings.folders.state.value)
    return (discovery(settings).sweep(disabled: state.disabled, quarantined: state.quarantined), state)
  }
}

extension ExtensionSettings {
  /// As the scanner takes them.
  var discovery: DiscoverySettings {
    var discovery = DiscoverySettings(searchPaths: enabled ? searchPaths : [])
    discovery.disabled = Set(disabled)
    discovery.allowlist = Set(allowlist)
    discovery.ignoredFolders = Set(ignoreFolders)
    discovery.maximumDepth = maxDepth
    discovery.followLinks = followLinks
    discovery.allowedRoots = allowedRoots
    return discovery
  }
}
