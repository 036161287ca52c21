// The circuit breakers of the process: which other side is left alone, and for how long still.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostResilience

/// One breaker as the console shows it.
struct ShownBreaker: Sendable {
  let name: String
  let state: BreakerState
}

/// Breakers of whoever has some: a new kind is one more closure.
struct BreakersSection: ConsoleSection {
  let breakers: [@Sendable () -> [ShownBreaker]]

  let id = "breakers"
  let title = "Breakers"

  func body() async -> HTML {
    let rows = breakers.flatMap { $0() }.sorted { $0.name < $1.name }.map { breaker -> [HTML] in
      ["<b>\(breaker.name)</b>", BreakersSection.state(breaker.state), BreakersSection.words(breaker.state)]
    }
    return .table(["Breaker", "State", "What that means"], rows, empty: "Nothing that could break is in use.")
  }

  private static func state(_ state: BreakerState) -> HTML {
    switch state {
    case .closed: .badge("closed", .good)
    case .halfOpen: .badge("half-open", .warning)
    case .open: .badge("open", .bad)
    }
  }

  private static func words(_ state: BreakerState) -> HTML {
    switch state {
    case .closed: "Calls go through."
    case .halfOpen: "One call at a time finds out whether it works again."
    case .open: "It failed several times in a row, and is left alone for a while."
    }
  }
}
