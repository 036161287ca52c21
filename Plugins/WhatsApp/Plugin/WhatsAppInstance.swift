// One WhatsApp number: its mailbox, its status, and those who watch it. Shared by pages, channel and LinkThread.
//
// SPDX-License-Identifier: Apache-2.0

import CWebSockets
import PluginKit
import Synchronization
import WhatsAppProtocol

/// The handle of an instance; everything is callable from every thread and nothing blocks.
final class WhatsAppInstance: Sendable {
  /// Something for the instance's thread, and what to call when it was handled.
  struct Wish: Sendable {
    let event: LinkMachine.Event
    let done: @Sendable () -> Void
  }
  typealias CodeAnswer = Result<LinkCodeDisplay, LinkCodeRefusal>

  private struct State {
    var status = InstanceStatus()
    var wishes: [Wish] = []
    /// The libwebsockets context to wake, as long as it lives.
    var waker: UInt = 0
    var isEnded = false
    var watchers: [UInt64: AsyncStream<InstanceStatus>.Continuation] = [:]
    var lastWatcher: UInt64 = 0
    var codeWaiters: [CheckedContinuation<CodeAnswer, Never>] = []
  }

  let settings: InstanceSettings
  var name: String { settings.name }
  private let state = Mutex(State())

  init(_ settings: InstanceSettings) { self.settings = settings }

  var status: InstanceStatus { state.withLock { $0.status } }

  /// Asks the instance's thread for something.
  func post(_ event: LinkMachine.Event, done: @escaping @Sendable () -> Void = {}) {
    let isTaken = state.withLock { state in
      guard !state.isEnded else { return false }
      state.wishes.append(Wish(event: event, done: done))
      // Under the lock, which setWaker(0) takes before the context goes.
      if let context = OpaquePointer(bitPattern: state.waker) { lws_cancel_service(context) }
      return true
    }
    if !isTaken { done() }
  }

  /// As ``post(_:done:)``, and returns the status after it was handled.
  func ask(_ event: LinkMachine.Event) async -> InstanceStatus {
    await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in post(event) { waiter.resume() } }
    return status
  }

  /// Asks for a link code. The machine's deadlines bound the wait, about two minutes.
  func code(for phone: String) async -> CodeAnswer {
    await withCheckedContinuation { waiter in
      let isTaken = state.withLock { state in
        if !state.isEnded { state.codeWaiters.append(waiter) }
        return !state.isEnded
      }
      if isTaken { post(.requestCode(phone: phone)) } else { waiter.resume(returning: .failure(.noAnswer)) }
    }
  }

  /// The status now and after every change; a slow reader gets the newest.
  func changes() -> AsyncStream<InstanceStatus> {
    let (stream, continuation) = AsyncStream<InstanceStatus>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.lastWatcher += 1
      if !state.isEnded { state.watchers[state.lastWatcher] = continuation }
      continuation.yield(state.status)
      return state.lastWatcher
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
    }
    return stream
  }

  // MARK: The thread's side

  func takeWishes() -> [Wish] {
    state.withLock { state in
      defer { state.wishes = [] }
      return state.wishes
    }
  }

  func setWaker(_ waker: UInt) { state.withLock { $0.waker = waker } }

  func publish(_ status: InstanceStatus) {
    let watchers = state.withLock { state in
      state.status = status
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.yield(status) }
  }

  func answerCode(_ answer: CodeAnswer) {
    let waiters = state.withLock { state in
      defer { state.codeWaiters = [] }
      return state.codeWaiters
    }
    for waiter in waiters { waiter.resume(returning: answer) }
  }

  /// The thread is gone: nothing more is handled, and nobody waits in vain.
  func end() {
    let (wishes, watchers) = state.withLock { state in
      state.isEnded = true
      defer { (state.wishes, state.watchers) = ([], [:]) }
      return (state.wishes, Array(state.watchers.values))
    }
    answerCode(.failure(.noAnswer))
    for wish in wishes { wish.done() }
    for watcher in watchers { watcher.finish() }
  }
}
