// The dead letters: list, show, replay, purge.
// Called by Ledger while a host runs, and by `agent dlq` directly on the store while none does.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
package import HostStore

/// A message that was given up.
package struct DeadLetter: Sendable, Equatable {
  package let id: String
  package let queue: String
  package let topic: String
  package let source: String
  package let session: String
  /// JSON as it was accepted. May hold what people wrote: shown by `agent dlq show` only.
  package let payload: [UInt8]
  package let failureClass: FailureClass
  /// A reason's code.
  package let reason: String
  package let detail: String
  package let deliveries: Int
  package let crashes: Int
  /// Nanoseconds since the epoch.
  package let acceptedAt: UInt64
  package let failedAt: UInt64
}

/// Operations on dead letters, on an open ledger file.
package enum DeadLetters {
  /// The newest first, at most `limit`.
  package static func list(_ database: Database, limit: Int = 1_000) throws(StoreError) -> [DeadLetter] {
    try database.rows(
      """
      SELECT id, queue, topic, source, session, payload, failure_class, failure_reason, failure_detail, deliveries,
        crashes, accepted_at, finished_at
      FROM messages JOIN payloads USING (sequence) WHERE state = 4 ORDER BY finished_at DESC, sequence DESC LIMIT ?
      """, SQLValue(limit), as: letter)
  }

  /// One by its id, or nil.
  package static func find(_ id: String, _ database: Database) throws(StoreError) -> DeadLetter? {
    try database.first(
      """
      SELECT id, queue, topic, source, session, payload, failure_class, failure_reason, failure_detail, deliveries,
        crashes, accepted_at, finished_at
      FROM messages JOIN payloads USING (sequence) WHERE id = ? AND state = 4
      """, .text(id), as: letter)
  }

  /// Puts one back into its queue, with a new life and its attempts forgotten. It comes after
  /// what its session has in hand now and before the rest of it. Must run in a transaction.
  ///
  /// - Returns: false when there is no such dead letter.
  package static func replay(
    _ id: String, _ database: Database, life: Duration, now: UInt64
  ) throws(StoreError) -> Bool {
    let row = try database.first(
      "SELECT sequence, queue, session, bytes FROM messages WHERE id = ? AND state = 4", .text(id)
    ) { ($0.integer(0), $0.text(1), $0.text(2), $0.integer(3)) }
    guard let (sequence, queue, session, bytes) = row else { return false }
    try database.run(
      """
      UPDATE messages SET state = 0, failures = 0, crashes = 0, not_before = ?2, expires_at = ?3, finished_at = NULL,
        failure_class = NULL, failure_reason = NULL, failure_detail = NULL
      WHERE sequence = ?1
      """, .integer(sequence), SQLValue(now), SQLValue(now + life.nanoseconds))
    try LedgerBooks.promote(database, queue: queue, session: session)
    try database.run(
      """
      UPDATE totals SET dead = dead - 1, in_flight = in_flight + 1, in_flight_bytes = in_flight_bytes + ?2
      WHERE queue = ?1
      """, .text(queue), .integer(bytes))
    return true
  }

  /// Deletes all of them; the books keep their number. Must run in a transaction.
  ///
  /// - Returns: how many there were.
  package static func purge(_ database: Database) throws(StoreError) -> Int {
    try database.run(
      """
      UPDATE totals SET pruned_dead = pruned_dead +
        (SELECT count(*) FROM messages WHERE state = 4 AND messages.queue = totals.queue)
      """)
    try database.run("DELETE FROM payloads WHERE sequence IN (SELECT sequence FROM messages WHERE state = 4)")
    try database.run("DELETE FROM messages WHERE state = 4")
    return database.changes
  }

  private static func letter(_ row: borrowing SQLRow) -> DeadLetter {
    DeadLetter(
      id: row.text(0), queue: row.text(1), topic: row.text(2), source: row.text(3), session: row.text(4),
      payload: row.blob(5), failureClass: FailureClass(rawValue: row.text(6)) ?? .permanent, reason: row.text(7),
      detail: row.text(8), deliveries: Int(row.integer(9)), crashes: Int(row.integer(10)),
      acceptedAt: UInt64(clamping: row.integer(11)), failedAt: UInt64(clamping: row.integer(12)))
  }
}
