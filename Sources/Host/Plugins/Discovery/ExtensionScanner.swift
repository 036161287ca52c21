// A sweep: finds every extension in the search paths and gives each its verdict so far.
// Called at boot, when a watcher says that something changed, on SIGHUP, by the admin console, by `agent ext`.
// Reads manifests, never libraries: those that are left to check go to LibraryJudge.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import HostLinux
internal import HostReasons
internal import Synchronization

/// Sweeps search paths; remembers manifests between sweeps. Safe from any thread, one sweep at a time is enough.
///
/// Each `plugin.toml` ends as exactly one candidate. What decides, in this order: the manifest is wrong; nested inside
/// another extension; its id was found before; disabled; not on the allowlist; quarantined; a transport that the host cannot
/// run; a missing requirement. Only a valid manifest can nest others or own an id.
package final class ExtensionScanner: Sendable {
  private let settings: DiscoverySettings
  private let rules: ManifestRules
  private let requirements: RequirementContext

  /// A class, so that a look takes one reference and not a manifest's texts one by one.
  private final class Memory: Sendable {
    let fingerprint: FileFingerprint
    let reading: ManifestReading
    init(fingerprint: FileFingerprint, reading: ManifestReading) {
      self.fingerprint = fingerprint
      self.reading = reading
    }
  }
  /// By manifest path. Held for dictionary work only.
  private let memory = Mutex<[String: Memory]>([:])

  package init(
    settings: DiscoverySettings, rules: ManifestRules, requirements: RequirementContext = .process
  ) {
    self.settings = settings
    self.rules = rules
    self.requirements = requirements
  }

  /// Walks all search paths and judges every manifest.
  ///
  /// - Parameter quarantined: id to why, for extensions that are kept out after crashes.
  /// - Complexity: for an unchanged extension one folder listing and one stat.
  package func sweep(quarantined: [String: String] = [:]) -> Sweep {
    var walk = TreeWalk(settings: settings)
    walk.run()
    var seen: Set<String> = []
    // Search paths may contain each other; the first one keeps the extension.
    let manifests = walk.manifests.filter { seen.insert($0.realFolder).inserted }
    let candidates = Parallel.map(manifests) { [self] in candidate($0) }
    let present = Set(candidates.map(\.manifestPath))
    memory.withLock { $0 = $0.filter { present.contains($0.key) } }
    var sweep = Sweep(candidates: candidates, findings: walk.findings)
    settleNested(&sweep.candidates)
    settleDuplicates(&sweep.candidates)
    for index in sweep.candidates.indices { settleWanted(&sweep.candidates[index], quarantined) }
    sweep.findings += unknownIDs(sweep.candidates)
    return sweep
  }

  // MARK: the manifest

  private func candidate(_ found: FoundManifest) -> Candidate {
    func make(_ reading: ManifestReading, _ fingerprint: FileFingerprint?, _ state: Candidate.State) -> Candidate {
      Candidate(
        folder: found.folder, realFolder: found.realFolder, root: found.root, manifestPath: found.path,
        searchPath: found.searchPath, id: reading.id, manifest: reading.manifest, manifestFingerprint: fingerprint,
        state: state, findings: reading.findings)
    }
    var (reading, fingerprint) = found.refusal.map { (refused($0), nil) } ?? read(found.path)
    if found.hasSidecar { reading = withSidecar(reading, folder: found.folder) }
    let error = reading.findings.first { $0.severity == .error }
    return make(reading, fingerprint, error.map { .invalid($0) } ?? .toCheck)
  }

  private func withSidecar(_ reading: ManifestReading, folder: String) -> ManifestReading {
    guard var manifest = reading.manifest, manifest.mcpServers.isEmpty else { return reading }
    let path = Path.join(folder, McpSidecar.name)
    let findings: [Finding]
    do throws(SystemError) {
      let bytes = try AtomicFile.read(path, limit: McpSidecar.maximumBytes)
      (manifest.mcpServers, findings) = McpSidecar.parse(bytes, file: path)
    } catch {
      findings = [
        Finding(.sidecarIgnored, "cannot be read: \(SystemError.text(of: error.errno))", file: path, severity: .warning)
      ]
    }
    return ManifestReading(manifest: manifest, id: reading.id, findings: reading.findings + findings)
  }

  private func refused(_ finding: Finding) -> ManifestReading {
    ManifestReading(manifest: nil, id: nil, findings: [finding])
  }

  private func read(_ path: String) -> (reading: ManifestReading, fingerprint: FileFingerprint?) {
    if let known = memory.withLock({ $0[path] }), let status = try? FileStatus.of(path),
      known.fingerprint == FileFingerprint(status)
    {
      return (known.reading, known.fingerprint)
    }
    do throws(SystemError) {
      // O_NONBLOCK: a pipe named plugin.toml must not hold the sweep up.
      let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
      let status = try file.status()
      guard status.kind == .regular else {
        return (refused(Finding(.manifestUnreadable, "the manifest is not a regular file", file: path)), nil)
      }
      let bytes = try file.readAll(limit: ExtensionScanner.maximumManifest, expected: Int(clamping: status.size))
      let reading = ManifestParser.parse(bytes, file: path, rules: rules)
      let fingerprint = FileFingerprint(status)
      if fingerprint.isSettled { memory.withLock { $0[path] = Memory(fingerprint: fingerprint, reading: reading) } }
      return (reading, fingerprint)
    } catch {
      let message = "the manifest cannot be read: \(SystemError.text(of: error.errno))"
      return (refused(Finding(.manifestUnreadable, message, file: path)), nil)
    }
  }

  /// More than CToml parses, so that a file just over its bound is reported as such, and little enough to read.
  private static let maximumManifest = 1 << 20

  // MARK: between candidates

  private func settleNested(_ candidates: inout [Candidate]) {
    /// The first valid extension of each folder, by its index.
    var folders: [String: Int] = [:]
    for index in candidates.indices.reversed() where candidates[index].manifest != nil {
      folders[candidates[index].realFolder] = index
    }
    let lengths = Set(folders.keys.map(\.utf8.count))
    /// The outermost extension that a folder lies in. Of the folders above it, from the root of the file system down, only
    /// those are looked up that are as long as an extension's.
    func owner(of path: String) -> Int? {
      var length = 0
      for byte in path.utf8 {
        if byte == UInt8(ascii: "/"), lengths.contains(length),
          let found = folders[String(decoding: path.utf8.prefix(length), as: UTF8.self)]
        {
          return found
        }
        length += 1
      }
      return nil
    }
    for index in candidates.indices where candidates[index].manifest != nil {
      guard let outer = owner(of: candidates[index].realFolder) else { continue }
      let (name, folder) = (candidates[outer].name, candidates[outer].folder)
      candidates[index].settle(
        Candidate.State.invalid,
        Finding(
          .extensionNested, "it lies inside the extension `\(name)` (\(folder))",
          file: candidates[index].folder))
    }
  }

  private func settleDuplicates(_ candidates: inout [Candidate]) {
    var first: [String: String] = [:]
    for index in candidates.indices {
      guard case .toCheck = candidates[index].state, let id = candidates[index].id else { continue }
      if let other = first[id] {
        candidates[index].settle(
          Candidate.State.invalid,
          Finding(
            .extensionDuplicate, "duplicate id `\(id)`: the extension in \(other) was found first",
            file: candidates[index].manifestPath))
      } else {
        first[id] = candidates[index].folder
      }
    }
  }

  // MARK: wanted and possible

  private func settleWanted(_ candidate: inout Candidate, _ quarantined: [String: String]) {
    guard case .toCheck = candidate.state, let manifest = candidate.manifest else { return }
    let path = candidate.manifestPath
    var reasons: [Finding] = []
    if settings.disabled.contains(manifest.id) {
      reasons.append(Finding(.extensionDisabled, "`\(manifest.id)` is on the disabled list", file: path))
    }
    if !settings.allowlist.isEmpty && !settings.allowlist.contains(manifest.id) {
      reasons.append(Finding(.extensionNotAllowed, "`\(manifest.id)` is not on the allowlist", file: path))
    }
    if let why = quarantined[manifest.id] {
      reasons.append(Finding(.extensionQuarantined, "`\(manifest.id)` is quarantined: \(why)", file: path))
    }
    if case .library = manifest.transport {
    } else {
      reasons.append(
        Finding(.transportUnsupported, "the transport `\(manifest.transport.kind)` cannot be run yet", file: path))
    }
    let bins = requirements.missingBins(manifest.requires.bins)
    if !bins.isEmpty {
      reasons.append(Finding(.requiresBins, "not on PATH: \(bins.joined(separator: ", "))", file: path))
    }
    let variables = requirements.missingVariables(manifest.requires.env)
    if !variables.isEmpty {
      reasons.append(Finding(.requiresEnv, "not set: \(variables.joined(separator: ", "))", file: path))
    }
    guard let first = reasons.first else { return }
    candidate.settle(Candidate.State.disabled, first)
    candidate.findings += reasons.dropFirst()
  }

  private func unknownIDs(_ candidates: [Candidate]) -> [Finding] {
    let known = Set(candidates.compactMap(\.id))
    let lists = [("disabled list", settings.disabled), ("allowlist", settings.allowlist)]
    return lists.flatMap { name, ids in
      ids.subtracting(known).sorted().map { id in
        Finding(
          .unknownListedID, "`\(id)` is on the \(name), but no extension has that id", file: id, severity: .warning)
      }
    }
  }
}
