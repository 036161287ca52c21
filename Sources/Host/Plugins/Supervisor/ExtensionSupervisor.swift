// Keeps what runs equal to what lies in the extension directories: sweeps, loads, replaces, removes, counts.
// Called by HostApp (run, boot sweep, SIGHUP, admin console); calls the scanner, the judge and the loader.
// A sweep's scan is one at a time; its loads go on side by side, so that a plugin that hangs in the probe delays only
// the end of the sweeps that found it, not the others going live.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostLog
package import HostMetrics
internal import HostReasons

/// Why a sweep is made.
package enum SweepCause: String, Sendable {
  case boot, watch
  /// Asked for by somebody: what failed before is tried again.
  case request
}

/// The extensions of one host.
package actor ExtensionSupervisor {
  private var discovery: Discovery
  private let loader: any PluginLoading
  package nonisolated let state: ExtensionState
  private let metrics: SupervisorMetrics
  private let log = Log("extensions")
  /// Where work that outlives a sweep runs; its consumer is `run()`.
  private let jobs = Jobs()

  private var slots: [String: ExtensionSlot] = [:]
  private var sweeps = 0
  private var isStopping = false
  /// The scan in progress; a sweep waits for the one before it.
  private var lastScan: Settlement?
  package private(set) var report: SweepReport?

  package init(
    discovery: Discovery, loader: any PluginLoading, state: ExtensionState, metrics: MetricsRegistry
  ) {
    self.discovery = discovery
    self.loader = loader
    self.state = state
    self.metrics = SupervisorMetrics(metrics)
  }

  /// Runs the loads and retirements; returns after ``stop(until:)``.
  package nonisolated func run() async { await jobs.run() }

  /// Makes one sweep and waits until each extension that it found has its verdict.
  @discardableResult
  package func sweep(_ cause: SweepCause) async -> SweepReport {
    let started = Clock.monotonic()
    let (sweep, loads) = await scan(cause)
    for load in loads { await load.wait() }
    // A build that was overtaken by a newer one while it loaded has the newer one's verdict.
    for id in sweep.candidates.compactMap({ $0.request?.manifest.id }) {
      while let overtaking = slots[id]?.loading { await overtaking.result.wait() }
    }
    sweeps += 1
    let report = SweepReport(
      number: sweeps, records: sweep.candidates.map(record), findings: sweep.findings, finished: Clock.wall(),
      duration: .nanoseconds(Int64(clamping: Clock.monotonic() - started)))
    // A sweep that began later may have ended earlier: the newest scan is what is shown.
    self.report = report
    metrics.count(report)
    logSweep(report, cause)
    return report
  }

  private func scan(_ cause: SweepCause) async -> (Sweep, [Settlement]) {
    let turn = Settlement()
    let before = lastScan
    lastScan = turn
    await before?.wait()
    let (disabled, quarantined) = (state.disabled, state.quarantined)
    let discovery = self.discovery
    var sweep =
      (try? await Thread.run("sweep") { discovery.sweep(disabled: disabled, quarantined: quarantined) })
      ?? Sweep(candidates: [], findings: [Finding(.stateUnusable, "no thread could be started", file: "extensions")])
    settleClaims(&sweep)
    let loads = isStopping ? [] : apply(sweep, cause)
    await turn.settle()
    return (sweep, loads)
  }

  /// Running extensions come first, then priority, then the order of discovery.
  private func settleClaims(_ sweep: inout Sweep) {
    var claims = Claims()
    let order = sweep.candidates.indices.filter { sweep.candidates[$0].request != nil }.sorted { left, right in
      rank(sweep.candidates[left], left) < rank(sweep.candidates[right], right)
    }
    for index in order {
      guard let manifest = sweep.candidates[index].manifest else { continue }
      if let finding = claims.enter(manifest, path: sweep.candidates[index].manifestPath) {
        sweep.candidates[index].settle(Candidate.State.invalid, finding)
      }
    }
  }

  private func rank(_ candidate: Candidate, _ index: Int) -> (Int, Int32, Int) {
    let isRunning = candidate.id.flatMap { slots[$0]?.running } != nil
    return (isRunning ? 0 : 1, candidate.manifest?.priority ?? 0, index)
  }

  /// Starts what is new or changed, ends what is gone or unwanted; gives what the sweep has to wait for.
  private func apply(_ sweep: Sweep, _ cause: SweepCause) -> [Settlement] {
    var loads: [Settlement] = []
    var kept: Set<String> = []
    let wanted = sweep.candidates.indices.filter { sweep.candidates[$0].request != nil }
      .sorted { rank(sweep.candidates[$0], $0) < rank(sweep.candidates[$1], $1) }
    for index in wanted {
      guard let request = sweep.candidates[index].request else { continue }
      kept.insert(request.manifest.id)
      if let load = begin(request, cause) { loads.append(load) }
    }
    // An extension whose new files are wrong keeps serving with its last good build, as long as its files are there.
    for candidate in sweep.candidates where candidate.keepsRunning { if let id = candidate.id { kept.insert(id) } }
    for id in slots.keys where !kept.contains(id) { remove(id) }
    return loads
  }

  private func begin(_ request: LoadRequest, _ cause: SweepCause) -> Settlement? {
    let id = request.manifest.id
    let key = BuildKey(request)
    if cause == .request { slots[id]?.forgive(finalToo: false) }
    let slot = slots[id] ?? ExtensionSlot()
    if slot.running?.key == key, slot.loading == nil { return nil }
    if let loading = slot.loading, loading.key == key { return loading.result }
    if slot.failed?.key == key { return nil }
    let settlement = Settlement()
    slots[id, default: ExtensionSlot()].begin(key, settlement)
    jobs.add { [self] in
      await load(request, key)
      await settlement.settle()
    }
    return settlement
  }

  private func load(_ request: LoadRequest, _ key: BuildKey) async {
    let id = request.manifest.id
    do throws(LoadFailure) {
      let generation = try await loader.load(request)
      let (isCurrent, old) = slots[id, default: ExtensionSlot()].succeed(key, generation, request.library)
      guard isCurrent, !isStopping else {
        // Another build came meanwhile, or the extension went: this one never becomes visible.
        await generation.retire(until: Clock.monotonic() + Self.retireTime)
        return
      }
      generation.publish(replacing: old?.generation)
      jobs.add { [self] in await watch(id, generation) }
      log.info("plugin live", ["plugin.id": id, "plugin.version": "\(request.manifest.version)"])
      if let old { await old.generation.retire(until: Clock.monotonic() + Self.retireTime) }
    } catch {
      slots[id]?.fail(key, error)
      log.warning(
        "plugin refused", ["plugin.id": id, "reason": error.finding.reason.code, "why": error.finding.message])
    }
  }

  /// Waits for a generation to say that it cannot go on.
  private func watch(_ id: String, _ generation: any PluginGeneration) async {
    for await finding in generation.ended {
      guard let running = slots[id]?.running, running.generation === generation else { return }
      log.error("plugin ended", ["plugin.id": id, "reason": finding.reason.code, "why": finding.message])
      let failure = ExtensionSlot.Failure(key: running.key, failure: LoadFailure(finding, isFinal: false))
      _ = slots[id]?.vacate(failure)
      await generation.retire(until: Clock.monotonic() + Self.retireTime)
      await sweep(.watch)
      return
    }
  }

  private func remove(_ id: String) {
    guard let old = slots[id]?.vacate() else { return }
    log.info("plugin removed", ["plugin.id": id])
    jobs.add { await old.generation.retire(until: Clock.monotonic() + Self.retireTime) }
  }

  /// How long a replaced or removed generation may take to finish what is in flight.
  private static let retireTime: UInt64 = 30_000_000_000

  /// What the last sweep would say of a candidate now.
  private func record(_ candidate: Candidate) -> ExtensionRecord {
    let slot = candidate.id.flatMap { slots[$0] }
    var candidate = candidate
    if candidate.request != nil, let failure = slot?.failed?.failure {
      candidate.settle(Candidate.State.invalid, failure.finding)
    }
    let isRunning = slot?.running?.key.folder == candidate.realFolder
    return ExtensionRecord(candidate, running: isRunning ? slot?.running : nil, generations: slot?.generations ?? 0)
  }

  private func logSweep(_ report: SweepReport, _ cause: SweepCause) {
    log.info(
      "sweep done",
      [
        "cause": cause.rawValue, "ok": "\(report.count(.ok))", "disabled": "\(report.count(.disabled))",
        "invalid": "\(report.count(.invalid))",
      ])
  }
}

// MARK: decisions of the operator, reload, stop

extension ExtensionSupervisor {
  /// Puts an id on the disabled list, or takes it off, and sweeps.
  package func setDisabled(_ id: String, _ isDisabled: Bool) async throws(ExtensionStateError) -> SweepReport {
    try state.setDisabled(id, isDisabled)
    return await sweep(.request)
  }

  /// Lifts a quarantine and forgets failures of an id, and sweeps.
  package func clear(_ id: String) async throws(ExtensionStateError) -> SweepReport {
    try state.setQuarantined(id, nil)
    slots[id]?.forgive(finalToo: true)
    return await sweep(.request)
  }

  /// Sweeps by these settings from now on.
  package func use(_ discovery: Discovery) { self.discovery = discovery }

  /// Hands every running plugin its configuration anew; one that asks for it is loaded again.
  package func reconfigure() async -> [Finding] {
    var findings: [Finding] = []
    for (id, slot) in slots {
      guard let running = slot.running else { continue }
      switch await running.generation.reconfigure() {
      case .applied: break
      case .refused(let finding):
        findings.append(finding)
        log.warning("configuration refused", ["plugin.id": id, "why": finding.message])
      case .restart:
        guard slots[id]?.running?.generation === running.generation else { break }
        restart(id, running)
      }
    }
    return findings
  }

  private func restart(_ id: String, _ running: ExtensionSlot.Running) {
    guard let candidate = report?.records.first(where: { $0.name == id && $0.isRunning }),
      let library = candidate.library, let manifest = candidate.manifest
    else { return }
    let request = LoadRequest(
      manifest: manifest, folder: running.key.folder, root: Path.parent(of: running.key.folder),
      manifestPath: candidate.manifestPath, library: library)
    let settlement = Settlement()
    slots[id]?.begin(running.key, settlement)
    jobs.add { [self] in
      await load(request, running.key)
      await settlement.settle()
    }
  }

  /// Ends everything that runs, side by side, with one deadline, and lets ``run()`` return.
  package func stop(until deadline: UInt64) async {
    isStopping = true
    let ending = slots.keys.compactMap { slots[$0]?.vacate()?.generation }
    await withDiscardingTaskGroup { group in
      for generation in ending { group.addTask { await generation.retire(until: deadline) } }
    }
    jobs.finish()
  }
}
