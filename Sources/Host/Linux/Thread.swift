// A named POSIX thread that runs one closure: for work that blocks or belongs to a plugin, so never for the
// cooperative pool. Detached: who must know its end says so in the closure.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Starting threads.
package enum Thread {
  /// The body, boxed for pthread_create.
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread with every signal blocked, so that signals reach only the thread that waits for them; those of
  /// a crash, such as SIGSEGV, are not blocked.
  ///
  /// - Parameters:
  ///   - name: shown by `ps -L` and gdb, cut to 15 bytes.
  ///   - stack: bytes.
  /// - Throws: `EAGAIN` when the system has no more threads to give.
  package static func start(
    _ name: String, stack: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stack)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A fault whose signal is blocked kills at once, past every handler (signal(7)): crash reports need these open.
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { sigdelset(&all, signal) }
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let code = pthread_create(&thread, &attributes, threadEntry, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw SystemError("pthread_create", on: name, errno: code)
    }
  }

  private static let threadEntry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
    guard let raw else { return nil }
    let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
    clx_set_thread_name(start.name)
    start.body()
    return nil
  }

  /// Runs a blocking closure on a thread of its own and waits for it without holding a cooperative thread.
  package static func run<Value: Sendable>(
    _ name: String, _ body: @escaping @Sendable () -> Value
  ) async throws(SystemError) -> Value {
    let result: Result<Value, SystemError> = await withCheckedContinuation { continuation in
      do throws(SystemError) {
        try start(name) { continuation.resume(returning: .success(body())) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }
}
