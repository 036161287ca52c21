// Walks a search path for manifests: bounded depth, ignored folders, links only where allowed, always the same order.
// Used by ExtensionScanner. Reports each folder that it could not look into; decides nothing about manifests.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostReasons

/// One `plugin.toml` that a walk met.
struct FoundManifest: Sendable {
  /// As the operator knows it: below the search path as configured.
  let folder: String
  let realFolder: String
  let root: String
  let searchPath: Int
  /// `.mcp.json` lies beside it.
  let hasSidecar: Bool
  /// Set where a link keeps it from being read.
  let refusal: Finding?
  /// The manifest itself, in `folder`.
  let path: String

  init(
    folder: String, realFolder: String, root: String, searchPath: Int, hasSidecar: Bool, refusal: Finding?
  ) {
    self.folder = folder
    self.realFolder = realFolder
    self.root = root
    self.searchPath = searchPath
    self.hasSidecar = hasSidecar
    self.refusal = refusal
    path = Path.join(folder, TreeWalk.manifestName)
  }
}

/// The walk over all search paths.
struct TreeWalk {
  static let manifestName = "plugin.toml"
  let settings: DiscoverySettings
  private(set) var manifests: [FoundManifest] = []
  private(set) var findings: [Finding] = []
  /// Every folder entered, as it was found: what a watcher has to watch.
  private(set) var folders: [String] = []
  /// Real search paths, then allowed roots.
  private var roots: [String] = []

  init(settings: DiscoverySettings) { self.settings = settings }

  /// A folder on the way down.
  private struct Place {
    let path: String
    let real: String
    let root: String
    let searchPath: Int
    let depth: Int
    /// Device and inode of the folders above, to end loops of links.
    let above: [FolderIdentity]
  }

  private struct FolderIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  mutating func run() {
    var starts: [(path: String, real: String, index: Int)] = []
    for (index, path) in settings.searchPaths.enumerated() {
      guard let real = try? Path.real(path), let status = try? FileStatus.of(real) else {
        findings.append(
          Finding(.searchPathMissing, "the search path does not exist", file: path, severity: .warning))
        continue
      }
      guard status.kind == .directory else {
        findings.append(
          Finding(.searchPathMissing, "the search path is not a folder", file: path, severity: .warning))
        continue
      }
      if !starts.contains(where: { $0.real == real }) { starts.append((path, real, index)) }
    }
    roots = starts.map(\.real) + settings.allowedRoots.compactMap { try? Path.real($0) }
    for start in starts {
      visit(
        Place(path: start.path, real: start.real, root: start.real, searchPath: start.index, depth: 0, above: []))
    }
  }

  // MARK: one folder

  /// What a folder holds, or why that cannot be said.
  private typealias Listing = Result<[FolderEntry], SystemError>

  private static func list(_ path: String) -> Listing {
    Result { () throws(SystemError) in try FolderEntry.list(path) }
  }

  /// - Parameter listing: of this folder, where it was read ahead.
  private mutating func visit(_ place: Place, listing: Listing? = nil) {
    guard folders.count < settings.maximumFolders else {
      if !findings.contains(where: { $0.reason == .treeTooLarge }) {
        findings.append(
          Finding(
            .treeTooLarge, "more than \(settings.maximumFolders) folders, the rest is not seen", file: place.path,
            severity: .warning))
      }
      return
    }
    let entries: [FolderEntry]
    do throws(SystemError) { entries = try (listing ?? TreeWalk.list(place.path)).get() } catch {
      // A folder that went away between listing and visiting is no fault.
      if error.errno != ENOENT {
        findings.append(
          Finding(
            .folderUnreadable, "the folder cannot be listed: \(SystemError.text(of: error.errno))", file: place.path,
            severity: .warning))
      }
      return
    }
    folders.append(place.path)
    if let manifest = entries.first(where: { $0.name == TreeWalk.manifestName }) {
      note(manifest, in: place, hasSidecar: entries.contains { $0.name == McpSidecar.name && $0.kind == .regular })
    }
    guard place.depth + 1 < settings.maximumDepth else { return }
    let below = entries.filter { $0.name != TreeWalk.manifestName && !settings.ignoredFolders.contains($0.name) }
    var rest = below[...]
    while !rest.isEmpty {
      visit(rest.prefix(TreeWalk.ahead), in: place)
      rest = rest.dropFirst(TreeWalk.ahead)
    }
  }

  /// Folders that are listed ahead of their turn at most. Ours: bounds what is held of a tree with many names.
  private static let ahead = 512

  /// Enters folders that lie side by side. Where they are many, as in a search path with a thousand extensions, they are
  /// read on all processors; never more of them than may still be visited.
  private mutating func visit(_ entries: ArraySlice<FolderEntry>, in place: Place) {
    let next = entries.filter { $0.kind == .directory }.prefix(settings.maximumFolders - folders.count)
    var listings = Parallel.map(Array(next), { TreeWalk.list(Path.join(place.path, $0.name)) })[...]
    for entry in entries {
      let listing = entry.kind == .directory ? listings.popFirst() : nil
      guard !entry.name.unicodeScalars.contains("\u{FFFD}") else {
        findings.append(
          Finding(
            .folderUnreadable, "a name in this folder is not UTF-8", file: place.path, remedy: "Rename it.",
            severity: .warning))
        continue
      }
      switch entry.kind {
      case .directory: descend(entry.name, from: place, listing)
      case .symlink: follow(entry.name, from: place)
      case .regular, .other: break
      }
    }
  }

  private mutating func descend(_ name: String, from place: Place, _ listing: Listing?) {
    visit(
      Place(
        path: Path.join(place.path, name), real: Path.join(place.real, name), root: place.root,
        searchPath: place.searchPath, depth: place.depth + 1, above: above(place)), listing: listing)
  }

  /// Only needed where links are followed: without them a tree has no loops.
  private func above(_ place: Place) -> [FolderIdentity] {
    guard settings.followLinks, let status = try? FileStatus.of(place.real) else { return [] }
    return place.above + [FolderIdentity(device: status.device, inode: status.inode)]
  }

  private mutating func note(_ manifest: FolderEntry, in place: Place, hasSidecar: Bool) {
    var refusal: Finding?
    let path = Path.join(place.path, TreeWalk.manifestName)
    if manifest.kind == .symlink {
      if !settings.followLinks {
        refusal = Finding(.extensionSymlink, "the manifest is a symbolic link, and links are not followed", file: path)
      } else if root(of: path) == nil {
        refusal = Finding(.extensionSymlink, "the manifest is a link out of the search paths", file: path)
      }
    }
    manifests.append(
      FoundManifest(
        folder: place.path, realFolder: place.real, root: place.root, searchPath: place.searchPath,
        hasSidecar: hasSidecar, refusal: refusal))
  }

  // MARK: links

  /// The search path or allowed root that a path really lies in.
  private func root(of path: String) -> String? {
    guard let real = try? Path.real(path) else { return nil }
    return roots.first { Path.isInside(real, $0) }
  }

  private mutating func follow(_ name: String, from place: Place) {
    let path = Path.join(place.path, name)
    guard let status = try? FileStatus.of(path) else {
      skip(path, "the link leads nowhere")
      return
    }
    guard status.kind == .directory else { return }
    guard settings.followLinks else { return refuse(path, place, "links are not followed") }
    guard let real = try? Path.real(path), let root = roots.first(where: { Path.isInside(real, $0) }) else {
      return refuse(path, place, "it leads out of the search paths")
    }
    let parents = above(place)
    guard !parents.contains(FolderIdentity(device: status.device, inode: status.inode)) else {
      return skip(path, "the link leads back to a folder above it")
    }
    visit(
      Place(path: path, real: real, root: root, searchPath: place.searchPath, depth: place.depth + 1, above: parents))
  }

  /// A link to an extension is a candidate that cannot be used; a link to anything else is only mentioned.
  private mutating func refuse(_ path: String, _ place: Place, _ why: String) {
    guard access(Path.join(path, TreeWalk.manifestName), F_OK) == 0 else {
      return skip(path, "the folder is a symbolic link, and \(why)")
    }
    let finding = Finding(.extensionSymlink, "the folder is a symbolic link, and \(why)", file: path)
    manifests.append(
      FoundManifest(
        folder: path, realFolder: path, root: place.root, searchPath: place.searchPath, hasSidecar: false,
        refusal: finding))
  }

  private mutating func skip(_ path: String, _ message: String) {
    findings.append(Finding(.linkSkipped, message, file: path, severity: .warning))
  }
}

/// One name in a folder.
struct FolderEntry: Sendable {
  let name: String
  let kind: FileStatus.Kind

  /// The entries sorted by their bytes, without `.` and `..`.
  static func list(_ path: String) throws(SystemError) -> [FolderEntry] {
    guard let folder = opendir(path) else { throw SystemError("opendir", on: path) }
    defer { closedir(folder) }
    var entries: [FolderEntry] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name == "." || name == ".." { continue }
      entries.append(FolderEntry(name: name, kind: kind(Int32(entry.pointee.d_type), name, in: path)))
    }
    return entries.sorted { left, right in
      left.name.withCString { left in right.name.withCString { strcmp(left, $0) } } < 0
    }
  }

  private static func kind(_ type: Int32, _ name: String, in folder: String) -> FileStatus.Kind {
    switch type {
    case Int32(DT_REG): .regular
    case Int32(DT_DIR): .directory
    case Int32(DT_LNK): .symlink
    // Some file systems do not say.
    case Int32(DT_UNKNOWN): (try? FileStatus.of(Path.join(folder, name), followingLinks: false))?.kind ?? .other
    default: .other
    }
  }
}
