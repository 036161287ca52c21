// Proves from the store alone that no message was lost: `agent verify`.
// Called on an open ledger file, with or without a running host. Trusts neither the books nor the rows: each is
// checked against the other.
//
// SPDX-License-Identifier: Apache-2.0

package import HostStore

/// What an audit found.
package struct LedgerAudit: Sendable, Equatable {
  /// The books of each queue.
  package let counts: [LedgerCounts]
  /// One line per fault, for people; empty is good.
  package let faults: [String]

  /// Of a ledger that never took a message.
  package static let empty = LedgerAudit(counts: [], faults: [])

  package var holds: Bool { faults.isEmpty }

  /// Reads the whole file in one read transaction, so that a running host cannot change it underneath.
  ///
  /// - Parameter deep: SQLite's own integrity check too, which reads every page.
  package static func run(_ database: Database, deep: Bool = true) throws(StoreError) -> LedgerAudit {
    var faults = deep ? try database.integrityFaults().map { "file: \($0)" } : []
    try database.run("BEGIN")
    defer { try? database.run("COMMIT") }
    let counts = try LedgerBooks.counts(database)
    for queue in counts where !queue.balances {
      faults.append(
        "\(queue.queue): accepted \(queue.accepted) is not answered \(queue.answered) + expired \(queue.expired)"
          + " + dead_lettered \(queue.deadLettered) + in_flight \(queue.inFlight)")
    }
    faults += try booksAgainstRows(database)
    faults += try orphans(database)
    faults += try sessions(database)
    return LedgerAudit(counts: counts, faults: faults)
  }

  /// The rows that are there and those that were pruned must add up to the books, column by column.
  private static func booksAgainstRows(_ database: Database) throws(StoreError) -> [String] {
    let names = ["accepted", "answered", "expired", "dead_lettered", "in_flight", "in_flight_bytes"]
    let lines = try database.rows(
      """
      SELECT t.queue,
        accepted, count(m.sequence) + pruned_answered + pruned_expired + pruned_dead,
        answered, ifnull(sum(m.state = 2), 0) + pruned_answered,
        expired, ifnull(sum(m.state = 3), 0) + pruned_expired,
        dead, ifnull(sum(m.state = 4), 0) + pruned_dead,
        in_flight, ifnull(sum(m.state < 2), 0),
        in_flight_bytes, ifnull(sum(CASE WHEN m.state < 2 THEN m.bytes ELSE 0 END), 0)
      FROM totals t LEFT JOIN messages m ON m.queue = t.queue GROUP BY t.queue
      """
    ) { row -> [String] in
      var lines: [String] = []
      for (index, name) in names.enumerated() {
        let (books, rows) = (row.integer(Int32(index) * 2 + 1), row.integer(Int32(index) * 2 + 2))
        if books != rows { lines.append("\(row.text(0)): the books say \(name) \(books), the rows \(rows)") }
      }
      return lines
    }
    return lines.flatMap { $0 }
  }

  /// Rows of queues without books, and rows that contradict their own state.
  private static func orphans(_ database: Database) throws(StoreError) -> [String] {
    let strays = try database.rows(
      """
      SELECT id, 'its queue has no books' FROM messages WHERE queue NOT IN (SELECT queue FROM totals)
      UNION ALL SELECT id, 'it has ended without a time' FROM messages WHERE state >= 2 AND finished_at IS NULL
      UNION ALL SELECT id, 'it is leased without an end' FROM messages WHERE state = 1 AND lease_until IS NULL
      UNION ALL SELECT id, 'it is dead without a reason' FROM messages WHERE state = 4 AND failure_reason IS NULL
      UNION ALL SELECT id, 'it has ended and is still a head' FROM messages WHERE state >= 2 AND head = 1
      UNION ALL SELECT id, 'it is leased and no head' FROM messages WHERE state = 1 AND head = 0
      UNION ALL SELECT id, 'its payload is missing' FROM messages
        WHERE (state < 2 OR state = 4) AND sequence NOT IN (SELECT sequence FROM payloads)
      UNION ALL SELECT id, 'it has ended and its payload is still there' FROM messages
        WHERE state IN (2, 3) AND sequence IN (SELECT sequence FROM payloads)
      UNION ALL SELECT sequence, 'this payload has no message' FROM payloads
        WHERE sequence NOT IN (SELECT sequence FROM messages)
      UNION ALL SELECT id, 'its payload has another length' FROM messages JOIN payloads USING (sequence)
        WHERE bytes <> length(payload)
      LIMIT 20
      """
    ) { "message \($0.text(0)): \($0.text(1))" }
    return strays
  }

  /// Each session with messages in flight has exactly one head: none would be stuck, two would run at once.
  private static func sessions(_ database: Database) throws(StoreError) -> [String] {
    try database.rows(
      """
      SELECT queue, sum(head), min(id) FROM messages WHERE state < 2
      GROUP BY queue, session HAVING sum(head) <> 1 LIMIT 20
      """
    ) { "\($0.text(0)): the session of message \($0.text(2)) has \($0.integer(1)) heads" }
  }
}
