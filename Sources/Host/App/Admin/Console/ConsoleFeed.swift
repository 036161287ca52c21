// Keeps open consoles live: renders the sections once a second while somebody looks and sends each viewer what changed.
// Runs beside the host's other long-lived work; its viewers come through ConsoleRoutes.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostResilience
internal import Synchronization

/// The viewers, and what each has on its screen.
final class ConsoleFeed: HTTPHandler {
  private struct Viewer {
    let exchange: HTTPExchange
    /// By section.
    var seen: [String: HTML] = [:]
    /// It has more to read than it takes: nothing new until it has caught up.
    var isBehind = false
  }
  private struct State {
    var viewers: [ObjectIdentifier: Viewer] = [:]
    var isFinished = false
  }

  /// Between two looks at the host.
  private static let period: UInt64 = 1_000_000_000
  private let sections: [any ConsoleSection]
  private let state = Mutex(State())
  /// Raised when somebody comes, and at the end.
  private let change = Signal()

  init(_ sections: [any ConsoleSection]) { self.sections = sections }

  func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    var fields = HTTPFields(contentType: "text/event-stream")
    fields.append("cache-control", "no-store")
    guard exchange.begin(200, fields) == .ok else { return }
    let isFinished = state.withLock { state in
      if !state.isFinished { state.viewers[ObjectIdentifier(exchange)] = Viewer(exchange: exchange) }
      return state.isFinished
    }
    if isFinished { exchange.end() }
    change.raise()
  }

  func becameWritable(_ exchange: HTTPExchange) {
    state.withLock { $0.viewers[ObjectIdentifier(exchange)]?.isBehind = false }
  }

  func ended(_ exchange: HTTPExchange, _ reason: HTTPEndReason) {
    state.withLock { $0.viewers[ObjectIdentifier(exchange)] = nil }
  }

  /// Renders and sends until ``finish()``.
  func run() async {
    while !Task.isCancelled {
      let seen = change.count
      let (isIdle, isFinished) = state.withLock { ($0.viewers.isEmpty, $0.isFinished) }
      if isFinished { return }
      if isIdle {
        await change.wait(past: seen)
        continue
      }
      for section in sections { send(section.id, await section.body()) }
      await change.wait(past: seen, until: Clock.monotonic() + ConsoleFeed.period)
    }
  }

  /// Ends every stream; then ``run()`` returns.
  func finish() {
    let exchanges = state.withLock { state in
      state.isFinished = true
      return state.viewers.values.map(\.exchange)
    }
    for exchange in exchanges { exchange.end() }
    change.raise()
  }

  private func send(_ id: String, _ body: HTML) {
    let due = state.withLock { state in
      state.viewers.filter { !$0.value.isBehind && $0.value.seen[id] != body }.map { ($0.key, $0.value.exchange) }
    }
    guard !due.isEmpty else { return }
    let data: JSON = ["id": .string(id), "html": .string(body.text)]
    let event = Array("event: section\ndata: \(data.text())\n\n".utf8)
    for (key, exchange) in due {
      let result = exchange.write(event)
      guard result == .ok || result == .full else { continue }
      state.withLock { state in
        state.viewers[key]?.seen[id] = body
        // Room may have come in between; then the next round would wait for a call that was made before.
        if result == .full { state.viewers[key]?.isBehind = true }
      }
    }
  }
}
