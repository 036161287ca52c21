// The layout of `<state>/pairing.db`. Times are whole seconds since the epoch, as in the reference system's file.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostStore

/// The tables.
enum PairingSchema {
  static let migrations = [
    Migration(
      // Who waits. `challenged_at` is null until a challenge has gone out.
      """
      CREATE TABLE pairing_pending (
        channel TEXT NOT NULL, account_id TEXT NOT NULL, sender_id TEXT NOT NULL,
        code TEXT NOT NULL, created_at INTEGER NOT NULL, challenged_at INTEGER, meta_json TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (channel, account_id, sender_id)) STRICT, WITHOUT ROWID
      """,
      "CREATE UNIQUE INDEX pairing_pending_code ON pairing_pending (code)",
      // Who was let in. Revoked rows stay for audit.
      """
      CREATE TABLE pairing_allow_from (
        channel TEXT NOT NULL, account_id TEXT NOT NULL, sender_id TEXT NOT NULL,
        approved_at INTEGER NOT NULL, approved_via TEXT NOT NULL, revoked_at INTEGER,
        PRIMARY KEY (channel, account_id, sender_id)) STRICT, WITHOUT ROWID
      """,
      // Nonces of tokens that were used, until the tokens have expired.
      "CREATE TABLE pairing_spent (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      // The secret of a session is kept as its HMAC only.
      """
      CREATE TABLE pairing_sessions (
        secret_hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, profile TEXT NOT NULL, device_label TEXT,
        authority TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID
      """)
  ]
}
