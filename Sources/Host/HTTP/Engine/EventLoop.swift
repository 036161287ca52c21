// An event loop: one epoll set, its connections, its timers, and the thread that owns it for now.
// Started by HTTPServer; handed to another thread by Watchdog when a handler holds the first.
// Handlers run from the queue `calls` (EventLoop+Calls.swift), never from inside a connection's own functions, so that a
// thread that was replaced has nothing of the loop on its stack.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostLog
internal import Synchronization

/// What the loops of a server share.
final class ServerContext: Sendable {
  let listeners: [HTTPListener]
  let loopCount: Int
  let observer: HTTPObserver?
  let pool = WorkerPool()
  let watchdog: Watchdog
  /// Bytes of request bodies held for handlers, over all loops.
  let bodyMemory = Atomic<Int>(0)

  init(listeners: [HTTPListener], loopCount: Int, observer: HTTPObserver?) {
    self.listeners = listeners
    self.loopCount = loopCount
    self.observer = observer
    watchdog = Watchdog(pool: pool)
  }
}

/// One event loop.
///
/// `@unchecked Sendable`: everything but `ownership`, `mailbox` and `context` belongs to the loop's owner, which is one
/// thread at a time by LoopOwnership.
final class EventLoop: @unchecked Sendable {
  let ownership = LoopOwnership()
  let mailbox = LoopMailbox()
  /// The kernel's id of the thread that runs the loop, for the watchdog.
  let threadID = Atomic<Int32>(0)
  let context: ServerContext
  /// ``ServerContext/watchdog``, without counting references at each call: all loops would count in one place.
  let watchdog: Unmanaged<Watchdog>
  let log = Log("http")
  let index: Int

  let epoll: Int32
  var connections: [Connection?] = []
  var generations: [UInt32] = []
  var freeSlots: [UInt32] = []
  var openConnections = 0
  var perListener: [ListenerShare]
  var wheel: TimerWheel
  var now: UInt64
  var date = HTTPDate()
  /// Exchanges with callbacks to run, in order.
  var calls: [HTTPExchange] = []
  var nextCall = 0
  /// The exchange whose callbacks a watched call runs; for the account when it is stuck.
  var watchedExchange: HTTPExchange?
  var mail: [HTTPExchange] = []
  private var due: [(key: ConnectionKey, tick: UInt64)] = []
  /// Connections with output that is flushed before the loop sleeps.
  var unflushed: [ConnectionKey] = []
  var stopBy: UInt64?
  var isListening = false
  /// Descriptor to give up when the process has none left, so that a connection can be accepted and closed.
  var reserve: Int32
  private let events: UnsafeMutablePointer<epoll_event>
  /// What a socket gave, before it is parsed; 64 KiB, shared by all connections of the loop.
  let scratch: UnsafeMutableRawBufferPointer
  /// Called once when the loop has ended, by the thread that owned it last.
  private let whenEnded: @Sendable () -> Void

  private static let eventsAtOnce = 256
  private static let scratchBytes = 65_536
  /// epoll data of the wake-up; listeners are below it, connections are slot and generation.
  static let wakeData = UInt64.max

  init(index: Int, context: ServerContext, whenEnded: @escaping @Sendable () -> Void) throws(SystemError) {
    self.index = index
    self.context = context
    watchdog = .passUnretained(context.watchdog)
    self.whenEnded = whenEnded
    now = Clock.monotonic()
    wheel = TimerWheel(now: now)
    perListener = context.listeners.map { _ in ListenerShare() }
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    reserve = clx_open("/dev/null", O_RDONLY, 0)
    events = .allocate(capacity: EventLoop.eventsAtOnce)
    scratch = .allocate(byteCount: EventLoop.scratchBytes, alignment: 64)
    guard epoll >= 0, mailbox.wake >= 0 else { throw SystemError("epoll_create1") }
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: EventLoop.wakeData))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, mailbox.wake, &event) == 0 else { throw SystemError("epoll_ctl") }
    setListening(true)
  }

  deinit {
    mailbox.close()
    if epoll >= 0 { close(epoll) }
    if reserve >= 0 { close(reserve) }
    events.deallocate()
    scratch.deallocate()
  }

  /// Runs the loop until it has stopped, or until this thread has been replaced.
  func run() {
    noteThread()
    while true {
      readMail()
      guard runCalls() else { return }
      if nextCall < calls.count { continue }
      flushAll()
      if let stopBy, finishStopping(stopBy) { break }
      if nextCall < calls.count { continue }
      wait()
    }
    mailbox.close()
    whenEnded()
  }

  /// The calling thread runs the loop from now on.
  func noteThread() {
    threadID.store(ThreadActivity.currentThread(), ordering: .releasing)
    mailbox.runner.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
  }

  /// Sleeps until something happens, and handles it.
  private func wait() {
    var timeout = wheel.wait(from: now)
    if stopBy != nil { timeout = timeout < 0 ? 50 : min(timeout, 50) }
    let count = epoll_wait(epoll, events, Int32(EventLoop.eventsAtOnce), timeout)
    now = Clock.monotonic()
    date.refresh(now: now)
    for index in 0..<Int(max(0, count)) {
      let data = events[index].data.u64
      if data == EventLoop.wakeData {
        var value: UInt64 = 0
        _ = read(mailbox.wake, &value, 8)
      } else if data >> 32 == UInt64(UInt32.max) {
        accept(context.listeners[Int(truncatingIfNeeded: data & 0xFFFF_FFFF)])
      } else if let connection = connection(EventLoop.key(data)) {
        connection.handle(events[index].events)
      }
    }
    expireTimers()
  }

  private func expireTimers() {
    wheel.expire(now: now, into: &due)
    guard !due.isEmpty else { return }
    for (key, tick) in due {
      guard let connection = connection(key), connection.wheelTick == tick else { continue }
      connection.wheelTick = .max
      connection.timer()
    }
    due.removeAll(keepingCapacity: true)
  }

  private static func key(_ data: UInt64) -> ConnectionKey {
    ConnectionKey(slot: UInt32(truncatingIfNeeded: data), generation: UInt32(truncatingIfNeeded: data >> 32))
  }

  /// The connection of a key, or nil when it is closed.
  func connection(_ key: ConnectionKey) -> Connection? {
    let slot = Int(key.slot)
    guard slot < connections.count, generations[slot] == key.generation else { return nil }
    return connections[slot]
  }

  /// Takes what other threads have posted.
  private func readMail() {
    mail.removeAll(keepingCapacity: true)
    if let deadline = mailbox.drain(into: &mail), stopBy == nil || deadline < (stopBy ?? 0) { beginStopping(deadline) }
    for exchange in mail { connection(exchange.connection)?.collect(exchange) }
    mail.removeAll(keepingCapacity: true)
  }

  /// Writes what connections have ready.
  private func flushAll() {
    guard !unflushed.isEmpty else { return }
    let keys = unflushed
    unflushed.removeAll(keepingCapacity: true)
    for key in keys { connection(key)?.flush() }
  }

  /// Enters the listening sockets into the epoll set, or takes them out.
  func setListening(_ on: Bool) {
    guard on != isListening else { return }
    isListening = on
    for listener in context.listeners {
      // Exclusive: one loop wakes per connection. A loop whose thread is in a handler is not waiting, so another accepts.
      var event = epoll_event(
        events: EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue,
        data: epoll_data_t(u64: UInt64(UInt32.max) << 32 | UInt64(listener.index)))
      epoll_ctl(epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener.socket, &event)
    }
  }
}
