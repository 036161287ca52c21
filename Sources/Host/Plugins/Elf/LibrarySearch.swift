// Finds needed libraries as ld.so(8) does, and the whole tree of what they need, without loading any.
// Used by ElfCheck. The host loads a sealed copy of a plugin, for which $ORIGIN means nothing: what only $ORIGIN or the
// host's own folder gives is therefore listed to be loaded first, by path.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons

/// A library that a plugin needs, directly or through another.
package struct NeededLibrary: Sendable, Hashable {
  /// How it was found, which decides whether the loader will find it again for a sealed copy.
  package enum Source: String, Sendable, Hashable {
    /// RUNPATH or RPATH with the `$ORIGIN` of the plugin or of a library that it brings: only by preloading.
    case origin
    /// The host's own library folder, or a library that the host has loaded: only by preloading.
    case host
    /// An absolute RUNPATH or RPATH, or the `$ORIGIN` of a library found that way.
    case runpath
    /// LD_LIBRARY_PATH, ld.so.cache or a default folder.
    case system
  }

  /// As DT_NEEDED has it.
  package let name: String
  package let path: String
  package let source: Source
}

/// Where libraries are looked for.
package struct LibraryPlaces: Sendable {
  /// Folders of libraries that come with the host, such as `dist/lib`.
  package var hostFolders: [String]
  /// Libraries that are in every host process and every probe, by path: their symbols need no DT_NEEDED.
  package var alwaysPresent: [String]
  /// LD_LIBRARY_PATH of the host's own start.
  package var environment: [String]

  package init(hostFolders: [String] = [], alwaysPresent: [String] = [], environment: [String] = []) {
    self.hostFolders = hostFolders
    self.alwaysPresent = alwaysPresent
    self.environment = environment
  }
}

/// One search: the tree below one plugin.
struct LibrarySearch {
  /// Who asks: the plugin, or a library found on the way.
  private struct Requester {
    let name: String
    let folder: String
    /// The plugin itself, or a library that it brings: only their `$ORIGIN` is lost on a sealed copy, or theirs to answer for.
    let isShipped: Bool
    let rpath: [String]
    let runpath: [String]
    /// RPATH of those that led here counts too, but only where nobody has a RUNPATH (ld.so(8)).
    let inherited: [(folder: String, entry: String)]
  }

  /// A needed library that nothing has.
  struct Missing {
    let name: String
    let neededBy: String
    /// Set where a file of that name exists but cannot be used.
    let fault: ElfFault?
  }

  let libraries: SystemLibraries
  let places: LibraryPlaces
  private(set) var found: [(needed: NeededLibrary, library: ProviderLibrary)] = []
  private(set) var missing: [Missing] = []
  private var seen: Set<String> = []

  /// Trees of real plugins have some thirty libraries; a hostile one must not make the host read the whole disk.
  private static let maximumLibraries = 512

  #if arch(x86_64)
    private static let platform = "x86_64"
  #else
    private static let platform = "aarch64"
  #endif
  private static let triple = platform + "-linux-gnu"
  private static let defaults = [
    "/lib/\(triple)", "/usr/lib/\(triple)", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
  ]

  init(libraries: SystemLibraries, places: LibraryPlaces) {
    self.libraries = libraries
    self.places = places
  }

  /// Walks breadth first, as the loader does: `found` is in load order.
  ///
  /// - Parameter folder: where the plugin really lies, which is what `$ORIGIN` meant to its author.
  mutating func walk(plugin image: ElfImage, name: String, folder: String) throws(ElfFault) {
    let root = Requester(
      name: name, folder: folder, isShipped: true, rpath: try LibrarySearch.paths(image, Elf.tagRpath),
      runpath: try LibrarySearch.paths(image, Elf.tagRunpath), inherited: [])
    var queue: [(name: String, by: Requester)] = try image.texts(Elf.tagNeeded).map { ($0, root) }
    var next = 0
    while next < queue.count, next < LibrarySearch.maximumLibraries {
      let (name, by) = queue[next]
      next += 1
      guard seen.insert(name).inserted else { continue }
      var fault: ElfFault?
      guard let (needed, library) = locate(name, for: by, fault: &fault) else {
        missing.append(Missing(name: name, neededBy: by.name, fault: fault))
        continue
      }
      if let soname = library.soname { seen.insert(soname) }
      found.append((needed, library))
      let inherited = by.runpath.isEmpty ? by.rpath.map { (by.folder, $0) } + by.inherited : []
      let requester = Requester(
        name: name, folder: libraries.realFolder(of: library.path),
        isShipped: needed.source == .origin, rpath: library.rpath,
        runpath: library.runpath, inherited: inherited)
      queue += library.needed.map { ($0, requester) }
    }
  }

  private static func paths(_ image: ElfImage, _ tag: UInt64) throws(ElfFault) -> [String] {
    try image.texts(tag).flatMap { $0.split(separator: ":").map(String.init) }
  }

  /// What must be loaded by path before a sealed copy: those that the copy cannot find by itself, deepest first.
  var preload: [NeededLibrary] {
    found.reversed().map(\.needed).filter { $0.source == .origin || $0.source == .host }
  }

  // MARK: one name

  private func locate(
    _ name: String, for by: Requester, fault: inout ElfFault?
  ) -> (NeededLibrary, ProviderLibrary)? {
    for (path, source) in candidates(name, for: by) {
      do throws(ElfFault) {
        guard let library = try libraries.library(at: path, shipped: source == .origin) else { continue }
        return (NeededLibrary(name: name, path: path, source: source), library)
      } catch {
        // The loader skips files for other machines and stops at others; either way this one does not serve.
        fault = ElfFault(error.reason, "\(path): \(error.message)")
      }
    }
    return nil
  }

  private func candidates(_ name: String, for by: Requester) -> [(path: String, source: NeededLibrary.Source)] {
    if name.contains("/") {
      let (path, usesOrigin) = LibrarySearch.expanded(name, folder: by.folder)
      // A relative path would mean the host's working directory, which is nobody's intention.
      return path.hasPrefix("/") ? [(path, usesOrigin && by.isShipped ? .origin : .system)] : []
    }
    var places: [(folder: String, source: NeededLibrary.Source)] = []
    func add(_ entry: String, _ folder: String) {
      let (path, usesOrigin) = LibrarySearch.expanded(entry, folder: folder)
      if path.hasPrefix("/") { places.append((path, usesOrigin && by.isShipped ? .origin : .runpath)) }
    }
    if by.runpath.isEmpty {
      for entry in by.rpath { add(entry, by.folder) }
      for (folder, entry) in by.inherited { add(entry, folder) }
    }
    places += self.places.environment.map { ($0, .system) }
    for entry in by.runpath { add(entry, by.folder) }
    var paths = places.map { (Path.join($0.folder, name), $0.source) }
    paths += libraries.cache.lookup(name).map { ($0, .system) }
    paths += LibrarySearch.defaults.map { (Path.join($0, name), .system) }
    paths += self.places.hostFolders.map { (Path.join($0, name), .host) }
    paths += self.places.alwaysPresent.filter { Path.name(of: $0) == name }.map { ($0, .host) }
    return paths
  }

  /// `$ORIGIN`, `$LIB` and `$PLATFORM`, with or without braces (ld.so(8), "Dynamic string tokens").
  private static func expanded(_ entry: String, folder: String) -> (path: String, usesOrigin: Bool) {
    var text = ""
    var usesOrigin = false
    var rest = Substring(entry)
    while let dollar = rest.firstIndex(of: "$") {
      text += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      let tokens = [("ORIGIN", folder), ("LIB", "lib/" + triple), ("PLATFORM", platform)]
      guard
        let (spelled, value) = tokens.lazy.flatMap({ [("{\($0.0)}", $0.1), ($0.0, $0.1)] }).first(where: {
          rest.hasPrefix($0.0)
        })
      else {
        text += "$"
        continue
      }
      usesOrigin = usesOrigin || value == folder
      text += value
      rest = rest.dropFirst(spelled.count)
    }
    return (text + rest, usesOrigin)
  }
}
