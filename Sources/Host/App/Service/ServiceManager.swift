// The host as a service: what the manager that started it (systemd) told it, and what it is told in turn.
// Made by `agent run` from the environment; Host calls it at each change of its life. Without a manager every call is
// nothing.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostHTTP
internal import HostLinux
internal import HostLog

/// The service manager's side of a host.
struct ServiceManager: Sendable {
  let sockets: InheritedSockets
  private let notifier: ServiceNotifier?
  /// How long the manager waits for a sign of life; nil: it does not watch.
  let watchdog: Duration?
  private let log = Log("service")

  /// - Parameter pid: ours, compared with `WATCHDOG_PID` and `LISTEN_PID`.
  init(environment: [String: String], pid: Int32 = getpid()) throws(InheritedSocketError) {
    sockets = try InheritedSockets(environment: environment, pid: pid)
    notifier = ServiceNotifier(environment["NOTIFY_SOCKET"])
    let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(pid)" } ?? true
    let wait = environment["WATCHDOG_USEC"].flatMap(UInt64.init).flatMap(Int64.init(exactly:))
    watchdog = notifier != nil && isOurs ? wait.flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
  }

  /// Nobody's service.
  init() {
    sockets = InheritedSockets()
    notifier = nil
    watchdog = nil
  }

  /// The host is up, or up again after ``reloading()``.
  func ready(_ status: String) { notifier?.send(["READY=1", "STATUS=\(status)"]) }

  /// One line for `systemctl status`.
  func status(_ status: String) { notifier?.send(["STATUS=\(status)"]) }

  /// A reload begins; ``ready(_:)`` ends it. The time lets the manager tell a reload that it asked for from an earlier one
  /// (systemd.service(5), `Type=notify-reload`).
  func reloading() {
    notifier?.send(["RELOADING=1", "MONOTONIC_USEC=\(Clock.monotonic() / 1_000)", "STATUS=reloading"])
  }

  /// The end begins, and takes at most so long.
  func stopping(within time: Duration) {
    notifier?.send(
      ["STOPPING=1", "STATUS=draining", "EXTEND_TIMEOUT_USEC=\(max(1, time.nanosecondsClamped / 1_000))"])
  }

  /// Feeds the watchdog for as long as `isAlive` says so, until the task is cancelled.
  ///
  /// Not a blind timer: each sign of life is sent only after every event loop has gone round since the last, and it is sent
  /// from the cooperative pool, so a pool that is stuck sends none either.
  ///
  /// - Parameters:
  ///   - pulse: asks the event loops for a sign of life.
  ///   - isAlive: whether all of them have given one since.
  func feedWatchdog<Pulse: Sendable>(
    pulse: @Sendable () -> Pulse, isAlive: @Sendable (Pulse) -> Bool
  ) async {
    guard let watchdog, let notifier else { return }
    // A quarter: systemd advises half; the loops need one round, and a busy machine is late.
    let beat = watchdog / 4
    var wasAlive = true
    while !Task.isCancelled {
      let asked = pulse()
      do { try await Task.sleep(for: beat) } catch { return }
      let alive = isAlive(asked)
      if alive { notifier.send(["WATCHDOG=1"]) }
      if wasAlive, !alive { log.error("an event loop does not go round; the watchdog is not fed") }
      wasAlive = alive
    }
  }
}

extension ServiceManager {
  /// Feeds the watchdog from a server's loops.
  func watch(_ server: HTTPServer) async { await feedWatchdog(pulse: server.pulse, isAlive: server.isAlive(since:)) }
}
