// What goes into the ledger and what comes out of it: messages, leases, failures, counts.
// Used by channels (accept), by the agent runtime (leases) and by the commands on dead letters.
// The ledger knows nothing of agents: a payload is bytes, a session is a word that orders messages.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// A message to be accepted.
package struct LedgerMessage: Sendable, Equatable {
  /// What is worked off together, such as `inbound`; 1...64 bytes. A closed set chosen by the host.
  package var queue: String
  /// Where it came in or goes out: `plugin.inbound.chat.sales`. A valid ``Topic``.
  package var topic: String
  /// Who sent it, such as a plugin's id; at most 256 bytes.
  package var source: String
  /// Orders messages: those of one session in one queue are leased one after the other, in the order in which they
  /// were accepted; different sessions in parallel. 1...512 bytes; for a conversation `channel/instance/chat`.
  package var session: String
  /// The same key in the same queue is the same message: accepting it again changes nothing. 1...512 bytes; for
  /// an inbound message what the channel calls its id. Kept for ``LedgerPolicy/retention`` after the message's end.
  package var key: String
  /// JSON, at most ``LedgerPolicy/payloadLimit`` bytes. Removed from the store when the message has been answered.
  package var payload: [UInt8]
  /// How long it may wait to be answered; nil: ``LedgerPolicy/life``.
  package var life: Duration?

  package init(
    queue: String, topic: String, source: String, session: String, key: String, payload: [UInt8], life: Duration? = nil
  ) {
    self.queue = queue
    self.topic = topic
    self.source = source
    self.session = session
    self.key = key
    self.payload = payload
    self.life = life
  }
}

/// What became of a message that was offered.
package enum Acceptance: Sendable, Equatable {
  /// It is on disk: it may be acknowledged to its sender.
  case accepted(id: String)
  /// It is one that was accepted before; it may be acknowledged too, and nothing else happens.
  case duplicate(id: String)
}

/// A message held by one turn. Only its holder can settle it, once, until it runs out.
package struct LedgerLease: Sendable, Equatable {
  /// Increases with acceptance. With ``delivery`` it fences off a holder that lost its lease.
  let sequence: Int64
  /// UUID.
  package let id: String
  package let queue: String
  package let topic: String
  package let source: String
  package let session: String
  package let key: String
  package let payload: [UInt8]
  /// 1 the first time; more after a failure, a lost lease or a crash: the work may have been done before.
  package let delivery: Int
  /// Nanoseconds since the epoch.
  package let acceptedAt: UInt64
  /// Nanoseconds since the epoch: from here on another delivery may begin, unless renewed.
  package let expiresAt: UInt64
}

/// Whether trying again can help.
package enum FailureClass: String, Sendable, CaseIterable {
  /// It may pass: tried again after a wait, a bounded number of times.
  case transient
  /// It will not: to the dead letters at once.
  case permanent
  /// Transient, and all attempts are used up. Only the ledger gives this class.
  case exhausted
  /// The host died on it. Only the ledger gives this class.
  case poisoned
}

/// Why a delivery failed.
package struct LedgerFailure: Sendable, Equatable {
  package let failureClass: FailureClass
  package let reason: Reason
  /// For people, at most 500 bytes are kept. No message text, number, address or token.
  package let detail: String
  /// The wait that the other side asked for; the backoff may be longer.
  package let retryAfter: Duration
  /// Whether it is one of the ``LedgerPolicy/attempts``.
  package let usesAttempt: Bool

  package static func transient(_ reason: Reason, _ detail: String, retryAfter: Duration = .zero) -> LedgerFailure {
    LedgerFailure(
      failureClass: .transient, reason: reason, detail: detail, retryAfter: retryAfter, usesAttempt: true)
  }
  /// Nothing was tried, for nobody was there who could: as often as it takes, until the message's life ends.
  package static func notTried(_ reason: Reason, _ detail: String, retryAfter: Duration = .seconds(2)) -> LedgerFailure
  {
    LedgerFailure(
      failureClass: .transient, reason: reason, detail: detail, retryAfter: retryAfter, usesAttempt: false)
  }
  package static func permanent(_ reason: Reason, _ detail: String) -> LedgerFailure {
    LedgerFailure(failureClass: .permanent, reason: reason, detail: detail, retryAfter: .zero, usesAttempt: true)
  }
}

/// What became of a message whose delivery failed.
package enum LedgerFate: Sendable, Equatable {
  /// It will be leased again, not before this moment (nanoseconds since the epoch).
  case retried(notBefore: UInt64)
  case deadLettered(FailureClass)
}

/// The bounds of the ledger. The defaults are the specification's where it names one.
package struct LedgerPolicy: Sendable {
  /// A message that was not answered within this time expires instead of being answered late.
  package var life: Duration = .seconds(900)
  /// How long a holder may work without renewing: no more than a life, longer than any model's deadline.
  package var lease: Duration = .seconds(300)
  /// Deliveries that may fail as transient before the message is a dead letter.
  package var attempts = 5
  package var backoff: (first: Duration, longest: Duration) = (.seconds(1), .seconds(60))
  /// Crashes of the host with the message leased before it is a dead letter. High, because a crash takes the
  /// innocent along: everything that was leased at that moment counts one.
  package var crashes = 10
  /// Bytes of one payload: the ABI's limit.
  package var payloadLimit = 1 << 20
  /// Messages of one queue that may be in flight; more are refused.
  package var inFlightLimit = 100_000
  /// Bytes of payload of one queue that may be in flight.
  package var inFlightBytesLimit = 1 << 30
  /// How long the keys of answered and expired messages are kept, to recognise a repetition.
  package var retention: Duration = .seconds(86_400)
  /// Finished messages that are kept at most; the oldest go first.
  package var finishedLimit = 200_000
  /// Dead letters that are kept at most; the oldest go first, counted.
  package var deadLetterLimit = 10_000

  package init() {}
}

/// The books of one queue.
package struct LedgerCounts: Sendable, Equatable {
  package var queue: String
  package var accepted = 0
  package var answered = 0
  package var expired = 0
  /// Dead letters, purged ones included.
  package var deadLettered = 0
  package var inFlight = 0
  /// Bytes of payload in flight.
  package var inFlightBytes = 0

  /// accepted = answered + expired + dead_lettered + in_flight
  package var balances: Bool { accepted == answered + expired + deadLettered + inFlight }

  package init(queue: String) { self.queue = queue }
}
