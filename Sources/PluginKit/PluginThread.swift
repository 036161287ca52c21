// A thread as the plugin contract asks for it: all signals blocked but those of a crash, and joined before the end.
// For plugins that need one for a loop of their own (a library that must be polled, a listener); used by WorkerThreads.
// Async work needs none: `PluginHost.task` runs it.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A running thread. Join it exactly once, at the latest when the plugin stops.
public struct PluginThread: Sendable {
  private let id: pthread_t

  /// Starts a thread; nil when the system has none left.
  public init?(_ body: @escaping @Sendable () -> Void) {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    for crash in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { sigdelset(&all, crash) }
    // A new thread has its maker's mask from its first instruction on.
    pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var id = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let failed = pthread_create(
      &id, nil,
      { box in
        if let box { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    guard failed == 0 else {
      box.release()
      return nil
    }
    self.id = id
  }

  /// Waits for its end. Not to be called from itself.
  public func join() { pthread_join(id, nil) }

  /// Whether the calling thread is this one.
  public var isCurrent: Bool { pthread_equal(id, pthread_self()) != 0 }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
