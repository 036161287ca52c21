// One family's series: which label values exist, which cell each has, and who keeps it on the wire.
// Called by the typed families, by PluginMetrics and, for the rows to show, by the exposition.
// Cells are never freed: a series that leaves keeps its cell, and counts on when it comes back.
//
// SPDX-License-Identifier: Apache-2.0

import CMetricCells
import Synchronization

/// Somebody who keeps series on the wire: the host's code, one sampler, or one generation of a plugin.
struct Holder: Sendable, Hashable {
  let id: UInt32

  /// The host's own code, which publishes what it makes at once.
  static let host = Holder(id: 0)
}

/// Whose cells are made, so that misuse is counted against them.
struct CellSource: Sendable {
  let id: UInt16

  /// The host's own code.
  static let host = CellSource(id: 0)

  /// A new plugin's.
  static func make() -> CellSource { CellSource(id: nexo_cells_source_new()) }
}

/// A pointer to an immortal cell of the family's kind.
///
/// `@unchecked Sendable`: guarded by the cell itself, which is never freed and accessed atomically only (CMetricCells).
struct Cell: @unchecked Sendable {
  let pointer: OpaquePointer
}

/// A series as the exposition sees it.
struct VisibleRow: Sendable {
  let labels: [String]
  let cell: Cell
}

/// A family at one moment, as the exposition sees it.
struct FamilySnapshot: Sendable {
  let version: UInt64
  let help: String
  let rows: [VisibleRow]
}

/// The series of one family.
///
/// A row is on the wire while at least one holder that has been published holds it:
///
///     (none) ──row(holder)──▶ held ──publish(holder)──▶ visible ──release(holder)──▶ kept, off the wire
///                               ▲───────────────────── row(holder) ──────────────────────────┘
final class Family: Sendable {
  private struct Row {
    let labels: [String]
    var cell: Cell
    /// Holders and whether they are published; rarely more than two, so an array.
    var holders: [(holder: Holder, isPublished: Bool)] = []
    var isVisible: Bool { holders.contains { $0.isPublished } }
  }

  private struct State {
    var index: [[String]: Int] = [:]
    var rows: [Row] = []
    var version: UInt64 = 1
    var help: String
  }

  let spec: FamilySpec
  /// Held for dictionary work only.
  private let state: Mutex<State>

  /// - Parameter hasInitialSeries: false for a plugin's family, whose series are all the plugin's to make.
  init(_ spec: FamilySpec, hasInitialSeries: Bool = true) {
    self.spec = spec
    state = Mutex(State(help: spec.help))
    guard hasInitialSeries else { return }
    for labels in spec.initialSeries { _ = row(labels, holder: .host, isPublished: true) }
  }

  /// Finds or makes a series and has `holder` hold it.
  ///
  /// - Parameter labels: as many values as the family has labels; a wrong count is a programmer error of the host.
  /// - Returns: the cell, and whether `holder` holds the row only since this call.
  func row(
    _ labels: [String], holder: Holder, isPublished: Bool, source: CellSource = .host
  ) -> (cell: OpaquePointer, isNewToHolder: Bool) {
    precondition(labels.count == spec.labels.count, "a series needs one value for each label of its family")
    return state.withLock { state in
      let position = state.index[labels] ?? Self.addLocked(Row(labels: labels, cell: newCell(for: source)), to: &state)
      if state.rows[position].holders.contains(where: { $0.holder == holder }) {
        return (state.rows[position].cell.pointer, false)
      }
      if isPublished && !state.rows[position].isVisible { state.version += 1 }
      state.rows[position].holders.append((holder, isPublished))
      return (state.rows[position].cell.pointer, true)
    }
  }

  /// Has the host's series with these labels show a cell that lives elsewhere.
  func adopt(_ labels: [String], cell: OpaquePointer) {
    _ = row(labels, holder: .host, isPublished: true)
    state.withLock { state in
      guard let position = state.index[labels] else { return }
      state.rows[position].cell = Cell(pointer: cell)
      state.version += 1
    }
  }

  /// Whether the series exists, on the wire or not.
  func hasRow(_ labels: [String]) -> Bool { state.withLock { $0.index[labels] != nil } }

  /// Puts everything that `holder` holds on the wire.
  func publish(_ holder: Holder) {
    updateHolders { holders in
      for index in holders.indices where holders[index].holder == holder { holders[index].isPublished = true }
    }
  }

  /// Has `holder` let go of one series.
  func release(_ labels: [String], holder: Holder) {
    state.withLock { state in
      guard let position = state.index[labels] else { return }
      let wasVisible = state.rows[position].isVisible
      state.rows[position].holders.removeAll { $0.holder == holder }
      if wasVisible != state.rows[position].isVisible { state.version += 1 }
    }
  }

  /// Has `holder` let go of every series but those with the label values in `except`.
  func release(_ holder: Holder, except: Set<[String]> = []) {
    state.withLock { state in
      for position in state.rows.indices where !except.contains(state.rows[position].labels) {
        let wasVisible = state.rows[position].isVisible
        state.rows[position].holders.removeAll { $0.holder == holder }
        if wasVisible != state.rows[position].isVisible { state.version += 1 }
      }
    }
  }

  /// Replaces the help text: a newer generation of a plugin may say it better.
  func setHelp(_ help: String) {
    state.withLock { state in
      guard state.help != help else { return }
      state.help = help
      state.version += 1
    }
  }

  /// The family's version, which grows whenever its help or its series on the wire change.
  var version: UInt64 { state.withLock { $0.version } }

  /// What the exposition shows: the help, and the series on the wire sorted by label values.
  func snapshot() -> FamilySnapshot {
    let seen = state.withLock { state in
      let rows = state.rows.lazy.filter(\.isVisible).map { VisibleRow(labels: $0.labels, cell: $0.cell) }
      return FamilySnapshot(version: state.version, help: state.help, rows: Array(rows))
    }
    let sorted = seen.rows.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
    return FamilySnapshot(version: seen.version, help: seen.help, rows: sorted)
  }

  private func updateHolders(_ change: (inout [(holder: Holder, isPublished: Bool)]) -> Void) {
    state.withLock { state in
      for position in state.rows.indices {
        let wasVisible = state.rows[position].isVisible
        change(&state.rows[position].holders)
        if wasVisible != state.rows[position].isVisible { state.version += 1 }
      }
    }
  }

  private static func addLocked(_ row: Row, to state: inout State) -> Int {
    state.rows.append(row)
    state.index[row.labels] = state.rows.count - 1
    return state.rows.count - 1
  }

  private func newCell(for source: CellSource) -> Cell {
    switch spec.kind {
    case .counter where !spec.isFractional: Cell(pointer: nexo_counter_new(source.id))
    case .counter, .gauge: Cell(pointer: nexo_gauge_new())
    // The catalogue's test and PluginFamilyRequest see to legal bounds; the sink is for what both missed.
    case .histogram:
      Cell(pointer: nexo_histogram_new(spec.bounds, spec.bounds.count, source.id) ?? nexo_histogram_sink())
    }
  }
}
