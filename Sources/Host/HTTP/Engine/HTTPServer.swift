// The HTTP engine: its listeners, loops, watchdog, start and graceful stop.
// Used by HostApp, which opens it before anything else starts and stops it first.
// Knows no route: routers come with the listeners' setups.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostLog
internal import Synchronization

/// What a stop came to.
package struct HTTPStopReport: Sendable, Equatable {
  /// Whether every loop ended by itself.
  package let isClean: Bool
  /// Threads left behind in handlers that have not returned.
  package let threadsAbandoned: Int
}

/// A running HTTP server with its listeners.
///
///     open() ──▶ listening ──start()──▶ serving ──stop()──▶ draining ──▶ stopped
package final class HTTPServer: Sendable {
  private let context: ServerContext
  let loops: [EventLoop]
  private let ended: EndCount

  /// The listeners, in the order of their setups.
  package var listeners: [HTTPListener] { context.listeners }

  /// Loops by default: one per core, at most this many. Ours: beyond, the kernel's work dominates.
  private static let maxLoops = 4
  /// How long after its deadline a stop waits for loops that cut what is left.
  private static let stopGrace: UInt64 = 1_000_000_000

  /// Opens the listeners. Connections wait in the system's queue until ``start()``.
  ///
  /// - Parameters:
  ///   - setups: one per listener; names must differ.
  ///   - loops: threads that serve; nil: one per core, at most four.
  ///   - observer: hears of every request, on loop threads.
  /// - Throws: ``HTTPServerError``, naming listener and address. Nothing stays open then.
  package init(
    _ setups: [HTTPListenerSetup], loops wanted: Int? = nil, observer: HTTPObserver? = nil
  ) throws(HTTPServerError) {
    var listeners: [HTTPListener] = []
    for (index, setup) in setups.enumerated() { listeners.append(try HTTPListener(setup, index: index)) }
    let count = max(1, wanted ?? min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), HTTPServer.maxLoops))
    let context = ServerContext(listeners: listeners, loopCount: count, observer: observer)
    let ended = EndCount()
    self.context = context
    self.ended = ended
    do throws(SystemError) {
      var loops: [EventLoop] = []
      for index in 0..<count { loops.append(try EventLoop(index: index, context: context, whenEnded: { ended.add() })) }
      self.loops = loops
    } catch {
      throw .cannotStart(error)
    }
  }

  /// Starts serving.
  package func start() throws(HTTPServerError) {
    do throws(SystemError) {
      for loop in loops { try Thread.start("http-loop-\(loop.index)") { loop.run() } }
      try Thread.start("http-watchdog") { [context, loops, ended] in
        context.watchdog.run(loops)
        ended.add()
      }
    } catch {
      throw .cannotStart(error)
    }
  }

  /// Stops: refuses new connections, lets requests finish, ends streams, and cuts what is left at the deadline.
  ///
  /// Blocks the calling thread until the loops have ended; not for the cooperative pool. Calling it twice is harmless.
  ///
  /// - Parameter grace: how long requests in flight may take.
  @discardableResult
  package func stop(grace: Duration = .seconds(10)) -> HTTPStopReport {
    let deadline = Clock.monotonic() &+ grace.nanosecondsClamped
    for loop in loops { loop.mailbox.stop(by: deadline) }
    let loopsEnded = ended.wait(for: loops.count, until: deadline &+ HTTPServer.stopGrace)
    for listener in context.listeners { listener.closeSocket() }
    context.watchdog.stop()
    let isClean = ended.wait(for: loops.count + 1, until: Clock.monotonic() &+ HTTPServer.stopGrace) && loopsEnded
    context.pool.close()
    let abandoned = context.pool.waitUntilIdle(until: Clock.monotonic() &+ HTTPServer.stopGrace / 5)
    return HTTPStopReport(isClean: isClean, threadsAbandoned: abandoned)
  }
}

/// Counts ends, and lets one thread wait for a number of them.
final class EndCount: Sendable {
  private let count = Atomic<Int>(0)
  private let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

  deinit { _ = Glibc.close(wake) }

  func add() {
    count.add(1, ordering: .sequentiallyConsistent)
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  /// False: the time was over first.
  func wait(for target: Int, until deadline: UInt64) -> Bool {
    while count.load(ordering: .sequentiallyConsistent) < target {
      let now = Clock.monotonic()
      guard now < deadline else { return false }
      var polled = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
      if poll(&polled, 1, Int32((deadline - now) / 1_000_000 + 1)) > 0 {
        var value: UInt64 = 0
        _ = read(wake, &value, 8)
      }
    }
    return true
  }
}
