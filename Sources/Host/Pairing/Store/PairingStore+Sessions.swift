// Spent tokens and sessions in the store. Called by OwnerSessions and by commands without a host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostStore

extension PairingStore {
  /// Spends a token's nonce and keeps the session that it gives, in one transaction.
  ///
  /// - Returns: false when the nonce was spent before; nothing is kept then.
  func open(
    _ session: OwnerSession, spending token: BootstrapToken, limit: Int, now: UInt64
  ) async throws(PairingError) -> Bool {
    let moment = PairingStore.seconds(now)
    return try await write { (database) throws(StoreError) in
      try database.run("DELETE FROM pairing_spent WHERE expires_at < ?", SQLValue(moment))
      try database.run(
        "INSERT OR IGNORE INTO pairing_spent VALUES (?, ?)", .text(token.nonce),
        SQLValue(PairingStore.seconds(token.expires) + 1))
      guard database.changes == 1 else { return false }
      try database.run("DELETE FROM pairing_sessions WHERE expires_at <= ?", SQLValue(moment))
      // Past the bound the oldest goes: whoever has the token may always come in.
      try database.run(
        """
        DELETE FROM pairing_sessions WHERE id IN (
          SELECT id FROM pairing_sessions ORDER BY issued_at DESC LIMIT -1 OFFSET ?)
        """, SQLValue(limit - 1))
      try database.run(
        "INSERT INTO pairing_sessions VALUES (?, ?, ?, ?, ?, ?, ?)", .blob(session.hash), .text(session.id),
        .text(session.profile), SQLValue(session.device), .text(session.authority),
        SQLValue(PairingStore.seconds(session.issued)), SQLValue(PairingStore.seconds(session.expires)))
      return true
    }
  }

  /// Sessions that have not expired, the newest first.
  package func sessions(now: UInt64) async throws(PairingError) -> [OwnerSession] {
    let moment = PairingStore.seconds(now)
    return try await read { (database) throws(StoreError) in
      try database.rows(
        """
        SELECT secret_hash, id, profile, device_label, authority, issued_at, expires_at FROM pairing_sessions
        WHERE expires_at > ? ORDER BY issued_at DESC, id
        """, SQLValue(moment)
      ) { row in
        OwnerSession(
          hash: row.blob(0), id: row.text(1), profile: row.text(2), device: row.optionalText(3),
          authority: row.text(4), issued: PairingStore.nanoseconds(row.integer(5)),
          expires: PairingStore.nanoseconds(row.integer(6)))
      }
    }
  }

  /// Ends one session, or with no id all of them.
  ///
  /// - Returns: how many ended.
  package func endSessions(_ id: String?) async throws(PairingError) -> Int {
    try await write { (database) throws(StoreError) in
      if let id {
        try database.run("DELETE FROM pairing_sessions WHERE id = ?", .text(id))
      } else {
        try database.run("DELETE FROM pairing_sessions")
      }
      return database.changes
    }
  }

  /// A number that changes when another process has changed the file.
  package func version() async throws(PairingError) -> Int64 {
    try await read { (database) throws(StoreError) in
      try database.first("PRAGMA data_version") { $0.integer(0) } ?? 0
    }
  }

  static func nanoseconds(_ seconds: Int64) -> UInt64 { UInt64(clamping: seconds) &* 1_000_000_000 }
}
