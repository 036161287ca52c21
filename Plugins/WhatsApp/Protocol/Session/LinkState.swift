// The states of an instance as everybody outside sees them, and the status that goes with them.
// Published by LinkMachine; the names are those of the status page (whatsapp.md, "States of an instance").
//
// SPDX-License-Identifier: Apache-2.0

/// What an instance is doing. Raw values are stable.
///
///     starting ─▶ waiting_qr ─▶ scanned ─▶ paired ─▶ connected ⇄ disconnected
///        │            │ ▲                               │
///        │    waiting_code, passkey_required            ├─▶ logged_out, replaced, outdated, banned, failed
///        └─▶ paired (credentials were there)            └─▶ disconnected
///
/// The arrows are LinkMachine's; each names its function there.
package enum LinkState: String, Sendable, CaseIterable {
  case starting
  case waitingQR = "waiting_qr"
  case waitingCode = "waiting_code"
  case scanned
  case passkeyRequired = "passkey_required"
  case paired
  case connected
  case disconnected
  case loggedOut = "logged_out"
  case replaced
  case outdated
  case banned
  case failed

  /// How long the state lasts at most before LinkMachine leaves it by itself; nil for the states that wait for the owner or
  /// that are good to stay in. Sums of the deadlines in ``LinkTimings``.
  package func maximum(_ timings: LinkTimings) -> Duration? {
    switch self {
    case .starting: timings.connect + timings.handshake + max(timings.references, untilLive(timings))
    case .waitingQR: QRRotation.firstDuration + QRRotation.nextDuration * (QRRotation.batchLimit - 1)
    case .waitingCode: timings.codeLifetime
    case .scanned: timings.store + timings.codeLifetime
    case .passkeyRequired: timings.passkey
    case .paired: timings.restart + timings.connect + timings.handshake + untilLive(timings)
    case .connected, .disconnected, .loggedOut, .replaced, .outdated, .banned, .failed: nil
    }
  }

  /// Login, prekeys (asked, saved, uploaded) and going active.
  private func untilLive(_ timings: LinkTimings) -> Duration {
    timings.login + timings.store + timings.request * 3
  }
}

/// Everything that a page, the readiness probe and the channel need to know about an instance.
package struct LinkStatus: Sendable, Equatable {
  package var state: LinkState = .starting
  /// Why. Nil in the states that need no reason.
  package var reason: LinkReason?
  /// What was seen, for people: bounded, printable, no secret. May hold the server's own words.
  package var detail: String?
  /// The code to draw while waiting to be scanned.
  package var qr: QRCode?
  /// The eight characters while waiting for them to be typed, as `XXXX-XXXX`.
  package var linkCode: LinkCodeDisplay?
  /// The linked number's own addresses.
  package var jid: JID?
  package var lid: JID?
  /// When the last attempt to reconnect began, milliseconds since 1970.
  package var lastReconnectAttempt: Int64?
  /// When the next attempt begins by itself, milliseconds since 1970; nil when none will.
  package var nextAttempt: Int64?
  /// When a temporary ban ends, milliseconds since 1970.
  package var bannedUntil: Int64?
  /// Whether the link dropped three times within a minute.
  package var isDegraded = false

  package init() {}
}

/// A link code on show.
package struct LinkCodeDisplay: Sendable, Equatable {
  /// `XXXX-XXXX`.
  package let code: String
  /// The number it is for, digits only.
  package let phone: String
  /// Milliseconds since 1970.
  package let expiresAt: Int64
}

/// Every deadline of the machines. The defaults are the protocol's or seen clients'; tests shorten nothing, they move the clock.
package struct LinkTimings: Sendable, Equatable {
  /// Websocket and TLS. Ours.
  package var connect: Duration = .seconds(20)
  /// From client hello to server hello: whatsmeow's.
  package var handshake: Duration = .seconds(20)
  /// From the handshake to `pair-device`. Ours.
  package var references: Duration = .seconds(30)
  /// From the handshake to `success`. Ours; offline queues do not delay it.
  package var login: Duration = .seconds(60)
  /// From the saved link to the server's 515; then the client goes on by itself. Ours.
  package var restart: Duration = .seconds(20)
  /// How long the store may take to confirm. Ours.
  package var store: Duration = .seconds(30)
  /// An iq without an answer: whatsmeow's.
  package var request: Duration = .seconds(75)
  /// How many times faster codes rotate than the protocol says: 1, but for tests with a simulator whose clock does the same.
  package var codeSpeed = 1
  /// How long a link code is good: the unpaired connection's life.
  package var codeLifetime: Duration = .seconds(160)
  /// How long a passkey request is waited upon: the handoff key's validity.
  package var passkey: Duration = .seconds(300)
  /// From the unlink request to giving up on the server. Ours.
  package var logout: Duration = .seconds(10)
  /// Longest pause between reconnects (protocol page, section 5.6).
  package var backoffCap: Duration = .seconds(60)
  /// Shortest pause after 429. Ours: the page says "long".
  package var rateLimitPause: Duration = .seconds(300)

  package init() {}
}
