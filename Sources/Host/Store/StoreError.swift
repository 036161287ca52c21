// What can go wrong with a state file, sorted by what an operator can do about it.
// Made from SQLite's result codes; thrown by everything in HostStore.
//
// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
internal import Glibc
package import HostReasons

/// A failed operation on a state file.
package struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  /// One case per remedy.
  package enum Kind: String, Sendable, CaseIterable {
    case full, readOnly, corrupt, busy, io, unavailable, tooNew, overloaded
    /// A uniqueness or other constraint refused a row: an answer, not a fault, where the caller expects it.
    case constraint
    /// SQLite refused a statement: a fault in the host.
    case misuse
  }

  package let kind: Kind
  /// The database file.
  package let path: String
  /// SQLite's extended result code; 0 when the fault is not SQLite's.
  package let code: Int32
  /// SQLite's words. Holds no row's content.
  package let detail: String

  package init(_ kind: Kind, path: String, code: Int32 = 0, _ detail: String) {
    self.kind = kind
    self.path = path
    self.code = code
    self.detail = detail
  }

  /// - Parameter errno: of the last system call that failed for the connection; 0: unknown.
  init(code: Int32, path: String, _ detail: String, errno: Int32 = 0) {
    let kind = StoreError.kind(of: code)
    self.init(kind == .io ? StoreError.kind(ofFailed: errno) : kind, path: path, code: code, detail)
  }

  package var reason: Reason {
    switch kind {
    case .full: .storeFull
    case .readOnly: .storeReadOnly
    case .corrupt: .storeCorrupt
    case .busy: .storeBusy
    case .io: .storeIO
    case .unavailable: .storeUnavailable
    case .tooNew: .storeTooNew
    case .overloaded: .storeOverloaded
    case .constraint, .misuse: .storeInternal
    }
  }

  package var description: String { "\(path): \(reason.cause) (\(detail)) \(reason.remedy)" }

  /// Whether the same statement may succeed later without anything about it being changed.
  package var isTransient: Bool {
    switch kind {
    case .full, .readOnly, .busy, .io, .unavailable, .overloaded: true
    case .corrupt, .tooNew, .constraint, .misuse: false
    }
  }

  /// Whether the connection should be closed and opened afresh before it is used again.
  var needsReopening: Bool {
    switch kind {
    case .readOnly, .corrupt, .io, .unavailable: true
    case .full, .busy, .tooNew, .overloaded, .constraint, .misuse: false
    }
  }

  /// What "disk I/O error" stands for: a disk that turned read-only, a quota or a limit of the process look so to SQLite.
  private static func kind(ofFailed errno: Int32) -> Kind {
    switch errno {
    case EROFS: .readOnly
    case ENOSPC, EDQUOT, EFBIG: .full
    default: .io
    }
  }

  /// By the primary result code, https://sqlite.org/rescode.html.
  private static func kind(of code: Int32) -> Kind {
    // A failed write of the WAL is "disk I/O error" even when the cause is a full disk or quota; SQLite reports
    // ENOSPC from write(2) as SQLITE_FULL, but from the WAL index (a mapped file) as SQLITE_IOERR_SHMSIZE.
    if code == SQLITE_IOERR | (19 << 8) { return .full }
    return switch code & 0xFF {
    case SQLITE_FULL: .full
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: .readOnly
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_IOERR, SQLITE_NOMEM: .io
    case SQLITE_CANTOPEN: .unavailable
    case SQLITE_CONSTRAINT: .constraint
    default: .misuse
    }
  }
}
