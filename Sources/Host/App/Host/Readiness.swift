// Whether the host is ready, and what each component says of itself: the model behind /ready.
// Components are asked when the page is asked, so nothing here can be stale.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import Synchronization

/// One component's state at one moment.
struct ComponentState: Sendable, Equatable {
  let name: String
  /// `ready`, or a word of the component's own.
  let state: String
  /// A dotted code; nil when it is ready.
  let reason: String?
  /// Nanoseconds since the epoch; nil when the component does not know: then it is when the host noticed.
  var since: UInt64?

  init(_ name: String, _ state: String, reason: String? = nil, since: UInt64? = nil) {
    self.name = name
    self.state = state
    self.reason = reason
    self.since = since
  }
}

/// The phases of a host's life.
///
///     booting ──booted()──▶ serving ──drain()──▶ draining
///        └──────────────────drain()─────────────────▲
final class Readiness: Sendable {
  enum Phase: Sendable, Equatable { case booting, serving, draining }

  private struct Model {
    var phase = Phase.booting
    var since = Clock.wall()
    var sources: [@Sendable () -> [ComponentState]] = []
    var broker: @Sendable () -> Bool = { false }
    var agents: @Sendable () -> Int = { 0 }
    /// Since when each component is as it was when it was last looked at; those that know it themselves are not here.
    var noticed: [String: ComponentState] = [:]
    /// Monotonic time of the last look.
    var noticedAt: UInt64 = 0
  }
  /// Held for reading and swapping closures only; they are called outside.
  private let model = Mutex(Model())

  var phase: Phase { model.withLock { $0.phase } }

  /// The boot sweep is over and the agents have been asked to attach.
  func booted() {
    move(to: .serving) { $0 == .booting }
    notice()
  }
  /// Shutdown begins: not ready from this moment on.
  func drain() { move(to: .draining) { $0 != .draining } }

  private func move(to phase: Phase, if allowed: (Phase) -> Bool) {
    model.withLock {
      guard allowed($0.phase) else { return }
      $0.phase = phase
      $0.since = Clock.wall()
    }
  }

  /// Adds a source of components for the verbose answer; called on an event loop, so it must not block.
  func add(_ source: @escaping @Sendable () -> [ComponentState]) { model.withLock { $0.sources.append(source) } }
  /// Sets what decides: whether the broker accepts messages, and how many agents are attached to their topics.
  func decide(broker: @escaping @Sendable () -> Bool, agents: @escaping @Sendable () -> Int) {
    model.withLock {
      $0.broker = broker
      $0.agents = agents
    }
  }

  /// What /ready answers.
  struct Answer: Sendable, Equatable {
    let ready: Bool
    let body: JSON
  }

  /// Whether /ready answers 200.
  var isReady: Bool { Readiness.judge(model.withLock { $0 }).ready }

  private static func judge(_ now: Model) -> (ready: Bool, broker: Bool, agents: Int) {
    let (broker, agents) = (now.broker(), now.phase == .draining ? 0 : now.agents())
    return (now.phase == .serving && broker && agents > 0, broker, agents)
  }

  /// - Parameter verbose: with the components.
  func answer(verbose: Bool) -> Answer {
    let now = model.withLock { $0 }
    let (ready, broker, agents) = Readiness.judge(now)
    var body: JSONObject =
      ready
      ? ["status": "ready", "agents_running": JSON(agents)]
      : ["status": "not_ready", "broker_ready": .bool(broker), "agents_running": JSON(agents)]
    if verbose {
      body["components"] = .array(([host(now)] + notice()).map(Readiness.json))
    }
    return Answer(ready: ready, body: .object(body))
  }

  /// Ours: looking at the components of hundreds of agents is not for every one of a flood of scrapes.
  private static let noticeInterval: UInt64 = 1_000_000_000

  /// What every scrape does, so that a change is noticed at most a scrape interval late.
  func noticeIfDue() {
    let last = model.withLock { $0.noticedAt }
    if Clock.monotonic() &- last >= Readiness.noticeInterval { notice() }
  }

  /// Looks at every component and keeps since when it is as it is. Components that are gone are forgotten.
  @discardableResult
  func notice() -> [ComponentState] {
    let sources = model.withLock { $0.sources }
    let components = sources.flatMap { $0() }
    let time = Clock.wall()
    return model.withLock { model in
      let dated = components.map { component in
        guard component.since == nil else { return component }
        var dated = component
        let before = model.noticed[component.name]
        let isSame = before?.state == component.state && before?.reason == component.reason
        dated.since = isSame ? before?.since : time
        return dated
      }
      model.noticedAt = Clock.monotonic()
      model.noticed = Dictionary(dated.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
      return dated
    }
  }

  private func host(_ now: Model) -> ComponentState {
    switch now.phase {
    case .booting: ComponentState("host", "booting", reason: Reason.booting.code, since: now.since)
    case .serving: ComponentState("host", "ready", since: now.since)
    case .draining: ComponentState("host", "draining", reason: Reason.draining.code, since: now.since)
    }
  }

  private static func json(_ component: ComponentState) -> JSON {
    [
      "name": .string(component.name), "state": .string(component.state), "reason": JSON(component.reason),
      "since": JSON(component.since.map(Clock.rfc3339)),
    ]
  }
}

extension Readiness {
  /// Agents attached now, for the `ready` line.
  var agents: Int { model.withLock { $0.agents }() }
}
