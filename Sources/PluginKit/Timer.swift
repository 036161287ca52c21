// Timers on the host's clock, so that tests can run them on a clock of theirs.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// A timer that was set. Dropping the value does not stop it; the end of the instance does.
public final class PluginTimer: Sendable {
  private let instance: Instance
  private let body: @Sendable () -> Void
  private let repeats: Bool
  private let id = Atomic<UInt64>(0)

  fileprivate init(_ instance: Instance, repeats: Bool, _ body: @escaping @Sendable () -> Void) {
    self.instance = instance
    self.repeats = repeats
    self.body = body
  }

  fileprivate func set(_ delay: UInt64, _ period: UInt64) throws(PluginError) {
    let time = try instance.services.time
    let timer = time.pointee.after(
      instance.services.host, delay, period,
      { ctx, _ in
        if let ctx { Unmanaged<PluginTimer>.fromOpaque(ctx).takeUnretainedValue().fire() }
      }, instance.keep(self))
    guard timer != 0 else {
      instance.release(self)
      throw PluginError(.limit, "timer: too many are set, or the instance has ended")
    }
    id.store(timer, ordering: .releasing)
  }

  private func fire() {
    body()
    if !repeats { instance.release(self) }
  }

  /// Stops it: when this returns the closure is not running and will not run, unless this was called from inside it.
  /// It may wait for the closure, so hold no lock that the closure takes.
  public func cancel() {
    guard let time = try? instance.services.time else { return }
    _ = time.pointee.cancel(instance.services.host, id.load(ordering: .acquiring))
    instance.release(self)
  }
}

extension PluginHost {
  /// Calls a closure once after a while, on a thread of the host's, where it should return within 1 ms.
  @discardableResult
  public func after(_ delay: Duration, _ body: @escaping @Sendable () -> Void) throws -> PluginTimer {
    let timer = PluginTimer(instance, repeats: false, body)
    try timer.set(delay.nanoseconds, 0)
    return timer
  }

  /// Calls a closure again and again, at least 1 ms apart; as ``after(_:_:)``.
  @discardableResult
  public func every(_ period: Duration, _ body: @escaping @Sendable () -> Void) throws -> PluginTimer {
    let timer = PluginTimer(instance, repeats: true, body)
    try timer.set(period.nanoseconds, max(period.nanoseconds, 1_000_000))
    return timer
  }
}

extension Duration {
  /// Whole nanoseconds, 0 for a negative duration, cut at 292 years.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? UInt64(Int64.max) : product &+ UInt64(attoseconds / 1_000_000_000)
  }
}
