// The control calls of an instance: create, start, reconfigure, quiesce, destroy, one at a time, each on a thread of its
// own with a deadline. Called by PluginHost on threads that may block, never on the cooperative pool.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import Glibc
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

extension Instance {
  /// What a control call gave back.
  struct Answer: Sendable {
    let status: nexo_status
    let text: String
  }

  /// The header's deadline for control calls.
  package static let controlTime: UInt64 = 10_000_000_000

  /// Makes one control call and waits for it.
  ///
  /// - Throws: ``LoadRefusal/overrun(plugin:call:seconds:)`` after the deadline: the instance is stuck, and no call into the
  ///   plugin is made any more.
  func control<Value: Sendable>(
    _ call: PluginCall, within time: UInt64 = controlTime, _ body: @escaping @Sendable (Code) -> Value
  ) throws(LoadRefusal) -> Value {
    let deadline = Clock.monotonic() + time
    let code = life.wait(until: deadline) { life -> Code? in
      guard !life.isBusy, life.stuckIn == nil else { return nil }
      life.isBusy = true
      return life.code
    }
    guard let code else { throw .overrun(plugin: id, call: "\(stuckCall ?? call)", seconds: Int(time / 1_000_000_000)) }
    let late: @Sendable () -> Void = { [self] in returnedLate(call) }
    let outcome = ControlThread.call("nx-\(call)", until: deadline, late: late) { [self] in
      measured(call) { body(code) }
    }
    switch outcome {
    case .returned(let value):
      life.change { $0.isBusy = false }
      return value
    case .noThread(let error):
      life.change { $0.isBusy = false }
      throw .system(plugin: id, error)
    case .overran:
      abandon(in: call)
      throw .overrun(plugin: id, call: "\(call)", seconds: Int(time / 1_000_000_000))
    }
  }

  /// No call into the plugin any more: one does not return.
  func abandon(in call: PluginCall) {
    execution.close()
    admission.close()
    life.change { life in
      life.phase = .stuck
      life.stuckIn = call
    }
    meter.gaveUp(call)
    log.error(
      "plugin call does not return; instance abandoned",
      ["plugin.id": id, "plugin.build": build, "call": "\(call)", "reason": "plugin.stuck"])
    giveUp(.overrun(plugin: id, call: "\(call)", seconds: Int(Instance.controlTime / 1_000_000_000)))
  }

  private func returnedLate(_ call: PluginCall) {
    log.warning("abandoned plugin call returned", ["plugin.id": id, "call": "\(call)"])
  }

  /// create(): the plugin registers what it brings.
  func create() throws(LoadRefusal) {
    door.open(self)
    ledger.beginCreate()
    defer { ledger.endCreate() }
    let config = settings.withLock { $0 }
    let (answer, code) = try control(.create) { [door] code -> (Answer, Code) in
      var code = code
      var error = nexo_err()
      let status = withBytes(config) { code.table.create?(door.host, $0, &code.instance, &error) } ?? 0
      return (Answer(status: status, text: text(of: error)), code)
    }
    life.change { life in
      life.code = code
      life.phase = answer.status < 0 ? .failed : .created
    }
    guard answer.status < 0 else { return }
    if code.instance != nil { try? destroy() }
    if let refusal = ledger.refusal { throw .registration(plugin: id, refusal) }
    throw .createFailed(plugin: id, status: answer.status, text: answer.text)
  }

  /// start(): when it has returned NEXO_OK, events may come.
  func start() throws(LoadRefusal) {
    let answer = try control(.start) { code -> Answer in
      var error = nexo_err()
      let status = code.table.start?(code.instance, &error) ?? 0
      return Answer(status: status, text: text(of: error))
    }
    if answer.status < 0 {
      life.change { $0.phase = .failed }
      try? destroy()
      throw .startFailed(plugin: id, status: answer.status, text: answer.text)
    }
    execution.open()
    admission.open()
    let fatal = life.change { life -> String? in
      life.phase = .running
      return life.fatal
    }
    if let fatal {
      shut()
      try? destroy()
      throw .gaveUp(plugin: id, text: fatal)
    }
  }

  /// reconfigure(): all or nothing.
  ///
  /// - Returns: nil when the new configuration holds; else the status, NEXO_E_RESTART when a new instance is needed.
  func reconfigure(_ config: [UInt8]) throws(LoadRefusal) -> Answer? {
    let restart = Answer(status: nexo_status(NEXO_E_RESTART), text: "the plugin cannot be reconfigured while it runs")
    let answer = try control(.reconfigure) { code -> Answer in
      guard let reconfigure = code.table.reconfigure else { return restart }
      var error = nexo_err()
      let status = withBytes(config) { reconfigure(code.instance, $0, &error) }
      return Answer(status: status, text: text(of: error))
    }
    guard answer.status >= 0 else { return answer }
    settings.withLock { $0 = config }
    return nil
  }

  /// No new work; what is under way may finish.
  func shut() {
    admission.close()
    timers.close()
  }

  /// quiesce(), then waits until nothing is in flight, or the deadline.
  func quiesce(until deadline: UInt64) throws(LoadRefusal) {
    life.change { if $0.phase == .running { $0.phase = .quiescing } }
    let now = Clock.monotonic()
    let time = max(deadline > now ? deadline - now : 0, 100_000_000)
    let isAsked = try control(.quiesce, within: time) { code -> Bool in
      code.table.quiesce?(code.instance, deadline)
      return code.table.quiesce != nil
    }
    while Clock.monotonic() < deadline {
      let isIdle = !isAsked || life.withLock { $0.isIdle }
      if isIdle, admission.count == 0, operations.count == 0 { return }
      _ = life.wait(until: min(deadline, Clock.monotonic() + 5_000_000)) { _ -> Void? in nil }
    }
  }

  /// Ends what is still under way. On return no event call executes, or the instance is stuck.
  func endRemaining(within time: UInt64) throws(LoadRefusal) {
    let deadline = Clock.monotonic() + time
    for (_, exchange) in exchanges.all { exchange.stop() }
    operations.close(OperationResult(NEXO_E_UNAVAILABLE, "the plugin is stopping"))
    // What ended just now is told to the plugin before nobody may call it any more.
    while admission.count > 0 || events.load.queued > 0, Clock.monotonic() < deadline { usleep(1_000) }
    execution.close()
    events.close()
    while execution.count > 0, Clock.monotonic() < deadline { usleep(1_000) }
    guard execution.count == 0 else {
      let call = inside.any ?? .onRequest
      abandon(in: call)
      throw .overrun(plugin: id, call: "\(call)", seconds: Int(time / 1_000_000_000))
    }
  }

  /// destroy(), after which the plugin's host pointer answers NEXO_E_GONE.
  func destroy() throws(LoadRefusal) {
    shut()
    execution.close()
    defer { bury() }
    try control(.destroy) { code in code.table.destroy?(code.instance) }
    life.change { life in
      if life.phase != .failed { life.phase = .gone }
      life.code.instance = nil
    }
  }

  /// Lets go of everything that the host holds for it, whether it ended well or is stuck.
  func bury() {
    shut()
    execution.close()
    door.close()
    operations.close(OperationResult(NEXO_E_UNAVAILABLE, "the plugin has ended"))
    for (_, exchange) in exchanges.close() { exchange.stop() }
    events.close()
    metrics.end()
    ledger.clear()
  }
}
