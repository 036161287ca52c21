// The ledger's transitions as plain steps on an open database; each runs inside a transaction of its caller.
// Called by Ledger on the store's thread, and by tests. No clock, no locks, no waiting: the moment is given.
// Accepting and claiming are here; LedgerBooks+Settling.swift ends messages, LedgerBooks+Sweeping.swift cleans up.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import HostResilience
internal import HostStore

/// Steps on the ledger's tables.
struct LedgerBooks {
  let database: Database
  let policy: LedgerPolicy
  /// Nanoseconds since the epoch.
  let now: UInt64

  /// Why a message was not taken; not an error of the store, so the transaction stands.
  enum AcceptRefusal: Error, Equatable {
    case backlogFull
  }

  /// Stores a message unless its key is known.
  func accept(_ message: LedgerMessage) throws(StoreError) -> Result<Acceptance, AcceptRefusal> {
    let known = try database.first(
      "SELECT id FROM messages WHERE queue = ? AND key = ?", .text(message.queue), .text(message.key)
    ) { $0.text(0) }
    if let known { return .success(.duplicate(id: known)) }
    let load = try database.first(
      "SELECT in_flight, in_flight_bytes FROM totals WHERE queue = ?", .text(message.queue)
    ) { (messages: $0.integer(0), bytes: $0.integer(1)) }
    if let load {
      guard load.messages < policy.inFlightLimit,
        load.bytes + Int64(message.payload.count) <= policy.inFlightBytesLimit
      else { return .failure(.backlogFull) }
    }
    return .success(.accepted(id: try insert(message)))
  }

  private func insert(_ message: LedgerMessage) throws(StoreError) -> String {
    let id = UUIDText.random()
    let life = (message.life ?? policy.life).nanoseconds
    try database.run(
      """
      INSERT INTO messages (id, queue, key, session, topic, source, bytes, state, head, accepted_at, expires_at,
        not_before)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0,
        NOT EXISTS (SELECT 1 FROM messages WHERE queue = ?2 AND session = ?4 AND state < 2), ?8, ?9, ?8)
      """,
      .text(id), .text(message.queue), .text(message.key), .text(message.session), .text(message.topic),
      .text(message.source), SQLValue(message.payload.count), SQLValue(now),
      SQLValue(now.addingReportingOverflow(life).overflow ? UInt64.max : now + life))
    try database.run(
      "INSERT INTO payloads (sequence, payload) VALUES (?, ?)", .integer(database.lastRow), .blob(message.payload))
    try database.run(
      """
      INSERT INTO totals (queue, accepted, in_flight, in_flight_bytes) VALUES (?1, 1, 1, ?2)
      ON CONFLICT (queue) DO UPDATE
      SET accepted = accepted + 1, in_flight = in_flight + 1, in_flight_bytes = in_flight_bytes + ?2
      """, .text(message.queue), SQLValue(message.payload.count))
    return id
  }

  /// Leases up to `limit` messages: the heads of as many sessions, those that have waited longest first.
  func claim(queue: String, limit: Int) throws(StoreError) -> [LedgerLease] {
    let until = now + policy.lease.nanoseconds
    let leases = try database.rows(
      """
      SELECT sequence, id, topic, source, session, key, payload, deliveries, accepted_at
      FROM messages JOIN payloads USING (sequence)
      WHERE queue = ? AND state = 0 AND head = 1 AND not_before <= ?2 AND expires_at > ?2
      ORDER BY not_before, sequence LIMIT ?3
      """, .text(queue), SQLValue(now), SQLValue(limit)
    ) { row in
      LedgerLease(
        sequence: row.integer(0), id: row.text(1), queue: queue, topic: row.text(2), source: row.text(3),
        session: row.text(4), key: row.text(5), payload: row.blob(6), delivery: Int(row.integer(7)) + 1,
        acceptedAt: UInt64(clamping: row.integer(8)), expiresAt: until)
    }
    for lease in leases {
      try database.run(
        "UPDATE messages SET state = 1, deliveries = deliveries + 1, lease_until = ? WHERE sequence = ?",
        SQLValue(until), .integer(lease.sequence))
    }
    return leases
  }

  /// When the next message of a queue may be leased that may not be leased yet; nil when there is none.
  func nextDue(queue: String) throws(StoreError) -> UInt64? {
    try database.first(
      """
      SELECT not_before FROM messages
      WHERE queue = ? AND state = 0 AND head = 1 AND expires_at > ? ORDER BY not_before LIMIT 1
      """, .text(queue), SQLValue(now)
    ) { UInt64(clamping: $0.integer(0)) }
  }

  /// The books of every queue that ever had a message, by name.
  static func counts(_ database: Database) throws(StoreError) -> [LedgerCounts] {
    try database.rows(
      "SELECT queue, accepted, answered, expired, dead, in_flight, in_flight_bytes FROM totals ORDER BY queue"
    ) { row in
      var counts = LedgerCounts(queue: row.text(0))
      counts.accepted = Int(row.integer(1))
      counts.answered = Int(row.integer(2))
      counts.expired = Int(row.integer(3))
      counts.deadLettered = Int(row.integer(4))
      counts.inFlight = Int(row.integer(5))
      counts.inFlightBytes = Int(row.integer(6))
      return counts
    }
  }
}
