// A thread as the plugin contract asks for it: all signals blocked but those of a crash, and joined before the end.
// Used by HTTPEngine and by the listener of a browser consent.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A running thread. Join it exactly once.
struct PluginThread: Sendable {
  private let id: pthread_t

  /// Starts a thread; nil when the system has none left.
  init?(_ body: @escaping @Sendable () -> Void) {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    for crash in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { sigdelset(&all, crash) }
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

  /// Waits for its end.
  func join() { pthread_join(id, nil) }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
