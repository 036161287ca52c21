// `agent dlq list / show / replay / purge` as an operator types it: with a host, without one, and beside one that it cannot
// reach. What the host would have done and what is done on the file are the same.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Dead letters by command", .timeLimit(.minutes(3)))
struct DeadLetterTests {
  typealias Run = (end: ProcessEnd, output: String, errors: String)

  /// A command with nobody at its endpoint.
  static func alone(_ site: Site, _ words: String...) async throws -> Run {
    try await ChildProcess.run(
      [HostProcess.agent] + words
        + ["--endpoint", "http://127.0.0.1:1", "--config", site.config, "--state-dir", site.state],
      environment: ["PATH": "/usr/bin:/bin", "HOME": site.folder.path])
  }

  /// Has messages die that the server will not have, so many times each, and gives their ids, the newest first.
  static func letters(_ bench: ModelBench, _ words: [String]) async throws -> [String] {
    for (number, text) in words.enumerated() {
      #expect(try ChatVisitor(bench.host.http).say(text) == 202)
      #expect(
        await bench.host.eventually { try bench.host.ask("GET", "/admin/dlq").body.array?.count == number + 1 })
    }
    return try bench.host.ask("GET", "/admin/dlq").body.array?.compactMap { $0["id"]?.string } ?? []
  }

  /// What the books say of the queue of inbound messages.
  static func books(_ site: Site) async throws -> JSON? {
    let audit = try await site.verify()
    #expect(audit.end == .exited(0), "\(audit.output)\(audit.errors)")
    return try JSON.parse(audit.output)["queues"]?.array?.first { $0["queue"]?.string == "inbound" }
  }

  @Test func `with a host each command does its work, tells what it did in both forms, and shows no text unasked`()
    async throws
  {
    let bench = try await ModelBench()
    let (host, ids) = (bench.host, try await Self.letters(bench, ["400 1", "400"]))
    let (newest, oldest) = (try #require(ids.first), try #require(ids.last))
    let list = try await host.agent("dlq", "list")
    #expect(list.end == .exited(0) && list.errors.isEmpty)
    let rows = list.output.split(separator: "\n")
    #expect(rows.count == 3 && rows[0].hasPrefix("ID") && rows[1].hasPrefix(newest) && rows[2].hasPrefix(oldest))
    #expect(rows[1].contains("permanent") && rows[1].contains("llm.bad_request") && rows[1].contains("webchat"))
    let listed = try JSON.parse(try await host.agent("dlq", "list", "--json").output)
    #expect(listed.array?.map { $0["id"]?.string } == [newest, oldest])

    let shown = try await host.agent("dlq", "show", oldest)
    #expect(shown.end == .exited(0) && shown.output.contains("llm.bad_request") && !shown.output.contains("400 1"))
    let whole = try JSON.parse(try await host.agent("dlq", "show", oldest, "--json").output)
    #expect(whole["id"]?.string == oldest && whole["class"]?.string == "permanent" && whole["payload"] == nil)
    #expect(whole["deliveries"]?.integer == 1 && whole["queue"]?.string == "inbound")
    let text = try await Self.alone(bench.site, "dlq", "show", oldest, "--text", "--json")
    #expect(try JSON.parse(text.output)["payload"]?["text"]?.string == "400 1")

    for command in ["show", "replay"] {
      for id in ["no-such-id", "../agents", "purge/../x", ""] {
        let unknown = try await host.agent("dlq", command, id)
        #expect(unknown.end == .exited(4) && unknown.output.isEmpty, "\(command) '\(id)': \(unknown)")
      }
      #expect(try await host.agent("dlq", command).end == .exited(2))
    }
    #expect(try await host.agent("dlq", "lst").errors.contains("list"))
    let careless = try await host.agent("dlq", "purge")
    #expect(careless.end == .exited(2) && careless.errors.contains("--yes"))
    #expect(try host.ask("GET", "/admin/dlq").body.array?.count == 2)

    // Sent again it is answered, once; there is nothing to send a second time.
    let replayed = try await host.agent("dlq", "replay", oldest, "--json")
    #expect(replayed.end == .exited(0))
    #expect(try JSON.parse(replayed.output) == ["replayed": .string(oldest)])
    #expect(await host.eventually { try bench.requests("400 1") == 2 })
    #expect(await host.eventually { try host.value(#"nexo_broker_queue_depth{queue="ledger.inbound"}"#) == 0 })
    #expect(try await host.agent("dlq", "replay", oldest).end == .exited(4))
    #expect(try bench.requests("400 1") == 2)
    // One that dies again is a dead letter again, under its id.
    #expect(try await host.agent("dlq", "replay", newest).output == "replayed: \(newest)\n")
    #expect(await host.eventually { try bench.requests("400") == 2 })
    #expect(await host.eventually { try host.ask("GET", "/admin/dlq/\(newest)").status == 200 })

    let purged = try await host.agent("dlq", "purge", "--yes")
    #expect(purged.end == .exited(0) && purged.output == "purged: 1\n")
    #expect(try JSON.parse(try await host.agent("dlq", "purge", "--yes", "--json").output) == ["purged": 0])
    #expect(try await host.agent("dlq", "list").output == "no dead letters\n")
    #expect(try await host.agent("dlq", "list", "--json").output == "[]\n")
    #expect(host.process.child.errors.contains("dead letters purged"))
    await bench.end()
    let inbound = try await Self.books(bench.site)
    #expect(inbound?["dead_lettered"]?.integer == 1 && inbound?["answered"]?.integer == 1)
  }

  @Test func `without a host they work on the file, and what was put back is answered by the next one`() async throws {
    let bench = try await ModelBench()
    let site = bench.site
    let ids = try await Self.letters(bench, ["400 1", "400"])
    let (newest, oldest) = (try #require(ids.first), try #require(ids.last))
    // A host that holds the folder, somewhere else: nothing is done behind its back.
    let beside = try await Self.alone(site, "dlq", "replay", oldest)
    #expect(beside.end == .exited(75) && beside.output.isEmpty, "\(beside)")
    #expect(try bench.host.ask("GET", "/admin/dlq").body.array?.count == 2)
    #expect(await bench.host.process.stop() == .exited(0))

    let list = try await Self.alone(site, "dlq", "list", "--json")
    #expect(list.end == .exited(0) && list.errors.contains("no host is running"))
    #expect(try JSON.parse(list.output).array?.map { $0["id"]?.string } == [newest, oldest])
    #expect(try await Self.alone(site, "dlq", "list").output.contains("llm.bad_request"))
    #expect(try JSON.parse(try await Self.alone(site, "dlq", "show", newest, "--json").output)["payload"] == nil)
    for command in ["show", "replay"] {
      let unknown = try await Self.alone(site, "dlq", command, "no-such-id")
      #expect(unknown.end == .exited(4) && unknown.output.isEmpty)
    }
    #expect(try await Self.alone(site, "dlq", "purge").end == .exited(2))
    let replayed = try await Self.alone(site, "dlq", "replay", oldest)
    #expect(replayed.end == .exited(0) && replayed.output == "replayed: \(oldest)\n")
    #expect(try await Self.alone(site, "dlq", "replay", oldest).end == .exited(4))
    #expect(try await Self.books(site)?["in_flight"]?.integer == 1)

    let next = try await RunningHost(site)
    #expect(await next.eventually { try bench.requests("400 1") == 2 })
    #expect(await next.eventually { try next.value(#"nexo_broker_queue_depth{queue="ledger.outbound"}"#) == 0 })
    #expect(await next.process.stop() == .exited(0))
    let purged = try await Self.alone(site, "dlq", "purge", "--yes", "--json")
    #expect(purged.end == .exited(0))
    #expect(try JSON.parse(purged.output) == ["purged": 1])
    let inbound = try await Self.books(site)
    #expect(inbound?["dead_lettered"]?.integer == 1 && inbound?["answered"]?.integer == 1)
    await bench.endServer()
  }

  @Test func `where no host ever ran there is nothing to list, and it says where it looked`() async throws {
    let site = try Site()
    for words in [["dlq", "list"], ["dlq", "show", "x"], ["dlq", "show", "x", "--text"], ["verify"]] {
      let run = try await ChildProcess.run(
        [HostProcess.agent] + words + ["--endpoint", "http://127.0.0.1:1", "--state-dir", site.state],
        environment: ["PATH": "/usr/bin:/bin", "HOME": site.folder.path])
      #expect(run.end == .exited(4) && run.errors.contains(site.state) && run.output.isEmpty, "\(words): \(run)")
    }
  }
}
