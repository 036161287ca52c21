// The layout of the ledger's file.
// Opened by Ledger, and by commands that work on the store while no host runs.
//
// SPDX-License-Identifier: Apache-2.0

package import HostStore

/// A row's state, the column `state`.
///
///     accept() ──▶ pending ──claim()──▶ leased ──answer()──▶ answered
///                   │  ▲ ▲                │ │
///          sweep()  │  │ └─fail(transient)┘ └──fail(permanent), attempts or crashes used up──▶ dead
///                   ▼  └────────────────────────────replay()─────────────────────────────────┘
///                 expired
///
/// `expired` is reached from pending only: a turn that has begun is allowed to end.
enum LedgerState: Int64, CaseIterable {
  case pending = 0
  case leased = 1
  case answered = 2
  case expired = 3
  case dead = 4
}

/// The layout's steps.
package enum LedgerSchema {
  package static let migrations = [first]

  /// `head` is 1 for one message in flight of each session, the only one of it that may be leased: the oldest at the
  /// time when the one before it ended.
  /// A payload has a row of its own, there as long as its message is in flight or dead: else every change of state
  /// would write it to disk again, and would need room for it on a full one. `bytes` is its length.
  /// `totals` are the books: kept in the same transactions as the rows and checked against them by the audit.
  /// Numbers in the partial indexes are `LedgerState`'s; queries repeat them literally, or SQLite would not use them.
  private static let first = Migration(
    """
    CREATE TABLE messages (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      queue TEXT NOT NULL,
      key TEXT NOT NULL,
      session TEXT NOT NULL,
      topic TEXT NOT NULL,
      source TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
      head INTEGER NOT NULL CHECK (head IN (0, 1)),
      deliveries INTEGER NOT NULL DEFAULT 0,
      failures INTEGER NOT NULL DEFAULT 0,
      crashes INTEGER NOT NULL DEFAULT 0,
      accepted_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      not_before INTEGER NOT NULL,
      lease_until INTEGER,
      finished_at INTEGER,
      failure_class TEXT,
      failure_reason TEXT,
      failure_detail TEXT,
      UNIQUE (queue, key)
    )
    """,
    "CREATE TABLE payloads (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
    "CREATE INDEX in_flight ON messages (queue, session, sequence) WHERE state < 2",
    "CREATE INDEX claimable ON messages (queue, not_before, sequence) WHERE state = 0 AND head = 1",
    "CREATE INDEX waiting ON messages (expires_at) WHERE state = 0",
    "CREATE INDEX leased ON messages (lease_until) WHERE state = 1",
    "CREATE INDEX finished ON messages (finished_at) WHERE (state = 2 OR state = 3)",
    "CREATE INDEX dead ON messages (finished_at) WHERE state = 4",
    """
    CREATE TABLE totals (
      queue TEXT PRIMARY KEY,
      accepted INTEGER NOT NULL DEFAULT 0,
      answered INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0,
      dead INTEGER NOT NULL DEFAULT 0,
      in_flight INTEGER NOT NULL DEFAULT 0,
      in_flight_bytes INTEGER NOT NULL DEFAULT 0,
      pruned_answered INTEGER NOT NULL DEFAULT 0,
      pruned_expired INTEGER NOT NULL DEFAULT 0,
      pruned_dead INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    // Written to find out whether the store takes writes again; the pad makes it as large as an ordinary message.
    "CREATE TABLE heartbeat (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL, pad BLOB NOT NULL)")
}
