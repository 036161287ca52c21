// The machine's libraries as one sweep sees them: each path is looked at once, however many plugins need it.
// Made by ElfChecker for one check or for one sweep, and dropped with it, so that the next one sees what was installed since.
// What a plugin ships is not kept here: it lies in the plugin's own folder.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

/// A view of the catalogue. Safe from any thread.
final class SystemLibraries: Sendable {
  let catalogue: LibraryCatalogue
  /// The loader's.
  let cache: LdSoCache

  private enum Seen: Sendable {
    case library(ProviderLibrary)
    /// There is no such file.
    case nothing
    case fault(ElfFault)
  }
  private struct State {
    var libraries: [String: Seen] = [:]
    var folders: [String: String] = [:]
  }
  /// Held for dictionary work only.
  private let state = Mutex(State())

  init(catalogue: LibraryCatalogue, cache: LdSoCache) {
    self.catalogue = catalogue
    self.cache = cache
  }

  /// As ``LibraryCatalogue/library(at:shipped:)``.
  func library(at path: String, shipped: Bool) throws(ElfFault) -> ProviderLibrary? {
    guard !shipped else { return try catalogue.library(at: path, shipped: true) }
    switch state.withLock({ $0.libraries[path] }) ?? look(at: path) {
    case .library(let library): return library
    case .nothing: return nil
    case .fault(let fault): throw fault
    }
  }

  private func look(at path: String) -> Seen {
    let seen: Seen
    do throws(ElfFault) {
      seen = try catalogue.library(at: path, shipped: false).map(Seen.library) ?? .nothing
    } catch {
      seen = .fault(error)
    }
    state.withLock { $0.libraries[path] = seen }
    return seen
  }

  /// The folder that a library really lies in: its `$ORIGIN`.
  func realFolder(of path: String) -> String {
    if let known = state.withLock({ $0.folders[path] }) { return known }
    let folder = Path.parent(of: (try? Path.real(path)) ?? path)
    state.withLock { $0.folders[path] = folder }
    return folder
  }
}
