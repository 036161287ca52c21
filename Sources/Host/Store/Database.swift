// One connection to one SQLite file: opening, statements, transactions.
// Used on one thread at a time: by StoreWriter's own thread, and directly by commands that need no other.
// Statement texts are `StaticString`s, so no value can become part of one.
//
// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
internal import Glibc
internal import HostLinux

/// How a database is opened.
package struct DatabaseOptions: Sendable {
  /// What a commit waits for.
  package enum Durability: Sendable {
    /// The WAL is synced at every commit: what is committed survives a power cut.
    case full
    /// Synced at checkpoints only: survives a crash of the process, not always of the machine.
    case normal
  }
  package var durability = Durability.full
  /// How long a statement waits for a lock of another process, milliseconds.
  package var busyTimeout: Int32 = 5_000
  /// Opens for reading only; the file must exist. Nothing is created or migrated.
  package var isReadOnly = false
  /// The file's largest size in pages of 4 KiB; at it, writes fail as on a full disk. 0: SQLite's own limit.
  package var maxPages: Int = 0

  package init() {}
}

/// A connection. Not `Sendable`: whoever opens it keeps it on one thread.
package final class Database {
  package let path: String
  private let handle: OpaquePointer
  /// What a commit waits for now.
  private var durability = DatabaseOptions.Durability.full
  /// Prepared statements by the address of their text: as many as there are call sites.
  private var statements: [UnsafePointer<UInt8>: OpaquePointer] = [:]

  /// Opens the file, in WAL mode, and migrates it.
  ///
  /// A new file gets mode 0600 in a folder of mode 0700; a file with more permissive bits loses them.
  /// - Parameter migrations: all steps from an empty file on; see ``Migration``.
  package init(
    _ path: String, _ options: DatabaseOptions = DatabaseOptions(), migrations: [Migration] = []
  ) throws(StoreError) {
    self.path = path
    if !options.isReadOnly { try Database.prepareFile(path) }
    var opened: OpaquePointer?
    let mode = options.isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
    // One thread at a time by contract, so SQLite's own mutexes are left out.
    let code = sqlite3_open_v2(path, &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let opened else {
      let error = StoreError(code: code, path: path, opened.map(Database.message) ?? "no memory")
      sqlite3_close_v2(opened)
      throw error
    }
    handle = opened
    sqlite3_busy_timeout(handle, options.busyTimeout)
    try configure(options)
    try migrate(migrations, isReadOnly: options.isReadOnly)
  }

  deinit {
    for statement in statements.values { sqlite3_finalize(statement) }
    // The last connection's close moves the WAL into the file.
    sqlite3_close_v2(handle)
  }

  private static func prepareFile(_ path: String) throws(StoreError) {
    do throws(SystemError) {
      try AtomicFile.makeFolder(Path.parent(of: path))
      let file = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
      // -wal and -shm get the mode of the main file. A file of another owner is left as it is.
      if try file.status().permissions & 0o077 != 0 { fchmod(file.number, 0o600) }
    } catch {
      let kind: StoreError.Kind =
        switch error.errno {
        case EROFS: .readOnly
        case ENOSPC, EDQUOT: .full
        case EIO: .io
        default: .unavailable
        }
      throw StoreError(kind, path: path, "\(error)")
    }
  }

  private func configure(_ options: DatabaseOptions) throws(StoreError) {
    try run("PRAGMA trusted_schema = OFF")
    try run("PRAGMA foreign_keys = ON")
    if options.isReadOnly { return }
    try run("PRAGMA journal_mode = WAL")
    try apply(options.durability)
    // Pages of the WAL at which they are moved into the file: a page that is changed again and again, as a queue's are, is
    // moved once for all of it. Four times SQLite's own number, and the size that is kept for it.
    try run("PRAGMA wal_autocheckpoint = 4000")
    // After a burst the WAL shrinks to this again, bytes.
    try run("PRAGMA journal_size_limit = 16777216")
    if options.maxPages > 0 { try runOnce("PRAGMA max_page_count = \(options.maxPages)") }
  }

  /// Changes what commits wait for, from the next transaction on. Costs nothing when it is so already.
  package func setDurability(_ wanted: DatabaseOptions.Durability) throws(StoreError) {
    if wanted != durability { try apply(wanted) }
  }

  /// SQLite obeys this pragma while it compiles it, so a kept statement would do nothing the second time.
  private func apply(_ wanted: DatabaseOptions.Durability) throws(StoreError) {
    try runOnce(wanted == .full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
    durability = wanted
  }

  /// Runs a statement to its end; rows are dropped.
  package func run(_ sql: StaticString, _ values: SQLValue...) throws(StoreError) {
    try execute(sql, values) { _ in }
  }

  /// Runs a query and maps its rows.
  package func rows<Element>(
    _ sql: StaticString, _ values: SQLValue..., as map: (borrowing SQLRow) -> Element
  ) throws(StoreError) -> [Element] {
    var elements: [Element] = []
    try execute(sql, values) { elements.append(map($0)) }
    return elements
  }

  /// The first row of a query, or nil.
  package func first<Element>(
    _ sql: StaticString, _ values: SQLValue..., as map: (borrowing SQLRow) -> Element
  ) throws(StoreError) -> Element? {
    var element: Element?
    try execute(sql, values) { if element == nil { element = map($0) } }
    return element
  }

  /// Rows that the last INSERT, UPDATE or DELETE touched.
  package var changes: Int { Int(sqlite3_changes64(handle)) }

  /// Rows changed since the connection was opened: compared before and after, whether anything was written.
  package var totalChanges: Int { Int(sqlite3_total_changes64(handle)) }

  /// The rowid of the last INSERT.
  package var lastRow: Int64 { sqlite3_last_insert_rowid(handle) }

  /// Whether a transaction is open. SQLite ends one by itself on some errors (a full disk).
  package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Runs `body` in a transaction that is committed at its end and rolled back when it throws. Not to be nested.
  package func transaction<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    try run("BEGIN IMMEDIATE")
    do throws(StoreError) {
      let value = try body()
      try run("COMMIT")
      return value
    } catch {
      if isInTransaction { try? run("ROLLBACK") }
      throw error
    }
  }

  /// What SQLite's integrity check finds, at most 20 lines; empty is good. Reads the whole file.
  package func integrityFaults() throws(StoreError) -> [String] {
    try rows("PRAGMA integrity_check(20)") { $0.text(0) }.filter { $0 != "ok" }
  }

  private func execute(
    _ sql: StaticString, _ values: [SQLValue], _ row: (borrowing SQLRow) -> Void
  ) throws(StoreError) {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() { try bind(value, at: Int32(index) + 1, of: statement) }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: row(SQLRow(statement: statement))
      case SQLITE_DONE: return
      case let code: throw failure(code)
      }
    }
  }

  private func prepared(_ sql: StaticString) throws(StoreError) -> OpaquePointer {
    if let statement = statements[sql.utf8Start] { return statement }
    let statement = try prepare(sql.utf8Start, count: sql.utf8CodeUnitCount)
    statements[sql.utf8Start] = statement
    return statement
  }

  private func prepare(_ text: UnsafePointer<UInt8>, count: Int) throws(StoreError) -> OpaquePointer {
    var statement: OpaquePointer?
    let code = text.withMemoryRebound(to: CChar.self, capacity: count) {
      sqlite3_prepare_v3(handle, $0, Int32(count), UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    }
    guard code == SQLITE_OK, let statement else { throw failure(code) }
    return statement
  }

  /// For pragmas: those whose number SQLite does not take as a bound value, and those that act while they are compiled.
  /// Only words and numbers of our own go in.
  private func runOnce(_ sql: String) throws(StoreError) {
    let bytes = Array(sql.utf8)
    let result: Result<OpaquePointer, StoreError> = bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return .failure(StoreError(.misuse, path: path, "no statement")) }
      do throws(StoreError) { return .success(try prepare(base, count: buffer.count)) } catch { return .failure(error) }
    }
    let statement = try result.get()
    defer { sqlite3_finalize(statement) }
    let code = sqlite3_step(statement)
    guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code) }
  }

  private func bind(_ value: SQLValue, at index: Int32, of statement: OpaquePointer) throws(StoreError) {
    // SQLITE_TRANSIENT, a macro with a cast: SQLite makes its own copy.
    let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    let code: Int32 =
      switch value {
      case .null: sqlite3_bind_null(statement, index)
      case .integer(let value): sqlite3_bind_int64(statement, index, value)
      case .real(let value): sqlite3_bind_double(statement, index, value)
      case .text(let text):
        sqlite3_bind_text64(statement, index, text, UInt64(text.utf8.count), copied, UInt8(SQLITE_UTF8))
      case .blob(let bytes):
        bytes.isEmpty
          ? sqlite3_bind_zeroblob(statement, index, 0)
          : sqlite3_bind_blob64(statement, index, bytes, UInt64(bytes.count), copied)
      }
    guard code == SQLITE_OK else { throw failure(code) }
  }

  private func failure(_ code: Int32) -> StoreError {
    StoreError(code: code, path: path, Database.message(handle), errno: lastErrno)
  }

  /// The error of the last system call that failed on the WAL, else on the file, else of the connection: SQLite's own memory
  /// of it, since what it does after a failure overwrites the thread's.
  private var lastErrno: Int32 {
    var (number, wal) = (Int32(0), UnsafeMutablePointer<sqlite3_file>?.none)
    if sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK, let wal,
      let control = wal.pointee.pMethods?.pointee.xFileControl,
      control(wal, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK, number != 0
    {
      return number
    }
    if sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK, number != 0 {
      return number
    }
    return sqlite3_system_errno(handle)
  }

  private static func message(_ handle: OpaquePointer) -> String { String(cString: sqlite3_errmsg(handle)) }
}

extension Database {
  /// Brings the file to the newest layout. The number of steps that it has had is its `user_version`.
  private func migrate(_ migrations: [Migration], isReadOnly: Bool) throws(StoreError) {
    let version = Int(try first("PRAGMA user_version") { $0.integer(0) } ?? 0)
    guard version <= migrations.count || migrations.isEmpty else {
      throw StoreError(.tooNew, path: path, "version \(version), known up to \(migrations.count)")
    }
    if migrations.isEmpty || version == migrations.count { return }
    if isReadOnly { throw StoreError(.unavailable, path: path, "version \(version) of \(migrations.count)") }
    try transaction { () throws(StoreError) in
      // Read again under the lock: another process may have migrated in between.
      let version = Int(try first("PRAGMA user_version") { $0.integer(0) } ?? 0)
      for migration in migrations.dropFirst(version) {
        for statement in migration.statements { try run(statement) }
      }
      try runOnce("PRAGMA user_version = \(max(version, migrations.count))")
    }
  }
}

/// One step of a file's layout. Never changed once released; a new layout is a new step.
package struct Migration: Sendable {
  package let statements: [StaticString]

  package init(_ statements: StaticString...) { self.statements = statements }
}
