// An extension as a sweep found it, with its verdict so far and everything that was found.
// Made by ExtensionScanner, taken further by LibraryJudge, then by the loader.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// One `plugin.toml` and its folder.
///
///     toCheck ──LibraryJudge.judge()──▶ toLoad ──loader──▶ ok
///        │                                └──loader──▶ invalid, disabled
///        └─────────────LibraryJudge.judge()──▶ invalid
///     disabled and invalid are final for this sweep.
package struct Candidate: Sendable, Hashable {
  /// Indirect: a sweep copies candidates more often than it looks into them.
  package indirect enum State: Sendable, Hashable {
    /// A shared library that is wanted and whose requirements are met; its file has not been looked at.
    case toCheck
    /// File and ELF checks passed; probe and load come next.
    case toLoad(CheckedLibrary)
    /// Left out on purpose; the finding that decided it.
    case disabled(Finding)
    /// Cannot be used; the finding that decided it.
    case invalid(Finding)
  }

  /// The extension's folder as it was found: below the search path as configured.
  package let folder: String
  /// The same with every link resolved.
  package let realFolder: String
  /// The real search path or allowed root that the folder lies in.
  package let root: String
  /// `plugin.toml` in `folder`.
  package let manifestPath: String
  /// Position of the search path in the settings.
  package let searchPath: Int
  /// The manifest's id; where there is none, nil. Not unique among invalid candidates.
  package let id: String?
  package let manifest: Manifest?
  package let manifestFingerprint: FileFingerprint?
  package var state: State
  /// All findings, errors and warnings.
  package var findings: [Finding]

  /// The id, or the folder's name where there is no id: what tables show.
  package var name: String { id ?? folder.split(separator: "/").last.map(String.init) ?? folder }

  /// The one reason of a disabled or invalid candidate.
  package var reason: Reason? {
    switch state {
    case .disabled(let finding), .invalid(let finding): finding.reason
    case .toCheck, .toLoad: nil
    }
  }

  /// Decides the candidate: the finding becomes the primary one and is added to the others.
  package mutating func settle(_ state: (Finding) -> State, _ finding: Finding) {
    if !findings.contains(finding) { findings.append(finding) }
    self.state = state(finding)
  }
}

/// A library that passed the file and ELF checks, ready to be copied, sealed, probed and loaded.
package struct CheckedLibrary: Sendable, Hashable {
  /// The library's real path.
  package let path: String
  /// Of the file that was checked. The loader opens it again through PluginFile and compares `sha256` with what it copied.
  package let fingerprint: FileFingerprint
  /// Lower-case hex.
  package let sha256: String
  package let elf: ElfReport
}

/// The result of one sweep.
package struct Sweep: Sendable {
  /// In the order of search paths, then of folder paths.
  package var candidates: [Candidate]
  /// What concerns no single candidate: search paths, folders, links, lists.
  package var findings: [Finding]
  /// How many candidates are disabled so far.
  package var disabled: Int { candidates.count { if case .disabled = $0.state { true } else { false } } }
  /// How many candidates are invalid so far.
  package var invalid: Int { candidates.count { if case .invalid = $0.state { true } else { false } } }
}
