// Where extensions are looked for, and which of them are wanted. Given by the configuration; nothing here reads it.
//
// SPDX-License-Identifier: Apache-2.0

/// The `extensions` part of the configuration, as far as finding and judging goes.
package struct DiscoverySettings: Sendable, Hashable {
  /// Folders to walk, in order of precedence: of two extensions with one id the first found wins.
  package var searchPaths: [String]
  /// Ids that are not loaded.
  package var disabled: Set<String> = []
  /// If not empty, the only ids that are loaded.
  package var allowlist: Set<String> = []
  /// Names of folders that are not entered. A search path itself is always entered.
  package var ignoredFolders: Set<String> = ["target", ".git", "node_modules", "dist", ".build"]
  /// The search path is depth 0; `plugin.toml` is looked for in folders up to one less than this.
  package var maximumDepth = 3
  package var followLinks = false
  /// Folders that one sweep visits at most. A tree of 1,000 extensions has 1,000 to 5,000; a search path of `/` has more.
  package var maximumFolders = 100_000
  /// With `followLinks`: folders outside the search paths that links may lead to.
  package var allowedRoots: [String] = []

  package init(searchPaths: [String]) { self.searchPaths = searchPaths }
}
