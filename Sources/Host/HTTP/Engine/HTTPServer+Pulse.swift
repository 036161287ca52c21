// Whether the event loops go round: each is asked for a turn and is seen to have made one, or not.
// Called by whoever feeds a watchdog. Does nothing about a loop that stands still; a handler of a plugin cannot hold one
// (Watchdog.swift), so that would be a fault of the host's own.
//
// SPDX-License-Identifier: Apache-2.0

/// The turns of every loop at one moment.
package struct LoopPulse: Sendable, Equatable {
  /// Nil for a loop that has ended.
  let turns: [UInt64?]
}

extension HTTPServer {
  /// Wakes every loop and answers where they are.
  package func pulse() -> LoopPulse {
    LoopPulse(
      turns: loops.map { loop in
        defer { loop.mailbox.poke() }
        return loop.mailbox.turns
      })
  }

  /// Whether every loop has made a turn since, or has ended in order.
  package func isAlive(since pulse: LoopPulse) -> Bool {
    zip(loops, pulse.turns).allSatisfy { loop, before in
      guard let now = loop.mailbox.turns, let before else { return true }
      return now != before
    }
  }
}
