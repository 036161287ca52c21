// One scan from the search paths to checked libraries, with the lists of the moment.
// Called by the supervisor on a thread of its own, and by `agent ext` without a host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostMetrics
internal import HostReasons
internal import Synchronization

/// Scanner and judge together, with their memories.
package final class Discovery: Sendable {
  package let settings: DiscoverySettings
  private let rules: ManifestRules
  private let requirements: RequirementContext
  private let judge: LibraryJudge
  /// The scanner of the last lists; a change of lists makes a new one, which reads the manifests again.
  private let scanner = Mutex<(disabled: Set<String>, scanner: ExtensionScanner)?>(nil)

  package init(
    settings: DiscoverySettings, rules: ManifestRules, elf: ElfChecker, requirements: RequirementContext = .process
  ) {
    self.settings = settings
    self.rules = rules
    self.requirements = requirements
    judge = LibraryJudge(checker: elf)
  }

  /// Walks, reads, judges. Blocks on the disk.
  ///
  /// - Parameters:
  ///   - disabled: ids in addition to the settings' list.
  ///   - quarantined: id to why.
  package func sweep(disabled: Set<String>, quarantined: [String: String]) -> Sweep {
    var sweep = current(disabled).sweep(quarantined: quarantined)
    judge.judge(&sweep)
    return sweep
  }

  private func current(_ disabled: Set<String>) -> ExtensionScanner {
    scanner.withLock { held in
      if let held, held.disabled == disabled { return held.scanner }
      var settings = self.settings
      settings.disabled.formUnion(disabled)
      let scanner = ExtensionScanner(settings: settings, rules: rules, requirements: requirements)
      held = (disabled, scanner)
      return scanner
    }
  }
}

extension Candidate {
  /// The load that this candidate is ready for.
  var request: LoadRequest? {
    guard case .toLoad(let library) = state, let manifest else { return nil }
    return LoadRequest(
      manifest: manifest, folder: realFolder, root: root, manifestPath: manifestPath, library: library)
  }

  /// Whether an earlier build may go on although these files are wrong: something is there, and nobody asked to stop it.
  var keepsRunning: Bool {
    guard case .invalid(let finding) = state else { return false }
    return finding.reason != .fileMissing && finding.reason != .extensionDuplicate
      && finding.reason != .extensionNested && finding.reason != .routeTaken && finding.reason != .nameTaken
  }
}

extension ExtensionRecord {
  /// A candidate that was judged without a host: ok means that nothing speaks against loading it.
  package init(judged candidate: Candidate) { self.init(candidate, running: nil, generations: 0) }

  /// A candidate at the end of a sweep. One that is still to load has a load behind it that was not refused.
  init(_ candidate: Candidate, running: ExtensionSlot.Running?, generations: Int) {
    let library: CheckedLibrary? = if case .toLoad(let library) = candidate.state { library } else { running?.library }
    let deciding: Finding?
    switch candidate.state {
    case .toCheck, .toLoad:
      verdict = .ok
      deciding = nil
    case .disabled(let finding):
      verdict = .disabled
      deciding = finding
    case .invalid(let finding):
      verdict = .invalid
      deciding = finding
    }
    reason = deciding?.reason
    findings = (deciding.map { [$0] } ?? []) + candidate.findings.filter { $0 != deciding }
    name = candidate.name
    manifest = candidate.manifest
    folder = candidate.folder
    manifestPath = candidate.manifestPath
    self.library = library
    isRunning = running != nil
    generation = generations
    liveSince = running?.since
  }
}
