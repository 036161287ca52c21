// How the server ends a stream, and what that means for the link: one table from codes to consequences.
// LinkMachine asks it for every stanza. Source: protocol page, section 5.6.
//
// SPDX-License-Identifier: Apache-2.0

/// What to do when a stream ended.
package enum StreamConsequence: Sendable, Equatable {
  /// Connect again at once, without counting it as an error.
  case reconnectNow
  /// Connect again after the usual pause, or after `pause` if that is longer.
  case backOff(LinkReason, pause: Duration = .zero)
  /// Wait out a ban, then connect again.
  case banned(for: Duration)
  /// Stop until the owner acts. `wipe`: the credentials are worthless and go.
  case stop(LinkState, LinkReason, wipe: Bool)
}

/// An end of the stream as the server said it: `<stream:error>`, `<failure>`, or the closing token.
package struct StreamEnd: Sendable, Equatable {
  package let consequence: StreamConsequence
  /// The server's words, bounded and printable.
  package let detail: String

  /// Nil when the stanza is no end of the stream.
  package init?(_ stanza: Node, timings: LinkTimings) {
    switch stanza.tag {
    case "failure":
      let reason = stanza.text("reason") ?? "?"
      consequence = Self.consequence(ofFailure: reason, stanza)
      let words = ["code", "logout_message_header", "logout_message_subtext"].compactMap { stanza.text($0) }
      detail = ([reason] + words).joined(separator: ": ").visible(limit: 300)
    case "stream:error":
      consequence = Self.consequence(ofError: stanza, timings)
      detail = "stream error \(stanza.text("code") ?? "") \(stanza.children.map(\.tag).joined(separator: ","))".visible(
        limit: 128)
    case "xmlstreamend":
      consequence = .backOff(.streamEnded)
      detail = "stream end"
    default: return nil
    }
  }

  private static func consequence(ofError stanza: Node, _ timings: LinkTimings) -> StreamConsequence {
    let code = stanza.text("code")
    switch (code, stanza.child("conflict")?.text("type")) {
    // 409 and 440 are Baileys' numbers for the same, seen without the child too.
    case (_, "replaced"), ("409", nil), ("440", nil): return .stop(.replaced, .replaced, wipe: false)
    case (_, "device_removed"), ("516", _): return .stop(.loggedOut, .deviceRemoved, wipe: true)
    case ("515", _): return .reconnectNow
    case ("503", _): return .backOff(.serverTrouble)
    case ("429", _): return .backOff(.rateLimited, pause: timings.rateLimitPause)
    default: return .backOff(.streamError)
    }
  }

  private static func consequence(ofFailure reason: String, _ stanza: Node) -> StreamConsequence {
    switch reason {
    case "401": return .stop(.loggedOut, .loggedOut, wipe: true)
    case "402":
      // Seconds; a server that names none, or nonsense, gets an hour.
      let seconds = stanza.number("expire").map { min($0, 366 * 86_400) } ?? 3600
      return .banned(for: .seconds(Int64(clamping: seconds)))
    case "403": return .stop(.loggedOut, .accountLocked, wipe: true)
    case "405": return .stop(.outdated, .clientOutdated, wipe: false)
    case "406": return .stop(.banned, .banned, wipe: true)
    case "428": return .stop(.failed, .registrationRefused, wipe: false)
    case "500", "503": return .backOff(.serverTrouble)
    default: return .stop(.failed, .clientRefused, wipe: false)
    }
  }
}
