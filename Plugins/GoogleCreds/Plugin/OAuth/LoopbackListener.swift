// Waits on a free port of 127.0.0.1 for the browser to come back from the provider (RFC 8252, section 7.3).
// Made by BrowserConsent, one for each consent; on a thread of its own while it waits. Takes nothing but the answer with
// the right state: strangers, probes and slow connections are turned away and cost the consent nothing.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PluginKit
import Synchronization

/// A listening socket, from its making to the end of ``wait(state:until:)``.
final class LoopbackListener: Sendable {
  /// Why waiting brought nothing.
  enum End: Error, Equatable, Sendable {
    case deadline
    case cancelled
    case noThread
  }
  private struct Connection {
    let descriptor: Int32
    let until: UInt64
    var bytes: [UInt8] = []
  }

  let port: UInt16
  private let descriptor: Int32
  private let isCancelled = Atomic<Bool>(false)
  private let connectionCount = Atomic<Int>(0)
  /// Connections at once; more wait in the kernel's queue.
  private static let maxConnections = 16
  /// For one connection, from accept to the end of its request.
  private static let patience: UInt64 = 5_000_000_000
  /// How often cancellation is looked for.
  private static let tick: UInt64 = 200_000_000

  /// Nil when no port can be had.
  init?() {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isReady = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isReady else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// The redirect address for the provider.
  var redirect: String { "http://127.0.0.1:\(port)/callback" }

  /// Connections that were accepted so far.
  var accepted: Int { connectionCount.load(ordering: .relaxed) }

  /// Waits for the answer. Cancelling the task ends it.
  ///
  /// - Parameter until: CLOCK_MONOTONIC, nanoseconds.
  func wait(state: Secret, until: UInt64) async throws(End) -> ConsentAnswer {
    let running = Mutex<PluginThread?>(nil)
    let result: Result<ConsentAnswer, End> = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        running.withLock { running in
          running = PluginThread { [self] in waiter.resume(returning: serve(state, until)) }
          if running == nil { waiter.resume(returning: .failure(.noThread)) }
        }
      }
    } onCancel: {
      isCancelled.store(true, ordering: .relaxed)
    }
    running.withLock { $0 }?.join()
    return try result.get()
  }

  // MARK: The thread

  private func serve(_ state: Secret, _ until: UInt64) -> Result<ConsentAnswer, End> {
    var connections: [Connection] = []
    defer { for connection in connections { close(connection.descriptor) } }
    while true {
      if isCancelled.load(ordering: .relaxed) { return .failure(.cancelled) }
      let now = Self.now()
      guard now < until else { return .failure(.deadline) }
      connections = connections.filter { connection in
        if now < connection.until { return true }
        answer(connection, status: 408)
        return false
      }
      let listens = connections.count < Self.maxConnections
      var polled = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      polled.append(pollfd(fd: listens ? descriptor : -1, events: Int16(POLLIN), revents: 0))
      poll(&polled, nfds_t(polled.count), Int32(min(Self.tick, until - now) / 1_000_000 + 1))
      let ready = Set(polled.filter { $0.revents != 0 }.map(\.fd))
      var found: ConsentAnswer?
      connections = connections.compactMap { connection in
        guard found == nil, ready.contains(connection.descriptor) else { return connection }
        var connection = connection
        switch read(&connection, state) {
        case .incomplete: return connection
        case .stranger(let status): answer(connection, status: status)
        case .answer(let answered):
          answer(connection, status: 200)
          found = answered
        }
        return nil
      }
      if let found { return .success(found) }
      if ready.contains(descriptor), let connection = accept(now) { connections.append(connection) }
    }
  }

  private func accept(_ now: UInt64) -> Connection? {
    let peer = Glibc.accept(descriptor, nil, nil)
    guard peer >= 0 else { return nil }
    connectionCount.add(1, ordering: .relaxed)
    guard fcntl(peer, F_SETFD, FD_CLOEXEC) == 0, fcntl(peer, F_SETFL, O_NONBLOCK) == 0 else {
      close(peer)
      return nil
    }
    return Connection(descriptor: peer, until: now + Self.patience)
  }

  private func read(_ connection: inout Connection, _ state: Secret) -> CallbackRequest {
    var piece = [UInt8](repeating: 0, count: 4_096)
    let count = Glibc.read(connection.descriptor, &piece, piece.count)
    if count < 0, errno == EAGAIN || errno == EINTR { return .incomplete }
    guard count > 0 else { return .stranger(status: 400) }
    connection.bytes += piece.prefix(count)
    return CallbackRequest.parse(connection.bytes, state: state, authority: "127.0.0.1:\(port)")
  }

  /// Answers and closes; what is still unread is read first, or the reset could reach the browser before the answer.
  private func answer(_ connection: Connection, status: Int) {
    let page = CallbackPage.response(status: status)
    _ = page.withUnsafeBytes { send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(connection.descriptor, Int32(SHUT_WR))
    var piece = [UInt8](repeating: 0, count: 4_096)
    while Glibc.read(connection.descriptor, &piece, piece.count) > 0 {}
    close(connection.descriptor)
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
