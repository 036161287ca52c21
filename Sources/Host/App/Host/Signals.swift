// The signals that the host acts on, as an asynchronous sequence: SIGTERM and SIGINT stop it, SIGHUP reloads.
// A second stop signal ends the process at once, from the reading thread, whatever the rest is doing.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux

/// What a signal asks for.
enum SignalRequest: Sendable, Equatable {
  /// `SIGTERM` or `SIGINT`, by name.
  case stop(String)
  case reload
}

/// The process's signals. Made once.
struct Signals: Sendable {
  let requests: AsyncStream<SignalRequest>

  /// Installs the handlers and starts the thread that reads them.
  init() throws(SystemError) {
    var ends: [Int32] = [0, 0]
    guard clx_pipe2(&ends, O_CLOEXEC) == 0, clx_set_nonblocking(ends[1]) == 0 else { throw SystemError("pipe2") }
    let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP]
    guard clx_signals_to_pipe(ends[1], signals, Int32(signals.count)) == 0 else { throw SystemError("sigaction") }
    let (stream, continuation) = AsyncStream.makeStream(of: SignalRequest.self)
    requests = stream
    let input = ends[0]
    try Thread.start("signals") { Signals.read(from: input, into: continuation) }
  }

  private static func read(from input: Int32, into continuation: AsyncStream<SignalRequest>.Continuation) {
    var stopping = false
    while true {
      var byte: UInt8 = 0
      let count = Glibc.read(input, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1 else { return }
      switch Int32(byte) {
      case SIGHUP: continuation.yield(.reload)
      case let number:
        // 128 + signal is what a shell shows for a process that a signal ended.
        if stopping { _exit(128 + number) }
        stopping = true
        continuation.yield(.stop(number == SIGINT ? "SIGINT" : "SIGTERM"))
      }
    }
  }
}
