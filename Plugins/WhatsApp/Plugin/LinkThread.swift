// The thread of one instance: feeds LinkMachine with what happens on the websocket, the clock, the store and the pages, and
// does what it says. Started and ended by WhatsAppPlugin. Decides nothing about the protocol.
//
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import PluginKit
import Synchronization
import WhatsAppProtocol

/// One instance's thread, from ``start()`` to ``stop()``.
///
///     begin(): folder locked, account read ──▶ live(): machine runs ──▶ ended
///        │ ▲ retry each second                     a `.stop` in the mailbox ends either
final class LinkThread: Sendable {
  /// What the thread tells the plugin.
  struct Reports: Sendable {
    var status: @Sendable (InstanceStatus) -> Void
    var inbound: @Sendable (Node) -> Void
    var unreadable: @Sendable (String) -> Void
  }
  /// How long until a folder that cannot be used is tried again.
  private static let retry: Int64 = 1_000_000
  /// Longest wait without anything to wait for, microseconds.
  private static let longest: Int64 = 60_000_000

  private let instance: WhatsAppInstance
  private let folder: String
  private let reports: Reports
  private let thread = Mutex<PluginThread?>(nil)
  /// Signalled when libwebsockets has begun, or could not.
  private let begun = DispatchSemaphore(value: 0)

  init(_ instance: WhatsAppInstance, folder: String, _ reports: Reports) {
    self.instance = instance
    self.folder = folder
    self.reports = reports
  }

  /// Begins, and returns when libwebsockets has: until then a signal's disposition is not the host's. The thread keeps
  /// itself alive.
  func start() {
    guard let started = PluginThread({ [self] in run() }) else {
      publish(InstanceStatus(obstacle: .transport))
      return instance.end()
    }
    thread.withLock { $0 = started }
    begun.wait()
  }

  /// Ends and waits for the end: a connection is closed, a running store change is finished.
  func stop() {
    instance.post(.stop)
    let running = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    running?.join()
  }

  private func run() {
    defer { instance.end() }
    let client = WebSocketClient(instance.settings)
    begun.signal()
    guard let client else {
      return publish(InstanceStatus(obstacle: .transport))
    }
    instance.setWaker(client.waker)
    defer { instance.setWaker(0) }
    guard let beginning = begin(client) else { return }
    live(client, beginning)
  }

  /// What ``begin(_:)`` found.
  private struct Beginning {
    let store: FileAccountStore
    let account: StoredAccount?
    /// What the owner asked for while nothing ran.
    var first: WhatsAppInstance.Wish?
  }

  /// Opens the store, however long another holds it. Nil when stopped.
  private func begin(_ client: WebSocketClient) -> Beginning? {
    var store: FileAccountStore?
    var last: Obstacle?
    while true {
      var obstacle = Obstacle.folder
      do {
        let open = try store ?? FileAccountStore(folder: folder)
        store = open
        let account = try open.load()
        if account?.record.link != nil || instance.settings.isConfigured {
          return Beginning(store: open, account: account)
        }
        obstacle = .notStarted
      } catch StoreFault.locked { obstacle = .locked } catch StoreFault.unreadable { obstacle = .unreadable } catch {}
      if obstacle != last { publish(InstanceStatus(obstacle: obstacle)) }
      last = obstacle
      for wish in instance.takeWishes() {
        switch wish.event {
        case .stop:
          wish.done()
          return nil
        case .logout where obstacle == .unreadable: try? store?.apply(.wipe)
        case .pair, .requestCode:
          if obstacle == .notStarted, let store { return Beginning(store: store, account: nil, first: wish) }
          if case .requestCode = wish.event { instance.answerCode(.failure(.failed)) }
        default: break
        }
        wish.done()
      }
      client.wait(microseconds: obstacle == .notStarted ? Self.longest : Self.retry)
    }
  }

  private func live(_ client: WebSocketClient, _ beginning: Beginning) {
    var machine = LinkMachine(settings: instance.settings.link)
    func feed(_ event: LinkMachine.Event) {
      var events = [event]
      while !events.isEmpty {
        for action in machine.handle(events.removeFirst(), at: Self.now()) {
          if let answer = perform(action, client, beginning.store) { events.append(answer) }
        }
      }
    }
    feed(.start(beginning.account))
    if let first = beginning.first {
      if case .requestCode = first.event { feed(first.event) }
      first.done()
    }
    while true {
      for wish in instance.takeWishes() {
        feed(wish.event)
        wish.done()
        if case .stop = wish.event { return }
      }
      let happened = client.take()
      for event in happened { feed(event) }
      let now = Self.now()
      if let wake = machine.nextWake, wake <= now.uptime { feed(.tick) }
      guard happened.isEmpty else { continue }
      client.wait(microseconds: Self.pause(until: machine.nextWake))
    }
  }

  /// Does one thing; what comes of it is the machine's next event.
  private func perform(_ action: LinkMachine.Action, _ client: WebSocketClient, _ store: FileAccountStore)
    -> LinkMachine.Event?
  {
    switch action {
    case .open(let number): client.open(number)
    case .transmit(let number, let bytes): client.send(number, bytes)
    case .close(let number): client.close(number)
    case .store(let ticket, let change):
      do { try store.apply(change) } catch { return .storeFailed(ticket: ticket, detail: String(describing: error)) }
      return .stored(ticket: ticket)
    case .publish(let status): publish(InstanceStatus(link: status))
    case .linkCode(let answer): instance.answerCode(answer)
    case .inbound(let stanza): reports.inbound(stanza)
    case .unreadable(let fault): reports.unreadable(fault.description)
    case .notSent: break
    }
    return nil
  }

  private func publish(_ status: InstanceStatus) {
    instance.publish(status)
    reports.status(status)
  }

  private static func pause(until wake: Duration?) -> Int64 {
    guard let wake else { return longest }
    let (seconds, attoseconds) = (wake - now().uptime).components
    guard seconds < longest / 1_000_000 else { return longest }
    return max(1, seconds * 1_000_000 + attoseconds / 1_000_000_000_000 + 1)
  }

  private static func now() -> Moment {
    var uptime = timespec()
    var wall = timespec()
    clock_gettime(CLOCK_BOOTTIME, &uptime)
    clock_gettime(CLOCK_REALTIME, &wall)
    return Moment(
      uptime: .seconds(uptime.tv_sec) + .nanoseconds(uptime.tv_nsec),
      unixMilliseconds: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000)
  }
}
