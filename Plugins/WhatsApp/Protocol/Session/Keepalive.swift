// Pings the server and judges the link by the answers: traffic alone proves nothing about the other direction.
// Owned by LinkMachine, on unpaired connections too. Source: protocol page, section 5.4; whatsapp.md, "Liveness is by answered pings".
//
// SPDX-License-Identifier: Apache-2.0

/// The pings of one connection.
///
///     resting ──tick(): interval over──▶ asked ──answered()──▶ resting
///                                          └──tick(): no answer──▶ asked again, or dead
package struct Keepalive: Sendable {
  /// Pause between an answer and the next ping, milliseconds, drawn anew each time: whatsmeow's.
  package static let interval: ClosedRange<Int64> = 20_000...30_000
  /// How long a ping may stay without answer: whatsmeow's.
  package static let answerDeadline: Duration = .seconds(10)
  /// After this long without an answered ping the link is dead: whatsmeow's.
  package static let deadAfter: Duration = .seconds(180)

  /// What is to be done now.
  package enum Outcome: Sendable, Equatable {
    case nothing
    case ping(id: String)
    case dead
  }

  private var ids: StanzaIDs
  private var asked: String?
  private var next: Duration
  private var lastAnswer: Duration

  /// Starts resting; the handshake counts as the first answer.
  package init(ids: StanzaIDs, at now: Moment, random: Randomness) {
    self.ids = ids
    lastAnswer = now.uptime
    next = now.uptime + .milliseconds(random.number(in: Self.interval))
  }

  /// When ``tick(at:)`` has something to do.
  package var deadline: Duration { min(next, lastAnswer + Self.deadAfter) }

  /// Moves on with the time.
  package mutating func tick(at now: Moment) -> Outcome {
    guard now.uptime - lastAnswer < Self.deadAfter else { return .dead }
    guard next <= now.uptime else { return .nothing }
    let id = ids.next()
    asked = id
    next = now.uptime + Self.answerDeadline
    return .ping(id: id)
  }

  /// Takes an iq answer. An error answers a ping as well as a result: somebody lives there.
  ///
  /// - Returns: whether it belonged to the last ping.
  package mutating func answered(_ stanza: Node, at now: Moment, random: Randomness) -> Bool {
    guard let asked, stanza.tag == "iq", stanza.text("id") == asked else { return false }
    self.asked = nil
    lastAnswer = now.uptime
    next = now.uptime + .milliseconds(random.number(in: Self.interval))
    return true
  }
}
