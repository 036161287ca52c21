// How long to wait before the next connection, and whether the link drops too often.
// Owned by LinkMachine.
//
// SPDX-License-Identifier: Apache-2.0

/// Pauses between reconnects: two seconds more with every error, with jitter, up to a cap; reset by a login.
package struct Reconnection: Sendable, Equatable {
  /// Growth of the pause per error: whatsmeow's.
  package static let step: Duration = .seconds(2)
  /// A link that dropped this often within ``degradedWindow`` is degraded (whatsapp.md).
  package static let degradedDrops = 3
  package static let degradedWindow: Duration = .seconds(60)

  private var errors: Int64 = 0
  private var drops: [Duration] = []

  package init() {}

  /// The pause before the next attempt. The first comes at once; jitter takes off up to a quarter.
  package mutating func nextPause(cap: Duration, random: Randomness) -> Duration {
    let pause = min(Self.step * Int(min(errors, 1 << 20)), cap)
    errors = min(errors + 1, 1 << 20)
    return pause * Int(random.number(in: 75...100)) / 100
  }

  /// A login succeeded.
  package mutating func reset() { errors = 0 }

  /// A live link was lost.
  package mutating func dropped(at now: Moment) {
    drops = drops.suffix(Self.degradedDrops - 1) + [now.uptime]
  }

  /// Whether the last drops lie within the window.
  package func isDegraded(at now: Moment) -> Bool {
    drops.count >= Self.degradedDrops && drops.allSatisfy { now.uptime - $0 < Self.degradedWindow }
  }

  /// When the link stops being degraded, if it is.
  package var degradedUntil: Duration? {
    drops.count >= Self.degradedDrops ? drops.first.map { $0 + Self.degradedWindow } : nil
  }
}
