// `agent verify`: proves from the ledger's file that no message was lost. Reads only, with or without a running host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import HostStore

/// The command.
enum VerifyCommand {
  static let verify = CommandSpec(
    ["verify"], "Proves from the ledger's file that no message was lost",
    details: """
      Checks for every queue that accepted = answered + expired + dead_lettered + in_flight, the books against the rows,
      and the file itself. A host may run meanwhile: all of it is read at one moment.
      Exit code 0 when everything holds, 3 when it does not, 4 when there is no ledger, 69 when it cannot be read now.
      """,
    options: [OptionSpec("quick", "leaves out the check of every page of the file")]
  ) { call in
    let path = Path.join(call.settings().folders.state.value, Ledger.fileName)
    guard (try? FileStatus.of(path)) != nil else {
      call.console.complain("there is no ledger \(path): no host has run with this state folder. See --state-dir.")
      return .notFound
    }
    do throws(StoreError) {
      let audit =
        if let ledger = try OfflineLedger.open(path) { try LedgerAudit.run(ledger, deep: !call.has("quick")) } else {
          LedgerAudit.empty
        }
      show(audit, path, call)
      return audit.holds ? .done : .problems
    } catch {
      call.console.complain("\(error) [\(error.reason)]")
      return error.kind == .corrupt ? .problems : .unavailable
    }
  }

  private static func show(_ audit: LedgerAudit, _ path: String, _ call: Invocation) {
    if call.has("json") {
      let answer: JSON = [
        "path": .string(path), "holds": .bool(audit.holds), "queues": .array(audit.counts.map(\.json)),
        "faults": JSON(audit.faults),
      ]
      return call.console.print(answer.text(pretty: true))
    }
    var table = TextTable("QUEUE", "ACCEPTED", "ANSWERED", "EXPIRED", "DEAD", "IN FLIGHT", "")
    for books in audit.counts {
      table.add(
        books.queue, "\(books.accepted)", "\(books.answered)", "\(books.expired)", "\(books.deadLettered)",
        "\(books.inFlight)", books.balances ? "balances" : "DOES NOT BALANCE")
    }
    if audit.counts.isEmpty { call.console.print("no message yet") }
    for line in table.lines where !audit.counts.isEmpty { call.console.print(line) }
    for fault in audit.faults { call.console.print("fault: \(fault)") }
    call.console.print(
      audit.holds
        ? call.console.painted("holds", .green)
        : call.console.painted("does not hold", .red) + ": `\(call.program) explain broker.audit_failed`")
  }
}

extension LedgerCounts {
  /// As `agent verify --json` shows it.
  var json: JSON {
    [
      "queue": .string(queue), "accepted": JSON(accepted), "answered": JSON(answered), "expired": JSON(expired),
      "dead_lettered": JSON(deadLettered), "in_flight": JSON(inFlight), "in_flight_bytes": JSON(inFlightBytes),
      "balances": .bool(balances),
    ]
  }
}

/// The ledger's file without a host.
enum OfflineLedger {
  /// For reading; a running host is not disturbed. On a medium that cannot be written SQLite needs the file's `-shm`,
  /// which a host that ended properly has taken away together with the WAL.
  ///
  /// - Returns: nil when the host ended before it had laid the file out: then it never took a message.
  static func open(_ path: String) throws(StoreError) -> Database? {
    var options = DatabaseOptions()
    options.isReadOnly = true
    let version = try Database(path, options).first("PRAGMA user_version") { $0.integer(0) }
    guard version ?? 0 > 0 else { return nil }
    return try Database(path, options, migrations: LedgerSchema.migrations)
  }
}
