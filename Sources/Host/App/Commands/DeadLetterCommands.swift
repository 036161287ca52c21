// `agent dlq list / show / replay / purge`: the messages that were given up. Through the running host; with none running,
// on the ledger's file, held meanwhile so that no host starts in between.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import HostStore

/// Commands on dead letters.
enum DeadLetterCommands {
  static let list: [CommandSpec] = [listing, show, replay, purge]

  private static let id = ArgumentSpec("ID", "the message's id, from `agent dlq list`")

  private static let listing = CommandSpec(
    ["dlq", "list"], "Lists the messages that were given up, the newest first",
    details: "At most 1,000. Shows no text and no address."
  ) { call in
    await run(call, "GET", "/admin/dlq") { (database) throws(StoreError) in
      .array(try DeadLetters.list(database).map(\.json))
    } show: { answer in
      var table = TextTable("ID", "FAILED", "QUEUE", "CHANNEL", "CLASS", "REASON", "DELIVERIES")
      for letter in answer.array ?? [] {
        table.add(
          letter["id"]?.string ?? "", letter["failed_at"]?.string ?? "", letter["queue"]?.string ?? "",
          letter["channel"]?.string ?? "", letter["class"]?.string ?? "", letter["reason"]?.string ?? "",
          "\(letter["deliveries"]?.integer ?? 0)")
      }
      return table.isEmpty ? ["no dead letters"] : table.lines
    }
  }

  private static let show = CommandSpec(
    ["dlq", "show"], "Shows one dead letter: when, where, why",
    details: """
      What was written, by whom and to whom is shown with --text only, which reads it from the ledger's file: it needs the
      rights of the host's user, and --state-dir where the state folder is not the usual one.
      """,
    arguments: [id], options: [OptionSpec("text", "shows the message as it was accepted too, addresses included")]
  ) { call in
    let id = call.arguments[0]
    if call.has("text") { return text(id, call) }
    return await run(call, "GET", "/admin/dlq/\(AdminClient.segment(id))") { (database) throws(StoreError) in
      try DeadLetters.find(id, database)?.json
    } show: { answer in
      lines(answer)
    }
  }

  private static let replay = CommandSpec(
    ["dlq", "replay"], "Puts one dead letter back into its queue, with a new life", arguments: [id]
  ) { call in
    let id = call.arguments[0]
    return await run(call, "POST", "/admin/dlq/\(AdminClient.segment(id))/replay") { (database) throws(StoreError) in
      let policy = LedgerPolicy()
      let isThere = try database.transaction { () throws(StoreError) in
        try DeadLetters.replay(id, database, life: policy.life, now: Clock.wall())
      }
      return isThere ? ["replayed": .string(id)] : nil
    } show: { _ in
      ["replayed: \(id)"]
    }
  }

  private static let purge = CommandSpec(
    ["dlq", "purge"], "Deletes all dead letters; the books keep their number",
    options: [OptionSpec("yes", "without it nothing is deleted")]
  ) { call in
    guard call.has("yes") else {
      call.console.complain("this deletes every dead letter for good; say so with --yes")
      return .usage
    }
    return await run(call, "POST", "/admin/dlq/purge") { (database) throws(StoreError) in
      let count = try database.transaction { () throws(StoreError) in try DeadLetters.purge(database) }
      return ["purged": JSON(count)]
    } show: { answer in
      ["purged: \(answer["purged"]?.integer ?? 0)"]
    }
  }

  // MARK: Where it is done

  /// Asks the host; with none running, works on the file.
  ///
  /// - Parameter offline: nil: there is no such dead letter.
  private static func run(
    _ call: Invocation, _ method: String, _ path: String,
    offline: (Database) throws(StoreError) -> JSON?, show: (JSON) -> [String]
  ) async -> ExitCode {
    func print(_ answer: JSON) -> ExitCode {
      let lines = call.has("json") ? [answer.text(pretty: true)] : show(answer)
      for line in lines { call.console.print(line) }
      return .done
    }
    switch await AdminClient(call).ask(method, path) {
    case .answer(200, let body): return print(body)
    case .answer(404, let body):
      call.console.complain(AdminClient.words(body))
      return .notFound
    case .answer(let status, let body):
      call.console.complain("the host answered \(status): \(AdminClient.words(body))")
      return status == 503 ? .unavailable : .failed
    case .failed(let why):
      call.console.complain("the host did not answer: \(why)")
      return .unavailable
    case .absent: break
    }
    let folder = call.settings().folders.state.value
    guard (try? FileStatus.of(Path.join(folder, Ledger.fileName))) != nil else {
      call.console.complain("no host is running, and there is no ledger in \(folder). See --endpoint and --state-dir.")
      return .notFound
    }
    do throws(StateFolderError) {
      let held = try StateFolder(folder)
      do throws(StoreError) {
        let database = try Database(held.file(Ledger.fileName), migrations: LedgerSchema.migrations)
        guard let answer = try offline(database) else {
          call.console.complain("there is no such dead letter; `\(call.program) dlq list` lists them")
          return .notFound
        }
        call.console.complain("no host is running; this was done on \(database.path)")
        return print(answer)
      } catch {
        call.console.complain("\(error) [\(error.reason)]")
        return .unavailable
      }
    } catch {
      call.console.complain("\(error)")
      return error.exitCode
    }
  }

  /// One letter with what was written, from the file.
  private static func text(_ id: String, _ call: Invocation) -> ExitCode {
    let path = Path.join(call.settings().folders.state.value, Ledger.fileName)
    guard (try? FileStatus.of(path)) != nil else {
      call.console.complain("there is no ledger \(path). See --state-dir.")
      return .notFound
    }
    do throws(StoreError) {
      guard
        let letter = try OfflineLedger.open(path).flatMap({ (ledger) throws(StoreError) in
          try DeadLetters.find(id, ledger)
        })
      else {
        call.console.complain("there is no such dead letter in \(path); `\(call.program) dlq list` lists them")
        return .notFound
      }
      var object = letter.json.object ?? [:]
      object["payload"] = (try? JSON.parse(letter.payload)) ?? .string(String(decoding: letter.payload, as: UTF8.self))
      if call.has("json") {
        call.console.print(JSON.object(object).text(pretty: true))
      } else {
        for line in lines(.object(object)) { call.console.print(line) }
      }
      return .done
    } catch {
      call.console.complain("\(error) [\(error.reason)]")
      return .unavailable
    }
  }

  private static func lines(_ letter: JSON) -> [String] {
    var table = TextTable("", "")
    for (name, value) in letter.object ?? [:] where value != .null {
      table.add(name, value.string ?? value.text())
    }
    return Array(table.lines.dropFirst())
  }
}
