// Tests of HostStore: files and modes, statements, migrations, group commit, and each kind of failure.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostReasons
import HostStore
import TestSupport
import Testing

private let layout = [Migration("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB)")]

@Suite("Store")
struct StoreTests {
  let folder: TemporaryFolder
  var path: String { folder.file("state/s.sqlite") }

  init() throws { folder = try TemporaryFolder("store") }

  func kind(_ body: () throws -> Void) -> StoreError.Kind? {
    do { try body() } catch let error as StoreError { return error.kind } catch { Issue.record(error) }
    return nil
  }

  @Test func `the file is 0600 in a folder of 0700, and so are its companions`() throws {
    let database = try Database(path, migrations: layout)
    try database.run("INSERT INTO t VALUES (?, ?)", "a", .blob([1]))
    #expect(try FileStatus.of(folder.file("state")).permissions == 0o700)
    for suffix in ["", "-wal", "-shm"] { #expect(try FileStatus.of(path + suffix).permissions == 0o600) }
  }

  @Test func `a file with lax permissions loses them`() throws {
    try folder.write("state/s.sqlite", "", mode: 0o666)
    _ = try Database(path, migrations: layout)
    #expect(try FileStatus.of(path).permissions == 0o600)
  }

  @Test func `every type comes back as it went in`() throws {
    let database = try Database(path, migrations: [Migration("CREATE TABLE u (a, b, c, d, e, f)")])
    let text = "a\u{0}'; DROP TABLE u; --é😀"
    try database.run(
      "INSERT INTO u VALUES (?, ?, ?, ?, ?, ?)", .integer(.min), .real(1.5), .text(text), .blob([0, 255]), .blob([]),
      nil)
    let row = try database.first("SELECT * FROM u") { row in
      (row.integer(0), row.real(1), row.text(2), row.blob(3), row.blob(4), row.isNull(5), row.optionalText(5))
    }
    let values = try #require(row)
    #expect(values.0 == .min && values.1 == 1.5 && values.2 == text)
    #expect(values.3 == [0, 255] && values.4 == [] && values.5 && values.6 == nil)
  }

  @Test func `a file is migrated step by step and a newer one is refused`() throws {
    do { try Database(path, migrations: layout).run("INSERT INTO t VALUES ('a', NULL)") }
    let more = layout + [Migration("ALTER TABLE t ADD COLUMN w INTEGER DEFAULT 7", "CREATE INDEX i ON t (w)")]
    let seven = try Database(path, migrations: more).first("SELECT w FROM t") { $0.integer(0) }
    #expect(seven == 7)
    #expect(kind { _ = try Database(path, migrations: layout) } == .tooNew)
  }

  @Test func `a step that fails leaves the file as it was`() throws {
    do { _ = try Database(path, migrations: layout) }
    let broken = layout + [Migration("CREATE TABLE x (a)", "CREATE TABLE t (again)")]
    #expect(kind { _ = try Database(path, migrations: broken) } == .misuse)
    let names = try Database(path, migrations: layout).rows("SELECT name FROM sqlite_schema") { $0.text(0) }
    #expect(!names.contains("x"))
  }

  @Test func `a transaction that throws is undone`() throws {
    let database = try Database(path, migrations: layout)
    let kind = kind {
      try database.transaction { () throws(StoreError) in
        try database.run("INSERT INTO t VALUES ('a', NULL)")
        try database.run("INSERT INTO t VALUES ('a', NULL)")
      }
    }
    #expect(kind == .constraint)
    #expect(try database.first("SELECT count(*) FROM t") { $0.integer(0) } == 0)
    #expect(!database.isInTransaction)
  }

  @Test func `a file that is no database is corrupt, and one with damage says so`() throws {
    try folder.write("state/s.sqlite", String(repeating: "not a database ", count: 100))
    #expect(kind { _ = try Database(path, migrations: layout) } == .corrupt)
    let sound = try Database(folder.file("sound.sqlite"), migrations: layout)
    #expect(try sound.integrityFaults() == [])
  }

  @Test func `a path that cannot be is unavailable, and a missing file for reading too`() throws {
    try folder.write("file", "")
    #expect(kind { _ = try Database(folder.file("file/s.sqlite")) } == .unavailable)
    var options = DatabaseOptions()
    options.isReadOnly = true
    #expect(kind { _ = try Database(folder.file("absent.sqlite"), options) } == .unavailable)
  }

  @Test func `a lock that another process holds is busy`() throws {
    let holder = try Database(path, migrations: layout)
    try holder.run("BEGIN IMMEDIATE")
    var options = DatabaseOptions()
    options.busyTimeout = 10
    let other = try Database(path, options)
    #expect(kind { try other.run("INSERT INTO t VALUES ('a', NULL)") } == .busy)
    #expect(kind { try Database(path, options).run("SELECT count(*) FROM t") } == nil)
  }

  @Test func `every kind has a reason of this area that exists in the catalogue`() {
    for kind in StoreError.Kind.allCases {
      let reason = StoreError(kind, path: "/s", "words").reason
      #expect(reason.code.hasPrefix("store."))
      #expect(Reason.named(reason.code) != nil)
    }
  }
}

@Suite("Store writer")
struct StoreWriterTests {
  let folder: TemporaryFolder
  var path: String { folder.file("state/s.sqlite") }

  init() throws { folder = try TemporaryFolder("writer") }

  static func insert(_ key: String, _ size: Int = 0) -> @Sendable (Database) throws(StoreError) -> Bool {
    { (database) throws(StoreError) in
      try database.run("INSERT INTO t VALUES (?, zeroblob(?))", .text(key), SQLValue(size))
      return true
    }
  }
  static let count: @Sendable (Database) throws(StoreError) -> Int64 = { (database) throws(StoreError) in
    try database.first("SELECT count(*) FROM t") { $0.integer(0) } ?? -1
  }

  @Test func `writes of many callers are all there afterwards`() async throws {
    let writer = try StoreWriter(path, migrations: layout)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<500 {
        group.addTask { _ = try? await writer.write(StoreWriterTests.insert("\(number)")) }
      }
    }
    #expect(try await writer.read(StoreWriterTests.count) == 500)
    await writer.close()
    #expect(try Database(path).integrityFaults() == [])
  }

  @Test func `work that need not survive a power cut asks for no sync, and never takes it from work that must`()
    async throws
  {
    // SQLite answers the pragma while it compiles it: each look is a text of its own.
    let unsynced: @Sendable (Database) throws(StoreError) -> Int64 = { (database) throws(StoreError) in
      try database.run("INSERT INTO t VALUES ('unsynced', NULL)")
      return try database.first("PRAGMA synchronous") { $0.integer(0) } ?? -1
    }
    let synced: @Sendable (Database) throws(StoreError) -> Int64 = { (database) throws(StoreError) in
      try database.first("PRAGMA main.synchronous") { $0.integer(0) } ?? -1
    }
    let writer = try StoreWriter(path, migrations: layout)
    #expect(try await writer.write(isSynced: false, unsynced) == 1)
    #expect(try await writer.write(synced) == 2)
    // What was written unsynced is there for everybody at once, and after a reopening.
    #expect(try await writer.read(StoreWriterTests.count) == 1)
    await writer.close()
    #expect(try Database(path).first("SELECT count(*) FROM t") { $0.integer(0) } == 1)

    var options = DatabaseOptions()
    options.durability = .normal
    let lax = try StoreWriter(folder.file("lax"), options, migrations: layout)
    #expect(try await lax.write(synced) == 1)
    await lax.close()
  }

  @Test func `one that throws undoes its own work and nobody else's`() async throws {
    let writer = try StoreWriter(path, migrations: layout)
    _ = try await writer.write(StoreWriterTests.insert("taken"))
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          do throws(StoreError) {
            _ = try await writer.write { (database) throws(StoreError) in
              try database.run("INSERT INTO t VALUES (?, NULL)", .text("\(number)"))
              if number.isMultiple(of: 2) { try database.run("INSERT INTO t VALUES ('taken', NULL)") }
            }
            #expect(!number.isMultiple(of: 2))
          } catch { #expect(error.kind == .constraint && number.isMultiple(of: 2)) }
        }
      }
    }
    #expect(try await writer.read(StoreWriterTests.count) == 51)
    await writer.close()
  }

  @Test func `a full file refuses with its kind, keeps what it has, and takes work again`() async throws {
    var options = DatabaseOptions()
    options.maxPages = 20
    let writer = try StoreWriter(path, options, migrations: layout)
    _ = try await writer.write(StoreWriterTests.insert("kept"))
    await #expect(throws: StoreError.self) { try await writer.write(StoreWriterTests.insert("big", 200_000)) }
    do throws(StoreError) { _ = try await writer.write(StoreWriterTests.insert("big", 200_000)) } catch {
      #expect(error.kind == .full)
      #expect(error.isTransient)
    }
    _ = try await writer.write(StoreWriterTests.insert("after"))
    #expect(try await writer.read(StoreWriterTests.count) == 2)
    await writer.close()
  }

  @Test func `a file that cannot be opened is opened once it can`() async throws {
    try folder.write("state", "in the way")
    let writer = try StoreWriter(path, migrations: layout)
    do throws(StoreError) { _ = try await writer.read(StoreWriterTests.count) } catch {
      #expect(error.kind == .unavailable)
    }
    #expect(unlink(folder.file("state")) == 0)
    #expect(try await writer.read(StoreWriterTests.count) == 0)
    await writer.close()
  }

  @Test func `closing finishes what waits and refuses what comes`() async throws {
    let writer = try StoreWriter(path, migrations: layout)
    let waiting = (0..<50).map { number in Task { try await writer.write(StoreWriterTests.insert("\(number)")) } }
    for task in waiting { _ = try? await task.value }
    await writer.close()
    await writer.close()
    do throws(StoreError) { _ = try await writer.read(StoreWriterTests.count) } catch {
      #expect(error.detail == "closed")
    }
    #expect(try Database(path).first("SELECT count(*) FROM t") { $0.integer(0) } == 50)
    #expect(access(path + "-wal", F_OK) != 0)
  }

  @Test func `more waiting work than its bound is refused as overloaded`() async throws {
    let writer = try StoreWriter(path, migrations: layout, capacity: 4)
    let gate = DispatchGate()
    let blocker = Task {
      try await writer.read { (_) throws(StoreError) in gate.waitUntilOpen() }
    }
    await gate.entered()
    let kinds = await withTaskGroup(of: StoreError.Kind?.self) { group in
      for number in 0..<20 {
        group.addTask {
          do throws(StoreError) { _ = try await writer.write(StoreWriterTests.insert("\(number)")) } catch {
            return error.kind
          }
          return nil
        }
      }
      var kinds: [StoreError.Kind?] = []
      for await kind in group {
        kinds.append(kind)
        // Sixteen refusals are in: the four that wait may go on.
        if kinds.count == 16 { gate.open() }
      }
      return kinds
    }
    #expect(kinds.filter { $0 == .overloaded }.count == 16)
    try await blocker.value
    await writer.close()
  }
}
