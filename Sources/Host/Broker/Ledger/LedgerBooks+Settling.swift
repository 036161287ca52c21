// How a leased message ends or goes back: answered, failed, released, renewed.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import HostResilience
internal import HostStore

extension LedgerBooks {
  /// What a step needs to know of a row that leaves a state.
  struct Row {
    let sequence: Int64
    let queue: String
    let session: String
    let topic: String
    let bytes: Int64
    let failures: Int
    let crashes: Int
  }

  /// Ends a message as answered and stores what it gave rise to, all or nothing.
  ///
  /// - Parameter emitting: messages such as the replies to be sent; their keys make a repeated turn harmless. They
  ///   are taken whatever the backlog: they replace the one that ends.
  /// - Returns: nil when the lease is lost, and nothing was stored then; else whether another message of its session may
  ///   be leased now.
  func answer(_ lease: LedgerLease, emitting: [LedgerMessage]) throws(StoreError) -> Bool? {
    guard let row = try held(lease) else { return nil }
    let hasNext = try finish(row, as: .answered)
    var open = policy
    (open.inFlightLimit, open.inFlightBytesLimit) = (.max, .max)
    for message in emitting { _ = try LedgerBooks(database: database, policy: open, now: now).accept(message) }
    return hasNext
  }

  /// Takes a failed delivery back for another attempt, or puts it among the dead letters.
  ///
  /// - Returns: nil when the lease is lost.
  func fail(
    _ lease: LedgerLease, _ failure: LedgerFailure, using random: inout some RandomNumberGenerator
  ) throws(StoreError) -> LedgerFate? {
    guard let row = try held(lease) else { return nil }
    return try fail(row, failure, using: &random)
  }

  /// The same for a row that the sweep found.
  func fail(
    _ row: Row, _ failure: LedgerFailure, using random: inout some RandomNumberGenerator
  ) throws(StoreError) -> LedgerFate {
    if failure.failureClass != .transient {
      try bury(row, failure.failureClass, failure)
      return .deadLettered(failure.failureClass)
    }
    let failures = row.failures + (failure.usesAttempt ? 1 : 0)
    if failures >= policy.attempts {
      try bury(row, .exhausted, failure)
      return .deadLettered(.exhausted)
    }
    let backoff = Backoff(first: policy.backoff.first, longest: policy.backoff.longest)
    let wait = backoff.delay(after: max(failures, 1), atLeast: failure.retryAfter, using: &random)
    let notBefore = now + wait.nanoseconds
    try database.run(
      """
      UPDATE messages SET state = 0, failures = ?, not_before = ?, lease_until = NULL, failure_class = ?, failure_reason = ?,
        failure_detail = ?
      WHERE sequence = ?
      """,
      SQLValue(failures), SQLValue(notBefore), .text(FailureClass.transient.rawValue), .text(failure.reason.code),
      .text(LedgerBooks.cut(failure.detail)), .integer(row.sequence))
    return .retried(notBefore: notBefore)
  }

  /// Gives a message back untried, such as at shutdown: it is delivered again at once and nothing is counted.
  func release(_ lease: LedgerLease) throws(StoreError) -> Bool {
    guard let row = try held(lease) else { return false }
    try database.run(
      "UPDATE messages SET state = 0, lease_until = NULL WHERE sequence = ?", .integer(row.sequence))
    return true
  }

  /// Makes due what waits in a queue after a failure with this reason.
  ///
  /// - Returns: how many sessions go on.
  func hurry(_ queue: String, _ reason: Reason) throws(StoreError) -> Int {
    try database.run(
      """
      UPDATE messages SET not_before = ?1
      WHERE queue = ?2 AND state = 0 AND head = 1 AND not_before > ?1 AND failure_reason = ?3
      """, SQLValue(now), .text(queue), .text(reason.code))
    return database.changes
  }

  /// Holds a message for another lease from now.
  func renew(_ lease: LedgerLease) throws(StoreError) -> Bool {
    try database.run(
      "UPDATE messages SET lease_until = ? WHERE sequence = ? AND state = 1 AND deliveries = ?",
      SQLValue(now + policy.lease.nanoseconds), .integer(lease.sequence), SQLValue(lease.delivery))
    return database.changes == 1
  }

  /// The row of a lease that still holds: leased, and by this delivery.
  private func held(_ lease: LedgerLease) throws(StoreError) -> Row? {
    try database.first(
      """
      SELECT sequence, queue, session, topic, bytes, failures, crashes FROM messages
      WHERE sequence = ? AND state = 1 AND deliveries = ?
      """, .integer(lease.sequence), SQLValue(lease.delivery), as: LedgerBooks.row)
  }

  static func row(_ row: borrowing SQLRow) -> Row {
    Row(
      sequence: row.integer(0), queue: row.text(1), session: row.text(2), topic: row.text(3), bytes: row.integer(4),
      failures: Int(row.integer(5)), crashes: Int(row.integer(6)))
  }

  /// Puts a row among the dead letters; its payload stays.
  func bury(_ row: Row, _ failureClass: FailureClass, _ failure: LedgerFailure) throws(StoreError) {
    try database.run(
      "UPDATE messages SET failure_class = ?, failure_reason = ?, failure_detail = ? WHERE sequence = ?",
      .text(failureClass.rawValue), .text(failure.reason.code), .text(LedgerBooks.cut(failure.detail)),
      .integer(row.sequence))
    try finish(row, as: .dead)
  }

  /// Ends a row, moves it in the books, and lets the next of its session go.
  ///
  /// - Returns: whether there was a next.
  @discardableResult
  func finish(_ row: Row, as state: LedgerState) throws(StoreError) -> Bool {
    try database.run(
      "UPDATE messages SET state = ?, head = 0, lease_until = NULL, finished_at = ? WHERE sequence = ?",
      .integer(state.rawValue), SQLValue(now), .integer(row.sequence))
    // The text of a message is not kept longer than it is needed; a dead letter may be needed again.
    if state != .dead { try database.run("DELETE FROM payloads WHERE sequence = ?", .integer(row.sequence)) }
    try database.run(
      """
      UPDATE totals SET in_flight = in_flight - 1, in_flight_bytes = in_flight_bytes - ?3,
        answered = answered + (?2 = 2), expired = expired + (?2 = 3), dead = dead + (?2 = 4)
      WHERE queue = ?1
      """, .text(row.queue), .integer(state.rawValue), .integer(row.bytes))
    try LedgerBooks.promote(database, queue: row.queue, session: row.session)
    return database.changes > 0
  }

  /// Makes the oldest message in flight of a session its head, unless it has one.
  static func promote(_ database: Database, queue: String, session: String) throws(StoreError) {
    try database.run(
      """
      UPDATE messages SET head = 1
      WHERE sequence =
        (SELECT sequence FROM messages WHERE queue = ?1 AND session = ?2 AND state < 2 ORDER BY sequence LIMIT 1)
      AND NOT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND session = ?2 AND state < 2 AND head = 1)
      """, .text(queue), .text(session))
  }

  /// At most 500 bytes of a detail, cut between characters.
  static func cut(_ detail: String) -> String {
    if detail.utf8.count <= 500 { return detail }
    var cut = Substring(detail)
    while cut.utf8.count > 497 { cut.removeLast() }
    return cut + "..."
  }
}
