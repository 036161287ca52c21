// Measures the ledger: messages a second through accept, lease and answer, with the time of each from accept to end,
// beside the same number of messages in plain synced SQLite transactions of the same batch size, which is the limit.
// Run by benchmarks/broker/run.sh. Arguments: folder, messages, concurrent conversations, `full` or `normal`.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostBroker
import HostLinux
import HostStore
import Synchronization

let arguments = CommandLine.arguments
guard arguments.count == 5, let messages = Int(arguments[2]), let lanes = Int(arguments[3]) else { exit(2) }
let folder = arguments[1]
let options = durability(arguments[4])
let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 300)

/// How the files are opened.
func durability(_ word: String) -> DatabaseOptions {
  var options = DatabaseOptions()
  options.durability = word == "full" ? .full : .normal
  return options
}

/// Writes a line of results.
func report(_ name: String, _ count: Int, _ nanoseconds: UInt64, _ rest: String = "") {
  let rate = Double(count) / (Double(nanoseconds) / 1e9)
  let line = Array("\(name): \(Int(rate)) messages/s\(rest)\n".utf8)
  _ = write(1, line, line.count)
}

/// How long each message took, nanoseconds.
final class Times: Sendable {
  private let times = Mutex<[UInt64]>([])
  func add(_ time: UInt64) { times.withLock { $0.append(time) } }
  var sorted: [UInt64] { times.withLock { $0.sorted() } }
}

/// The ledger: as many conversations as lanes, each sending its next message when the last is on disk.
func measureLedger() async throws {
  let ledger = try Ledger(folder + "/ledger.sqlite", store: options)
  try await ledger.start()
  let times = Times()
  let begin = Clock.monotonic()
  await withTaskGroup(of: Void.self) { group in
    for lane in 0..<lanes {
      group.addTask {
        for number in 0..<(messages / lanes) {
          let message = LedgerMessage(
            queue: "inbound", topic: "plugin.inbound.bench", source: "bench", session: "s\(lane)",
            key: "\(lane).\(number)", payload: payload)
          _ = try? await ledger.accept(message)
        }
      }
    }
    group.addTask {
      await withTaskGroup(of: Void.self) { turns in
        var left = messages / lanes * lanes
        while left > 0, let leases = await ledger.next(queue: "inbound", limit: 256) {
          left -= leases.count
          for lease in leases {
            turns.addTask {
              try? await ledger.answer(lease)
              times.add(Clock.wall() - lease.acceptedAt)
            }
          }
        }
      }
    }
  }
  let taken = Clock.monotonic() - begin
  let sorted = times.sorted
  let p50 = sorted[sorted.count / 2] / 1_000
  let p99 = sorted[sorted.count * 99 / 100] / 1_000
  report("ledger, \(lanes) conversations, \(arguments[4])", sorted.count, taken, ", p50 \(p50) us, p99 \(p99) us")
  await ledger.close()
}

/// The limit: three bare writes a message (insert, update, delete) in synced transactions of `lanes` messages.
func measureSQLite() throws {
  let database = try Database(
    folder + "/bare.sqlite", options, migrations: [Migration("CREATE TABLE t (k INTEGER PRIMARY KEY, s, p BLOB)")])
  let begin = Clock.monotonic()
  for batch in 0..<(messages / lanes) {
    let keys = (0..<lanes).map { SQLValue.integer(Int64(batch * lanes + $0)) }
    try database.transaction { () throws(StoreError) in
      for key in keys { try database.run("INSERT INTO t VALUES (?, 0, ?)", key, .blob(payload)) }
    }
    try database.transaction { () throws(StoreError) in
      for key in keys { try database.run("UPDATE t SET s = 1 WHERE k = ?", key) }
    }
    try database.transaction { () throws(StoreError) in
      for key in keys { try database.run("DELETE FROM t WHERE k = ?", key) }
    }
  }
  report("bare SQLite, batches of \(lanes), \(arguments[4])", messages, Clock.monotonic() - begin)
}

try await measureLedger()
try measureSQLite()
