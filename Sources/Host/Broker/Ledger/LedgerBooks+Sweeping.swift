// What happens to messages without anybody asking: recovery after a crash, lost leases, expiry, pruning.
// Called by Ledger.start and by its sweep. Each step touches a bounded number of rows and says whether more remain.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import HostResilience
internal import HostStore

extension LedgerBooks {
  /// Rows that one sweep touches at most, of each kind: keeps its transaction short.
  static let sweepLimit: Int64 = 500

  /// What a sweep did, for counters, and whether it should go on.
  struct Swept: Sendable, Equatable {
    var expiredTopics: [String] = []
    var deadTopics: [String] = []
    var reclaimed = 0
    var hasMore = false
  }

  /// Takes back what the process before this one had leased. Called once, before anything is leased.
  func recover(using random: inout some RandomNumberGenerator) throws(StoreError) -> Swept {
    var swept = Swept()
    let rows = try database.rows(
      """
      SELECT sequence, queue, session, topic, bytes, failures, crashes FROM messages
      WHERE state = 1 ORDER BY sequence
      """, as: LedgerBooks.row)
    let backoff = Backoff(first: policy.backoff.first, longest: policy.backoff.longest)
    for row in rows {
      if row.crashes + 1 >= policy.crashes {
        let failure = LedgerFailure.permanent(
          .brokerPoisoned, "the host ended \(row.crashes + 1) times while it worked on it")
        try bury(row, .poisoned, failure)
        swept.deadTopics.append(row.topic)
        continue
      }
      // The first time at once: most crashes have nothing to do with the message.
      let wait = row.crashes == 0 ? 0 : backoff.delay(after: row.crashes, using: &random).nanoseconds
      try database.run(
        """
        UPDATE messages SET state = 0, lease_until = NULL, crashes = crashes + 1, not_before = ?, failure_reason = NULL
        WHERE sequence = ?
        """,
        SQLValue(now + wait), .integer(row.sequence))
      swept.reclaimed += 1
    }
    return swept
  }

  /// Expires what is too old, takes back lost leases, and removes what has been kept long enough.
  func sweep(using random: inout some RandomNumberGenerator) throws(StoreError) -> Swept {
    var swept = Swept()
    try expire(into: &swept)
    try reclaim(into: &swept, using: &random)
    try prune(into: &swept)
    return swept
  }

  private func expire(into swept: inout Swept) throws(StoreError) {
    let rows = try database.rows(
      """
      SELECT sequence, queue, session, topic, bytes, failures, crashes FROM messages
      WHERE state = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ?
      """, SQLValue(now), .integer(LedgerBooks.sweepLimit), as: LedgerBooks.row)
    for row in rows { try finish(row, as: .expired) }
    swept.expiredTopics = rows.map(\.topic)
    swept.hasMore = swept.hasMore || rows.count == LedgerBooks.sweepLimit
  }

  private func reclaim(into swept: inout Swept, using random: inout some RandomNumberGenerator) throws(StoreError) {
    let rows = try database.rows(
      """
      SELECT sequence, queue, session, topic, bytes, failures, crashes FROM messages
      WHERE state = 1 AND lease_until <= ? ORDER BY lease_until LIMIT ?
      """, SQLValue(now), .integer(LedgerBooks.sweepLimit), as: LedgerBooks.row)
    for row in rows {
      let lost = LedgerFailure.transient(.brokerLeaseLost, "its turn did not end within its lease")
      if case .deadLettered = try fail(row, lost, using: &random) { swept.deadTopics.append(row.topic) }
    }
    swept.reclaimed = rows.count
    swept.hasMore = swept.hasMore || rows.count == LedgerBooks.sweepLimit
  }

  private func prune(into swept: inout Swept) throws(StoreError) {
    let old = now > policy.retention.nanoseconds ? now - policy.retention.nanoseconds : 0
    var rows = try database.rows(
      """
      SELECT sequence, queue, state FROM messages
      WHERE (state = 2 OR state = 3) AND finished_at < ? ORDER BY finished_at LIMIT ?
      """, SQLValue(old), .integer(LedgerBooks.sweepLimit), as: LedgerBooks.finished)
    let kept =
      try database.first(
        "SELECT ifnull(sum(answered + expired - pruned_answered - pruned_expired), 0) FROM totals"
      ) { $0.integer(0) } ?? 0
    let excess = min(kept - Int64(rows.count) - Int64(policy.finishedLimit), LedgerBooks.sweepLimit)
    if excess > 0 {
      rows = try database.rows(
        """
        SELECT sequence, queue, state FROM messages WHERE (state = 2 OR state = 3) ORDER BY finished_at LIMIT ?
        """, .integer(Int64(rows.count) + excess), as: LedgerBooks.finished)
    }
    let dead = try database.first("SELECT ifnull(sum(dead - pruned_dead), 0) FROM totals") { $0.integer(0) } ?? 0
    let surplus = min(dead - Int64(policy.deadLetterLimit), LedgerBooks.sweepLimit)
    if surplus > 0 {
      rows += try database.rows(
        "SELECT sequence, queue, state FROM messages WHERE state = 4 ORDER BY finished_at LIMIT ?", .integer(surplus),
        as: LedgerBooks.finished)
    }
    for row in rows { try remove(row) }
    swept.hasMore = swept.hasMore || rows.count >= LedgerBooks.sweepLimit
  }

  /// A row that has ended.
  typealias Finished = (sequence: Int64, queue: String, state: Int64)

  static func finished(_ row: borrowing SQLRow) -> Finished {
    (row.integer(0), row.text(1), row.integer(2))
  }

  /// Deletes a row that has ended; the books remember that there was one.
  func remove(_ row: Finished) throws(StoreError) {
    try database.run("DELETE FROM messages WHERE sequence = ?", .integer(row.sequence))
    try database.run("DELETE FROM payloads WHERE sequence = ?", .integer(row.sequence))
    try database.run(
      """
      UPDATE totals SET pruned_answered = pruned_answered + (?2 = 2), pruned_expired = pruned_expired + (?2 = 3),
        pruned_dead = pruned_dead + (?2 = 4)
      WHERE queue = ?1
      """, .text(row.queue), .integer(row.state))
  }
}
