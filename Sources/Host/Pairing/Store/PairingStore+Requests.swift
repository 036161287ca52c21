// Requests and approvals in the store. Every change is one transaction, so that the gate, the console and commands of other
// processes can work at once. Called by ChallengeGate, the console's routes and `agent pair`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostStore

/// Where a sender stands.
package enum Standing: Sendable, Equatable {
  case approved
  /// Is to be sent this code.
  case due(code: String, secondsLeft: Int)
  case coolingDown
  case noSlot
}

/// ``PairingRules/codeLife``.
private let codeSeconds = PairingRules.codeLife.components.seconds

extension PairingStore {
  /// Where a sender stands, as far as reading tells; nil when a request has to be written down.
  func standing(of peer: PairingPeer, now: UInt64) async throws(PairingError) -> Standing? {
    let moment = PairingStore.seconds(now)
    return try await read { (database) throws(StoreError) in
      if try PairingStore.isApproved(peer, database) { return .approved }
      if let row = try PairingStore.pending(peer, database), row.created > moment - codeSeconds {
        return row.isCooling(moment) ? .coolingDown : nil
      }
      return try PairingStore.waiting(peer, moment, database) >= PairingRules.slots ? .noSlot : nil
    }
  }

  /// Writes a request down if there is room for it.
  ///
  /// - Returns: where the sender stands now, and how many expired codes made room.
  func request(_ peer: PairingPeer, now: UInt64) async throws(PairingError) -> (standing: Standing, expired: Int) {
    let moment = PairingStore.seconds(now)
    return try await write { (database) throws(StoreError) in
      if try PairingStore.isApproved(peer, database) { return (.approved, 0) }
      var expired = try PairingStore.prune(moment, database)
      if let row = try PairingStore.pending(peer, database) {
        let left = Int(row.created + codeSeconds - moment)
        if left > 0 {
          return (row.isCooling(moment) ? .coolingDown : .due(code: row.code, secondsLeft: left), expired)
        }
        try PairingStore.remove(peer, database)
        expired += 1
      }
      guard try PairingStore.waiting(peer, moment, database) < PairingRules.slots else { return (.noSlot, expired) }
      let code = try PairingStore.freshCode(database)
      try database.run(
        "INSERT INTO pairing_pending (channel, account_id, sender_id, code, created_at) VALUES (?, ?, ?, ?, ?)",
        .text(peer.channel), .text(peer.account), .text(peer.sender), .text(code), SQLValue(moment))
      return (.due(code: code, secondsLeft: Int(codeSeconds)), expired)
    }
  }

  /// Notes when a sender was answered.
  func challenged(_ peer: PairingPeer, at moment: UInt64) async throws(PairingError) {
    try await write { (database) throws(StoreError) in
      try database.run(
        "UPDATE pairing_pending SET challenged_at = ? WHERE channel = ? AND account_id = ? AND sender_id = ?",
        SQLValue(PairingStore.seconds(moment)), .text(peer.channel), .text(peer.account), .text(peer.sender))
    }
  }

  /// Removes codes past their life.
  ///
  /// - Returns: how many.
  func expire(now: UInt64) async throws(PairingError) -> Int {
    try await write { (database) throws(StoreError) in try PairingStore.prune(PairingStore.seconds(now), database) }
  }

  /// Lets the sender in who was sent this code. A code that has expired is removed.
  package func approve(_ code: String, via way: ApprovalWay, now: UInt64) async throws(PairingError) -> ApprovalOutcome
  {
    let (moment, wanted) = (PairingStore.seconds(now), PairingRules.canonical(code))
    return try await write { (database) throws(StoreError) in
      let row = try database.first(
        "SELECT channel, account_id, sender_id, created_at FROM pairing_pending WHERE code = ?", .text(wanted)
      ) { row in
        (peer: PairingPeer(channel: row.text(0), account: row.text(1), sender: row.text(2)), created: row.integer(3))
      }
      guard let row else { return .unknown }
      try PairingStore.remove(row.peer, database)
      guard row.created > moment - codeSeconds else { return .expired(channel: row.peer.channel) }
      try PairingStore.allow(row.peer, way, moment, database)
      return .approved(
        PairingApproval(
          peer: row.peer, approved: PairingStore.nanoseconds(moment), via: way.rawValue, revoked: nil))
    }
  }

  /// Takes a sender's approvals back, on every account of the channel.
  ///
  /// - Returns: how many there were.
  package func revoke(channel: String, sender: String, now: UInt64) async throws(PairingError) -> Int {
    try await write { (database) throws(StoreError) in
      try database.run(
        "UPDATE pairing_allow_from SET revoked_at = ? WHERE channel = ? AND sender_id = ? AND revoked_at IS NULL",
        SQLValue(PairingStore.seconds(now)), .text(channel), .text(sender))
      return database.changes
    }
  }

  /// Lets senders in without a code. One that is in already is left as it is.
  ///
  /// - Returns: how many were not in before.
  package func seed(_ peers: [PairingPeer], now: UInt64) async throws(PairingError) -> Int {
    let moment = PairingStore.seconds(now)
    return try await write { (database) throws(StoreError) in
      var count = 0
      for peer in peers {
        if try PairingStore.isApproved(peer, database) { continue }
        try PairingStore.allow(peer, .seed, moment, database)
        try PairingStore.remove(peer, database)
        count += 1
      }
      return count
    }
  }

  /// Requests that wait, the oldest first.
  package func requests(channel: String? = nil, now: UInt64) async throws(PairingError) -> [PairingRequest] {
    let moment = PairingStore.seconds(now)
    return try await read { (database) throws(StoreError) in
      try database.rows(
        """
        SELECT channel, account_id, sender_id, code, created_at, meta_json FROM pairing_pending
        WHERE created_at > ?1 AND (?2 IS NULL OR channel = ?2) ORDER BY created_at, channel, account_id, sender_id
        """, SQLValue(moment - codeSeconds), SQLValue(channel)
      ) { row in
        PairingRequest(
          peer: PairingPeer(channel: row.text(0), account: row.text(1), sender: row.text(2)), code: row.text(3),
          created: PairingStore.nanoseconds(row.integer(4)), meta: (try? JSON.parse(row.text(5))) ?? [:])
      }
    }
  }

  /// Who was let in, by channel, account and sender.
  package func approvals(
    channel: String? = nil, includingRevoked: Bool = false
  ) async throws(PairingError) -> [PairingApproval] {
    try await read { (database) throws(StoreError) in
      try database.rows(
        """
        SELECT channel, account_id, sender_id, approved_at, approved_via, revoked_at FROM pairing_allow_from
        WHERE (?1 IS NULL OR channel = ?1) AND (?2 OR revoked_at IS NULL) ORDER BY channel, account_id, sender_id
        """, SQLValue(channel), SQLValue(includingRevoked ? 1 : 0)
      ) { row in
        PairingApproval(
          peer: PairingPeer(channel: row.text(0), account: row.text(1), sender: row.text(2)),
          approved: PairingStore.nanoseconds(row.integer(3)), via: row.text(4),
          revoked: row.isNull(5) ? nil : PairingStore.nanoseconds(row.integer(5)))
      }
    }
  }

  // MARK: Inside a transaction

  private struct Pending {
    let code: String
    let created: Int64
    let challenged: Int64?

    /// A clock that was set back makes a sender wait no longer than twice the time.
    func isCooling(_ moment: Int64) -> Bool {
      challenged.map { abs(moment - $0) < PairingRules.coolDown.components.seconds } ?? false
    }
  }

  private static func isApproved(_ peer: PairingPeer, _ database: Database) throws(StoreError) -> Bool {
    try database.first(
      """
      SELECT 1 FROM pairing_allow_from
      WHERE channel = ? AND account_id = ? AND sender_id = ? AND revoked_at IS NULL
      """, .text(peer.channel), .text(peer.account), .text(peer.sender)
    ) { $0.integer(0) } != nil
  }

  private static func pending(_ peer: PairingPeer, _ database: Database) throws(StoreError) -> Pending? {
    try database.first(
      """
      SELECT code, created_at, challenged_at FROM pairing_pending
      WHERE channel = ? AND account_id = ? AND sender_id = ?
      """, .text(peer.channel), .text(peer.account), .text(peer.sender)
    ) { row in
      Pending(
        code: row.text(0), created: row.integer(1), challenged: row.isNull(2) ? nil : row.integer(2))
    }
  }

  /// Requests of the peer's account that count.
  private static func waiting(
    _ peer: PairingPeer, _ moment: Int64, _ database: Database
  ) throws(StoreError) -> Int {
    try database.first(
      "SELECT count(*) FROM pairing_pending WHERE channel = ? AND account_id = ? AND created_at > ?",
      .text(peer.channel), .text(peer.account), SQLValue(moment - codeSeconds)
    ) { Int($0.integer(0)) } ?? 0
  }

  private static func prune(_ moment: Int64, _ database: Database) throws(StoreError) -> Int {
    try database.run(
      "DELETE FROM pairing_pending WHERE created_at <= ?",
      SQLValue(moment - codeSeconds - PairingRules.expiredGrace.components.seconds))
    return database.changes
  }

  private static func remove(_ peer: PairingPeer, _ database: Database) throws(StoreError) {
    try database.run(
      "DELETE FROM pairing_pending WHERE channel = ? AND account_id = ? AND sender_id = ?",
      .text(peer.channel), .text(peer.account), .text(peer.sender))
  }

  private static func allow(
    _ peer: PairingPeer, _ way: ApprovalWay, _ moment: Int64, _ database: Database
  ) throws(StoreError) {
    try database.run(
      """
      INSERT INTO pairing_allow_from VALUES (?, ?, ?, ?, ?, NULL)
      ON CONFLICT DO UPDATE SET approved_at = excluded.approved_at, approved_via = excluded.approved_via, revoked_at = NULL
      """, .text(peer.channel), .text(peer.account), .text(peer.sender), SQLValue(moment), .text(way.rawValue))
  }

  /// A code that no other request has. With 2^40 codes and a few requests the first one is.
  private static func freshCode(_ database: Database) throws(StoreError) -> String {
    while true {
      let code = PairingRules.code()
      let isTaken = try database.first("SELECT 1 FROM pairing_pending WHERE code = ?", .text(code)) { $0.integer(0) }
      if isTaken == nil { return code }
    }
  }
}
