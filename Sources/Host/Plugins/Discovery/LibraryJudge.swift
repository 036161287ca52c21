// File and ELF checks of a candidate's library, remembered by fingerprint so that an unchanged file is not read again.
// Called by the sweep after ExtensionScanner; the loader takes what it lets pass.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import Synchronization

/// Takes candidates from `toCheck` to `toLoad` or `invalid`. Safe from any thread.
package final class LibraryJudge: Sendable {
  private let checker: ElfChecker

  /// A class, so that a look takes one reference and not a report's texts one by one.
  private final class Memory: Sendable {
    let file: FileFingerprint
    let manifest: FileFingerprint?
    let library: CheckedLibrary
    init(file: FileFingerprint, manifest: FileFingerprint?, library: CheckedLibrary) {
      self.file = file
      self.manifest = manifest
      self.library = library
    }
  }
  /// By library path. Held for dictionary work only.
  private let memory = Mutex<[String: Memory]>([:])

  /// Findings that depend on more than the file: installing a package mends them, so they are never remembered.
  private static let passing: Set<Reason> = [
    .elfMissingNeeded, .elfUnusableNeeded, .elfUndefinedSymbol, .elfMissingVersion,
  ]

  package init(checker: ElfChecker) { self.checker = checker }

  /// Judges all candidates of a sweep that are to be checked, and forgets libraries that are gone.
  package func judge(_ sweep: inout Sweep) {
    let libraries = checker.libraries()
    // A root that cannot be opened is reported by each candidate below it, which tries by itself.
    let roots = Set(sweep.candidates.map(\.root)).reduce(into: [:]) { $0[$1] = try? PluginFile.Root($1) }
    sweep.candidates = Parallel.map(sweep.candidates) { [self] candidate in
      var judged = candidate
      judge(&judged, libraries, roots)
      return judged
    }
    let present = Set(sweep.candidates.compactMap(LibraryJudge.path))
    memory.withLock { $0 = $0.filter { present.contains($0.key) } }
  }

  /// Judges one; a candidate in another state than `toCheck` stays as it is.
  package func judge(_ candidate: inout Candidate) { judge(&candidate, checker.libraries(), [:]) }

  private func judge(
    _ candidate: inout Candidate, _ libraries: SystemLibraries, _ roots: [String: PluginFile.Root]
  ) {
    guard case .toCheck = candidate.state, let manifest = candidate.manifest,
      case .library(let library) = manifest.transport
    else { return }
    do throws(PluginFile.Refusal) {
      let root = if let root = roots[candidate.root] { root } else { try PluginFile.Root(candidate.root) }
      let file = try PluginFile.open(root: root, folder: candidate.realFolder, library: library)
      candidate.findings += file.findings
      let checked = try check(file, manifest: manifest, of: candidate, libraries)
      candidate.findings += checked.elf.findings
      if let error = checked.elf.findings.first(where: { $0.severity == .error }) {
        candidate.state = .invalid(error)
      } else {
        candidate.state = .toLoad(checked)
      }
    } catch {
      candidate.findings += error.findings
      if let first = error.findings.first(where: { $0.severity == .error }) { candidate.state = .invalid(first) }
    }
  }

  private func check(
    _ file: borrowing PluginFile, manifest: Manifest, of candidate: Candidate, _ libraries: SystemLibraries
  ) throws(PluginFile.Refusal) -> CheckedLibrary {
    let path = file.path
    let fingerprint = file.fingerprint
    if let known = memory.withLock({ $0[path] }), known.file == fingerprint,
      known.manifest == candidate.manifestFingerprint
    {
      return known.library
    }
    let bytes = try file.read()
    var report = checker.check(bytes, path: path, manifest: manifest, libraries)
    report.findings += LibraryJudge.untrusted(report.preload)
    let library = CheckedLibrary(
      path: path, fingerprint: fingerprint, sha256: ContentHash.sha256(bytes), elf: report)
    if fingerprint.isSettled, !report.findings.contains(where: { LibraryJudge.passing.contains($0.reason) }) {
      memory.withLock {
        $0[path] = Memory(file: fingerprint, manifest: candidate.manifestFingerprint, library: library)
      }
    }
    return library
  }

  /// Libraries that a plugin brings run in the host as it does: the same owner and mode rules hold for them.
  private static func untrusted(_ preload: [NeededLibrary]) -> [Finding] {
    preload.filter { $0.source == .origin }.flatMap { library -> [Finding] in
      guard let status = try? FileStatus.of(library.path) else {
        return [Finding(.fileUnreadable, "cannot be looked at", file: library.path)]
      }
      return PluginFileGuard.untrusted(status, at: library.path, what: "the library")
    }
  }

  private static func path(_ candidate: Candidate) -> String? {
    guard case .library(let library)? = candidate.manifest?.transport else { return nil }
    return Path.join(candidate.realFolder, library)
  }
}
