// A child process under test: spawned with pipes, its lines awaited, its end observed. Killed when the value goes away.
// Used by end-to-end tests and by everything that runs a program (cc, promtool, python).
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import HostLinux
internal import Synchronization

/// How a process ended.
package enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)
  package var description: String {
    switch self {
    case .exited(let code): "exited with \(code)"
    case .signalled(let signal): "killed by signal \(signal)"
    }
  }
}

/// A running program. Reads its stdout and stderr on threads of its own, so it never blocks on a full pipe.
package final class ChildProcess: Sendable {
  package let pid: Int32
  private struct Captured {
    var out: [UInt8] = []
    var err: [UInt8] = []
    var open = 2
    var end: ProcessEnd?
  }
  /// Guards the output; `changed` is signalled at each change.
  private let captured = Mutex(Captured())
  private let condition = Condition()
  /// Of the site that it is about, when it is an agent.
  private let canaries: Canaries?
  /// What of the canaries its output may show: a command's is for the owner, a host's for whoever reads the journal, and with
  /// `--text` the owner asks for a message as the ledger keeps it.
  private let mayShow: Set<Canaries.Reach>
  /// Bytes of both streams that were looked through.
  private let looked = Atomic<Int>(0)

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - arguments: the program's path (looked up on PATH when it has no slash) and its arguments.
  ///   - environment: the whole environment; nil: this process's.
  ///   - folder: its working directory.
  package init(
    _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil
  ) throws(SystemError) {
    canaries = Canaries.site(of: arguments)
    mayShow = arguments.contains("run") ? [] : arguments.contains("--text") ? [.owner, .stores] : [.owner]
    var out: [Int32] = [0, 0]
    var err: [Int32] = [0, 0]
    guard clx_pipe2(&out, O_CLOEXEC) == 0, clx_pipe2(&err, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, out[1], 1)
    posix_spawn_file_actions_adddup2(&actions, err[1], 2)
    if let folder { _ = clx_spawn_chdir(&actions, folder) }
    _ = clx_spawn_closefrom(&actions, 3)
    var attributes = ChildProcess.cleanSignals()
    defer { posix_spawnattr_destroy(&attributes) }
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var env: [UnsafeMutablePointer<CChar>?] = environment.map { $0.map { strdup("\($0)=\($1)") } + [nil] } ?? []
    defer { for text in argv + env { free(text) } }
    var pid: pid_t = 0
    let code = env.withUnsafeMutableBufferPointer { own in
      posix_spawnp(
        &pid, arguments[0], &actions, &attributes, &argv, environment == nil ? clx_environ() : own.baseAddress)
    }
    _ = Glibc.close(out[1])
    _ = Glibc.close(err[1])
    guard code == 0 else { throw SystemError("posix_spawn", on: arguments[0], errno: code) }
    self.pid = pid
    let (outEnd, errEnd) = (out[0], err[0])
    try Thread.start("child-out") { [self] in drain(outEnd) { $0.out += $1 } }
    try Thread.start("child-err") { [self] in drain(errEnd) { $0.err += $1 } }
    try Thread.start("child-wait") { [self] in reap() }
  }

  /// No signal blocked or ignored in the child, whatever the test runner's thread has.
  private static func cleanSignals() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    return attributes
  }

  /// Everything written to stdout so far.
  package var output: String { String(decoding: captured.withLock { $0.out }, as: UTF8.self) }
  /// Everything written to stderr so far.
  package var errors: String { String(decoding: captured.withLock { $0.err }, as: UTF8.self) }
  /// How it ended, nil while it runs.
  package var end: ProcessEnd? { captured.withLock { $0.end } }

  /// Sends a signal.
  package func signal(_ number: Int32) { if end == nil { kill(pid, number) } }

  /// Waits until the condition holds for the process, or it ended, or the deadline passed; says whether it held.
  package func wait(
    seconds: Int = 30, until holds: @escaping @Sendable (ChildProcess) -> Bool
  ) async -> Bool {
    let deadline = Clock.monotonic() + UInt64(seconds) * 1_000_000_000
    return
      (try? await Thread.run("child-await") { [self] in
        while true {
          let seen = condition.generation
          if holds(self) { return true }
          if Clock.monotonic() >= deadline { return false }
          if end != nil { return holds(self) }
          condition.wait(after: seen, until: deadline)
        }
      }) ?? false
  }

  /// Waits for its end; kills it at the deadline.
  package func ended(seconds: Int = 30) async -> ProcessEnd {
    if await !wait(seconds: seconds, until: { $0.end != nil }) {
      signal(SIGKILL)
      _ = await wait(seconds: 10, until: { $0.end != nil })
    }
    look()
    return end ?? .signalled(SIGKILL)
  }

  /// Looks for canaries in both streams, if there is something new.
  private func look() {
    guard let canaries else { return }
    let (out, err) = captured.withLock { ($0.out, $0.err) }
    guard looked.exchange(out.count + err.count, ordering: .relaxed) != out.count + err.count else { return }
    canaries.look(in: String(decoding: out, as: UTF8.self), "stdout", allowed: mayShow)
    canaries.look(in: String(decoding: err, as: UTF8.self), "stderr", allowed: mayShow)
  }

  deinit { look() }

  /// Runs a program to its end.
  package static func run(
    _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil, seconds: Int = 120
  ) async throws(SystemError) -> (end: ProcessEnd, output: String, errors: String) {
    let child = try ChildProcess(arguments, environment: environment, folder: folder)
    let end = await child.ended(seconds: seconds)
    return (end, child.output, child.errors)
  }

  private func drain(_ descriptor: Int32, _ store: (inout Captured, ArraySlice<UInt8>) -> Void) {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      captured.withLock { store(&$0, chunk[0..<count]) }
      condition.signal()
    }
    _ = Glibc.close(descriptor)
    captured.withLock { $0.open -= 1 }
    condition.signal()
  }

  /// Reaps the process; its end is told only after its pipes are empty or a second has passed (a grandchild may hold them).
  private func reap() {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let deadline = Clock.monotonic() + 1_000_000_000
    while captured.withLock({ $0.open }) > 0, Clock.monotonic() < deadline {
      condition.wait(after: condition.generation, until: min(deadline, Clock.monotonic() + 20_000_000))
    }
    let end: ProcessEnd = clx_wifexited(status) ? .exited(clx_wexitstatus(status)) : .signalled(clx_wtermsig(status))
    captured.withLock { $0.end = end }
    condition.signal()
  }
}
