// One running generation of a plugin: the object behind its host pointer, what it registered, and who is inside its code.
// Made by PluginHost for each load; reached by the services through HostDoor. Its life is in Instance+Life.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import PluginAPI
internal import Synchronization

/// A generation of a plugin.
///
///     made ──create()──▶ created ──start()──▶ running ──retire()──▶ quiescing ──▶ gone
///       └──────fails───────┴────────fails───────▶ failed ────────────────────────▲
///     any ──a control call overruns──▶ stuck (never called again, its registrations gone, its image mapped)
package final class Instance: Sendable {
  package enum Phase: String, Sendable { case made, created, running, quiescing, failed, gone, stuck }

  /// The plugin's table and the pointer that create() stored.
  ///
  /// `@unchecked Sendable`: the pointer is the plugin's business; the host only hands it back.
  struct Code: @unchecked Sendable {
    let table: nexo_plugin_1
    var instance: UnsafeMutableRawPointer?
  }

  struct Life: Sendable {
    var phase = Phase.made
    var code: Code
    /// A control call is under way.
    var isBusy = false
    var isIdle = false
    var fatal: String?
    /// The control call that did not return.
    var stuckIn: PluginCall?
  }

  /// The manifest's.
  package let id: String
  package let version: String
  /// Unique in the process, rising.
  package let generation: UInt64
  package let manifest: Manifest
  /// The folder that holds plugin.toml.
  package let folder: String
  /// SHA-256 of the library.
  package var build: String { image.hash }

  let image: PluginImage
  let host: PluginHost
  let door: HostDoor
  /// Lets work in: requests, operations. Open while running.
  let admission = Gate()
  /// Lets threads execute event calls. Open from start() to destroy().
  let execution = Gate()
  let inside = CallsInside()
  let meter: CallMeter
  let metrics: PluginMetricsGeneration
  let events: EventQueue
  let ledger = Ledger()
  let operations: OperationTable
  let exchanges = SlotTable<ForeignExchange>(limit: 1 << 17, inParts: true)
  let timers: TimerTable
  let logLimit = LogLimit()
  let state: PluginState
  /// The configuration as JSON; newer after reconfigure().
  let settings: Mutex<[UInt8]>
  let life: Monitor<Life>
  let log = Log("plugins")

  private let isScraping = Atomic<Bool>(false)

  private struct GivingUp: Sendable {
    var why: LoadRefusal?
    var handler: (@Sendable (LoadRefusal) -> Void)?
  }
  private let givingUp = Mutex(GivingUp())

  private static let nextGeneration = Atomic<UInt64>(1)

  init(
    _ manifest: Manifest, folder: String, image: PluginImage, table: nexo_plugin_1, config: [UInt8], host: PluginHost,
    door: HostDoor
  ) {
    id = manifest.id
    version = "\(manifest.version)"
    generation = Instance.nextGeneration.add(1, ordering: .relaxed).oldValue
    self.manifest = manifest
    self.folder = folder
    self.image = image
    self.host = host
    self.door = door
    meter = host.meter(of: manifest.id)
    var limits = PluginMetricLimits()
    limits.series = host.settings.seriesBudget
    metrics = host.metrics.plugin(manifest.id, limits: limits).begin(patterns: manifest.capabilities.metrics)
    let isSerial = table.flags & UInt64(NEXO_PLUGIN_SERIAL) != 0
    events = EventQueue(name: "nx:" + manifest.id, width: isSerial ? 1 : Instance.width)
    self.isSerial = isSerial
    operations = OperationTable(alarms: host.alarms)
    timers = TimerTable(alarms: host.alarms)
    state = PluginState(folder: host.stateFolder(of: manifest.id))
    settings = Mutex(config)
    life = Monitor(Life(code: Code(table: table)))
  }

  /// Event threads of one instance. Ours: enough that one slow callback does not hold up the others.
  private static let width = 4
  /// The plugin wants one event call at a time.
  let isSerial: Bool

  package var phase: Phase { life.withLock { $0.phase } }

  /// The control call that never returned, for a stuck instance; also an event call that keeps one from ending.
  package var stuckCall: PluginCall? { life.withLock { $0.stuckIn } }

  /// Requests and operations under way.
  package var inFlight: Int { admission.count }

  /// Calls an event function of the plugin on this thread.
  ///
  /// - Returns: nil when the instance takes no more calls: the function was not called.
  @inline(__always)
  func event<Result>(_ call: PluginCall, _ body: () -> Result) -> Result? {
    guard execution.enter() else { return nil }
    defer { execution.leave() }
    return measured(call, body)
  }

  /// As ``event(_:_:)`` for functions that return a status; a negative one is counted as an error.
  func statusEvent(_ call: PluginCall, _ body: () -> nexo_status) -> nexo_status {
    guard execution.enter() else { return nexo_status(NEXO_E_GONE) }
    defer { execution.leave() }
    return measured(call, failed: { $0 < 0 }, body)
  }

  /// Runs `body` as a call into the plugin: a crash in it is blamed on the plugin, its time is counted.
  @inline(__always)
  func measured<Result>(_ call: PluginCall, failed: (Result) -> Bool = { _ in false }, _ body: () -> Result) -> Result {
    inside.enter(call)
    let before = ncr_enter(image.who, call.cName, Unmanaged.passUnretained(self).toOpaque())
    let begin = Clock.monotonic()
    let result = withExtendedLifetime(self) { body() }
    let time = Clock.monotonic() &- begin
    ncr_leave(before)
    inside.leave(call)
    meter.record(call, time, failed(result) ? .error : .ok)
    return result
  }

  /// Has `handler` called once, when the running instance cannot go on: it said so, or a call never returned.
  package func whenGivenUp(_ handler: @escaping @Sendable (LoadRefusal) -> Void) {
    let early = givingUp.withLock { state -> LoadRefusal? in
      if state.why == nil { state.handler = handler }
      return state.why
    }
    if let early { handler(early) }
  }

  func giveUp(_ why: LoadRefusal) {
    let handler = givingUp.withLock { state -> (@Sendable (LoadRefusal) -> Void)? in
      guard state.why == nil else { return nil }
      state.why = why
      defer { state.handler = nil }
      return state.handler
    }
    handler?(why)
  }

  /// At most one on_scrape at a time.
  func beginScrape() -> Bool { !isScraping.exchange(true, ordering: .acquiringAndReleasing) }
  func endScrape() { isScraping.store(false, ordering: .releasing) }

  /// nexo.life/1 fatal.
  func saidFatal(_ why: String) {
    let isRunning = life.change { life -> Bool in
      life.fatal = life.fatal ?? why
      return life.phase == .running
    }
    log.error("plugin cannot go on", ["plugin.id": id, "why": why, "reason": "plugin.fatal"])
    if isRunning { giveUp(.gaveUp(plugin: id, text: why)) }
  }

  /// Writes that the plugin broke the contract, once per kind and instance.
  func misbehaved(_ what: StaticString, _ detail: String) {
    guard ledger.isFirst("\(what)") else { return }
    log.warning("plugin misbehaves", ["plugin.id": id, "plugin.build": build, "what": "\(what)", "detail": detail])
  }
}

extension PluginCall {
  /// The name for the crash handler: immortal.
  @inline(__always)
  var cName: UnsafePointer<CChar> { immortal(name) }
}
