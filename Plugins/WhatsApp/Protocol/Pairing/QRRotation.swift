// Which of the server's references is shown, and until when.
// Owned by PairingMachine. Source: protocol page, section 4.3.
//
// SPDX-License-Identifier: Apache-2.0

/// A code as the pages show it.
package struct QRCode: Sendable, Equatable {
  /// What to draw; see ``QRCodeText``.
  package let text: String
  /// 1 for the first code of the batch.
  package let number: Int
  /// How many codes the batch has.
  package let total: Int
  /// When this code was first shown, milliseconds since 1970.
  package let capturedAt: Int64
  /// When it is replaced, milliseconds since 1970.
  package let expiresAt: Int64
}

/// A batch of references on its way through time.
///
///     showing n ──advance(): its time is over──▶ showing n+1 ── ... ──▶ exhausted
package struct QRRotation: Sendable, Equatable {
  /// How long the first of six codes is shown: WhatsApp's clients do so.
  package static let firstDuration: Duration = .seconds(60)
  /// How long every other code is shown, and all of a batch of fewer than six.
  package static let nextDuration: Duration = .seconds(20)
  /// From how many references on the first one stays longer.
  package static let fullBatch = 6
  /// Most references of a batch that are used. Ours: 32 are over eleven minutes.
  package static let batchLimit = 32

  private let references: [String]
  private let speed: Int
  private var index = 0
  private var shownSince: Moment

  /// Starts with the first reference. Nil when there is none.
  ///
  /// - Parameter speed: how many times faster than the protocol's clock; see ``LinkTimings/codeSpeed``.
  package init?(references: [String], at now: Moment, speed: Int = 1) {
    guard !references.isEmpty else { return nil }
    self.speed = max(1, speed)
    self.references = Array(references.prefix(Self.batchLimit))
    shownSince = now
  }

  /// The reference that is shown now; nil when the batch is used up.
  package var reference: String? { references.indices.contains(index) ? references[index] : nil }

  /// Whether the last reference of the batch is shown, or none any more.
  package var isLast: Bool { index >= references.count - 1 }

  /// When the present reference is over, on the uptime clock.
  package var deadline: Duration {
    let first = index == 0 && references.count >= Self.fullBatch
    return shownSince.uptime + (first ? Self.firstDuration : Self.nextDuration) / speed
  }

  /// How long the batch lasts from now on.
  package func remaining(at now: Moment) -> Duration {
    max(.zero, deadline - now.uptime) + Self.nextDuration / speed * max(0, references.count - 1 - index)
  }

  /// Moves on to the reference that belongs to `now`. A late call skips what is over, without shifting the schedule.
  ///
  /// - Returns: whether the reference changed (also to none).
  package mutating func advance(to now: Moment) -> Bool {
    let before = index
    while reference != nil, deadline <= now.uptime {
      let next = deadline
      shownSince = Moment(uptime: next, unixMilliseconds: now.unixMilliseconds(of: next))
      index += 1
    }
    return index != before
  }

  /// The code to show, or nil when the batch is used up or the reference cannot be shown.
  package func code(keys: DeviceKeys, clientType: String) -> QRCode? {
    guard let reference, let text = QRCodeText(reference: reference, keys: keys, clientType: clientType) else {
      return nil
    }
    return QRCode(
      text: text.text, number: index + 1, total: references.count, capturedAt: shownSince.unixMilliseconds,
      expiresAt: shownSince.unixMilliseconds(of: deadline))
  }
}
