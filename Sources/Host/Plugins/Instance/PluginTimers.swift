// Timers of one plugin: set on the host's one alarm thread, fired on the instance's event threads, never two calls of one
// timer at once. They end with the instance.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux
internal import PluginAPI
internal import Synchronization

/// The shape of a timer's function.
typealias TimerFunction = @convention(c) (UnsafeMutableRawPointer?, nexo_timer) -> Void

/// One timer.
///
///     waiting ──alarm──▶ queued ──thread──▶ running ──▶ waiting (periodic) | over
///     any ──cancel()──▶ over (cancel waits while it runs on another thread)
///
/// `@unchecked Sendable`: function and context belong to the plugin, which allows any thread.
final class PluginTimer: @unchecked Sendable {
  struct State: Sendable {
    var isOver = false
    var runner: pthread_t?
    var alarm: Alarms.Token?
  }

  let function: TimerFunction
  let context: UnsafeMutableRawPointer?
  let period: UInt64
  let state = Monitor(State())

  init(function: @escaping TimerFunction, context: UnsafeMutableRawPointer?, period: UInt64) {
    self.function = function
    self.context = context
    self.period = period
  }
}

/// The timers of one instance.
final class TimerTable: Sendable {
  /// The header's.
  static let limit = 1_024
  /// The header's shortest period.
  private static let shortest: UInt64 = 1_000_000

  private let table = SlotTable<PluginTimer>(limit: limit)
  private let alarms: Alarms

  init(alarms: Alarms) { self.alarms = alarms }

  /// - Returns: 0 when there are too many, or the instance ends.
  func set(
    delay: UInt64, period: UInt64, _ function: @escaping TimerFunction, _ context: UnsafeMutableRawPointer?,
    of instance: Instance
  ) -> nexo_timer {
    let timer = PluginTimer(
      function: function, context: context, period: period == 0 ? 0 : max(period, TimerTable.shortest))
    let id = table.insert { _ in timer }
    guard id != 0 else { return 0 }
    let now = Clock.monotonic()
    arm(timer, id, at: delay > .max - now ? .max : now + delay, instance)
    return id
  }

  private func arm(_ timer: PluginTimer, _ id: nexo_timer, at time: UInt64, _ instance: Instance) {
    timer.state.withLock { state in
      guard !state.isOver else { return }
      state.alarm = alarms.set(time) { [weak self, weak instance] in
        guard let self, let instance else { return }
        // Dropped when the queue is full: a periodic timer then misses a beat, a single one is set again.
        if !instance.events.submit({ self.fire(timer, id, at: time, instance) }) {
          arm(timer, id, at: Clock.monotonic() + max(timer.period, TimerTable.shortest), instance)
        }
      }
    }
  }

  private func fire(_ timer: PluginTimer, _ id: nexo_timer, at time: UInt64, _ instance: Instance) {
    let runs = timer.state.withLock { state in
      guard !state.isOver else { return false }
      state.runner = pthread_self()
      return true
    }
    guard runs else { return }
    // Still in the table while it runs, so that cancel() finds it and waits.
    _ = instance.event(.timer) { timer.function(timer.context, id) }
    if timer.period == 0 { _ = table.remove(id) }
    timer.state.change { $0.runner = nil }
    if timer.period > 0 {
      // Beats that were missed are not made up for.
      let now = Clock.monotonic()
      let missed = now > time ? (now - time) / timer.period : 0
      arm(timer, id, at: time + (missed + 1) * timer.period, instance)
    }
  }

  /// Ends a timer. Waits while it runs on another thread. False: it is over, or never was.
  func cancel(_ id: nexo_timer) -> Bool {
    guard let timer = table.find(id) else { return false }
    stop(timer)
    // One that ran to its end while we waited is cancelled as well: it will not run again.
    _ = table.remove(id)
    return true
  }

  private func stop(_ timer: PluginTimer) {
    let alarm = timer.state.withLock { state -> Alarms.Token? in
      state.isOver = true
      return state.alarm
    }
    if let alarm { alarms.cancel(alarm) }
    _ = timer.state.wait { state -> Void? in
      state.runner == nil || pthread_equal(state.runner ?? 0, pthread_self()) != 0 ? () : nil
    }
  }

  var count: Int { table.count }

  /// Ends all, and takes no more. Does not wait for one that runs: the execution gate does.
  func close() {
    for (_, timer) in table.close() {
      let alarm = timer.state.withLock { state -> Alarms.Token? in
        state.isOver = true
        return state.alarm
      }
      if let alarm { alarms.cancel(alarm) }
    }
  }
}
