// What installing an extension would do, and doing it: a sibling folder with a temporary name, then a rename.
// Used by `agent ext install`.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostPlugins

/// A checked installation.
struct InstallPlan {
  let manifest: Manifest
  /// The extension's folder, absolute.
  let source: String
  /// `<search path>/<id>`.
  let target: String
  /// Whether something is there already.
  let replaces: Bool

  /// Judges the source as a sweep would, manifest, file and ELF, and looks for what is in the way.
  init(source given: String, searchPaths: [String], update: Bool) throws(InstallError) {
    let folder = Path.name(of: given) == "plugin.toml" ? Path.parent(of: given) : given
    guard let real = try? Path.real(folder), (try? FileStatus.of(Path.join(real, "plugin.toml"))) != nil else {
      throw .notFound(given)
    }
    var settings = DiscoverySettings(searchPaths: [real])
    settings.maximumDepth = 1
    let discovery = Discovery(
      settings: settings, rules: OfflineExtensions.rules, elf: ElfChecker(rules: OfflineExtensions.elfRules))
    let sweep = discovery.sweep(disabled: [], quarantined: [:])
    guard let candidate = sweep.candidates.first, let manifest = candidate.manifest else {
      throw .invalid(sweep.candidates.flatMap(\.findings) + sweep.findings)
    }
    if case .invalid = candidate.state { throw .invalid(candidate.findings) }
    self.manifest = manifest
    self.source = real
    target = Path.join(searchPaths.first ?? "extensions", manifest.id)
    replaces = (try? FileStatus.of(target, followingLinks: false)) != nil
    if replaces, !update { throw .exists(target) }
    if !replaces, update { throw .missing(target) }
    for path in searchPaths.dropFirst() {
      let other = Path.join(path, manifest.id)
      if (try? FileStatus.of(other)) != nil { throw .elsewhere(id: manifest.id, folder: other) }
    }
  }

  func copy() throws(InstallError) {
    try run { () throws(SystemError) in
      let staged = target + ".tmp-\(getpid())"
      do throws(SystemError) {
        try AtomicFile.makeFolder(Path.parent(of: target), mode: 0o755)
        try Tree.copy(source, to: staged)
        try put(staged)
      } catch {
        Tree.remove(staged)
        throw error
      }
    }
  }

  func link() throws(InstallError) {
    try run { () throws(SystemError) in
      let staged = target + ".tmp-\(getpid())"
      try AtomicFile.makeFolder(Path.parent(of: target), mode: 0o755)
      guard symlink(source, staged) == 0 else { throw SystemError("symlink", on: staged) }
      try put(staged)
    }
  }

  /// Puts the staged name in the target's place; an old one is exchanged in one step and removed after.
  private func put(_ staged: String) throws(SystemError) {
    guard replaces else {
      guard rename(staged, target) == 0 else { throw SystemError("rename", on: target) }
      return
    }
    guard clx_rename_exchange(staged, target) == 0 else { throw SystemError("renameat2", on: target) }
    Tree.remove(staged)
  }

  private func run(_ body: () throws(SystemError) -> Void) throws(InstallError) {
    do throws(SystemError) { try body() } catch { throw .system(error) }
  }
}
