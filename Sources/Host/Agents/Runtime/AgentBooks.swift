// The life of each agent: state, reason, counts. Kept by id, so that a reload loses none.
// Moved by the runtime, read by the directory and by readiness.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import Synchronization

/// What an agent does now.
///
///     starting ──run()──▶ attached ◀──succeeded()/failed()──▶ failed
///         │                   │ removed by apply(), or drain()   │
///         └───────────────────┴───▶ draining ◀──────────────────-┘
///                                      │ its last turn ended
///                                      ▼
///                                   stopped (a removed agent is then forgotten)
package enum AgentState: String, Sendable, CaseIterable {
  case starting, attached, draining, stopped, failed
}

/// What the directory shows of one agent beside its definition.
struct AgentRecord: Sendable {
  var definition: AgentDefinition
  var startedAt: UInt64
  var isRemoved = false
  var failure: Reason?
  var turns = 0
  var processed: UInt64 = 0
  var sessions: UInt64 = 0
  var lastMessageAt: UInt64?
}

/// The records of all agents.
final class AgentBooks: Sendable {
  enum Phase: Sendable { case starting, running, draining, stopped }
  private struct State {
    var phase = Phase.starting
    var records: [String: AgentRecord] = [:]
    /// In configuration order.
    var order: [String] = []
  }
  private let state = Mutex(State())
  /// Why an agent must not work, by somebody else's word: asked whenever a state is shown or a turn would begin.
  private let fault: @Sendable (String) -> Reason?

  init(fault: @escaping @Sendable (String) -> Reason? = { _ in nil }) { self.fault = fault }

  /// The reason for which an agent begins no turn; nil: it may.
  func fault(of agent: String) -> Reason? { fault(agent) }

  var phase: Phase { state.withLock { $0.phase } }

  func enter(_ phase: Phase) { state.withLock { $0.phase = phase } }

  /// Takes over a configuration: new agents begin, changed ones go on, those that are gone finish their turns.
  func apply(_ agents: [AgentDefinition]) {
    let now = Clock.wall()
    state.withLock { state in
      for id in state.records.keys where !agents.contains(where: { $0.id == id }) {
        state.records[id]?.isRemoved = true
      }
      for agent in agents {
        if var record = state.records[agent.id] {
          // What was wrong may have been mended.
          record.failure = nil
          if record.isRemoved { record.startedAt = now }
          record.isRemoved = false
          record.definition = agent
          state.records[agent.id] = record
        } else {
          state.records[agent.id] = AgentRecord(definition: agent, startedAt: now)
        }
      }
      let old = state.order.filter { id in !agents.contains { $0.id == id } }
      state.order = agents.map(\.id) + old
      AgentBooks.forget(&state)
    }
  }

  func began(_ agent: String) { change(agent) { $0.turns += 1 } }
  func ended(_ agent: String) {
    state.withLock { state in
      state.records[agent]?.turns -= 1
      AgentBooks.forget(&state)
    }
  }
  func processed(_ agent: String, count: Int) {
    let now = Clock.wall()
    change(agent) {
      $0.processed += UInt64(count)
      $0.lastMessageAt = now
    }
  }
  func openedSession(_ agent: String) { change(agent) { $0.sessions += 1 } }
  func succeeded(_ agent: String) { change(agent) { $0.failure = nil } }
  /// The agent cannot work until somebody mends something.
  func failed(_ agent: String, _ reason: Reason) { change(agent) { $0.failure = reason } }

  /// The records in configuration order, with each one's state.
  var all: [(record: AgentRecord, state: AgentState)] {
    let (records, phase) = state.withLock { state in (state.order.compactMap { state.records[$0] }, state.phase) }
    return records.map { record in
      var record = record
      record.failure = fault(record.definition.id) ?? record.failure
      return (record, AgentBooks.state(of: record, phase))
    }
  }

  private static func state(of record: AgentRecord, _ phase: Phase) -> AgentState {
    switch phase {
    case .starting: .starting
    case .running: record.isRemoved ? .draining : record.failure == nil ? .attached : .failed
    case .draining: record.turns > 0 ? .draining : .stopped
    case .stopped: .stopped
    }
  }

  /// Removed agents without a turn have stopped and are dropped.
  private static func forget(_ state: inout State) {
    state.records = state.records.filter { !$0.value.isRemoved || $0.value.turns > 0 }
    let records = state.records
    state.order.removeAll { records[$0] == nil }
  }

  private func change(_ agent: String, _ body: (inout AgentRecord) -> Void) {
    state.withLock { state in
      guard var record = state.records[agent] else { return }
      body(&record)
      state.records[agent] = record
    }
  }
}
