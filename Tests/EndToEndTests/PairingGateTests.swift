// The challenge gate in the real host: two channels for each way a challenge can go, approvals by command, by another process
// and through the console, the gauge against the store, a flood of strangers, a store that is gone.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import HostStore
import TestSupport
import Testing

@Suite("Pairing gate", .timeLimit(.minutes(3)))
struct PairingGateTests {
  /// A host whose one agent challenges on every channel.
  static func host(_ channels: [String: Int], site: Site? = nil) async throws -> RunningHost {
    let site = try site ?? Site("gate")
    for (id, adapter) in channels { try site.dropGate(id, adapter: adapter) }
    try site.folder.write(
      "config/agents.yaml",
      """
      agents:
        - id: echo
          model: {provider: echo}
          inbound_bindings:
            - {plugin: "*", pairing_policy: {auto_challenge: true}}
      """)
    return try await RunningHost(site)
  }

  @Test func `each result of a challenge is counted on two channels, and an approved sender is answered`() async throws
  {
    let host = try await Self.host(["alpha": 1, "aleph": 1, "beta": 0, "beth": 0, "gamma": 2, "gimel": 2])
    for channel in ["alpha", "aleph", "beta", "beth", "gamma", "gimel"] { try host.say(channel, "Ana") }
    for channel in ["beta", "beth"] { try host.say(channel, "Bob", more: "&group=1&chat=crowd") }
    let results = [
      ("alpha", "delivered_via_adapter"), ("aleph", "delivered_via_adapter"), ("beta", "delivered_via_broker"),
      ("beth", "delivered_via_broker"), ("gamma", "publish_failed"), ("gimel", "publish_failed"),
      ("beta", "no_adapter_no_broker_topic"), ("beth", "no_adapter_no_broker_topic"),
    ]
    for (channel, result) in results {
      let series = #"pairing_inbound_challenged_total{channel="\#(channel)",result="\#(result)"}"#
      #expect(await host.eventually { try host.value(series) == 1 }, "\(series)")
    }
    // Nobody has reached the agent, and no code was shown to a group.
    #expect(try host.value(#"messages_processed_total{agent="echo"}"#) ?? 0 == 0)
    #expect(try host.value(#"nexo_messages_refused_total{agent="echo",reason="not_paired"}"#) == 8)
    for channel in ["beta", "beth"] {
      #expect(
        await host.eventually { try host.seen(channel).contains("sent main Ana This assistant does not know you") })
      #expect(try !host.seen(channel).contains("crowd"))
    }
    #expect(try host.pending() == ["aleph": 1, "alpha": 1, "beta": 2, "beth": 2, "gamma": 1, "gimel": 1])

    for channel in ["alpha", "beta"] {
      let found = try host.code(channel, channel == "alpha" ? "ana" : "Ana")
      let code = try #require(found)
      let approved = try await host.agent("pair", "approve", code.lowercased())
      #expect(approved.end == .exited(0) && approved.output.contains("approved"), "\(approved.errors)")
      try host.say(channel, channel == "alpha" ? "ANA" : "Ana", more: "&text=hello")
      #expect(await host.eventually { try host.seen(channel).contains("echo: hello") })
      #expect(try host.value(#"pairing_approvals_total{channel="\#(channel)",result="ok"}"#) == 1)
      let revoked = try await host.agent("pair", "revoke", "\(channel):Ana", "--json")
      #expect(revoked.end == .exited(0) && revoked.output.contains("1"))
    }
    // Revoked is shut out at once; the message becomes a new request.
    try host.say("alpha", "ana", more: "&text=again")
    #expect(await host.eventually { try host.pendingNow("alpha") == 1 })
    #expect(try !host.seen("alpha").contains("echo: again"))

    for channel in ["alpha", "beta"] {
      let found = try host.code(channel, nil)
      let code = try #require(found)
      try host.backdate(channel, seconds: 3_601)
      let expired = try await host.agent("pair", "approve", code)
      #expect(expired.end == .exited(1) && expired.errors.contains("older than 60 minutes"))
      #expect(try host.value(#"pairing_approvals_total{channel="\#(channel)",result="expired"}"#) == 1)
    }
    #expect(try host.value("pairing_codes_expired_total") == 2)
    #expect(try await host.agent("pair", "approve", "AAAAAAAA").end == .exited(4))
    #expect(try host.value(#"pairing_approvals_total{channel="",result="not_found"}"#) == 1)
    _ = try await host.agent("pair", "start")
    #expect(try host.value(#"pairing_bootstrap_tokens_issued_total{profile="companion-v1"}"#) == 1)
    let text = try host.scrape()
    for secret in ["ana", "Ana", "Bob"] {
      #expect(!host.process.child.errors.contains(secret) && !text.contains(secret))
    }
    #expect(await host.process.stop() == .exited(0))
  }

  /// `NEXO_TEST_CYCLES=500` for the full number.
  @Test func `the gauge equals the store after random work of host and command line, and after restarts`() async throws
  {
    let wanted = getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 60
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    let site = try Site("gate")
    var host = try await Self.host(["alpha": 1, "beta": 0], site: site)
    for step in 0..<wanted {
      let channel = Bool.random(using: &random) ? "alpha" : "beta"
      let (sender, account) = (
        "s\(Int.random(in: 0..<40, using: &random))", Bool.random(using: &random) ? "main" : "other"
      )
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<9: try host.say(channel, sender, more: "&account=\(account)")
      case 9..<13:
        if let code = try host.code(channel, nil) { _ = try host.post("approve", ["code": .string(code)]) }
      case 13..<15: _ = try host.post("revoke", ["channel": .string(channel), "sender": .string(sender)])
      case 15..<16:
        _ = try host.post(
          "seed", ["channel": .string(channel), "account": .string(account), "senders": [.string(sender)]])
      case 16..<18: try host.backdate(channel, seconds: Int.random(in: 1..<5_000, using: &random))
      case 18:
        if let code = try host.code(channel, nil) { _ = try await host.alone("pair", "approve", code) }
      default: _ = try await host.alone("pair", "seed", channel, account, sender)
      }
      if step % 50 == 49 {
        #expect(await host.process.stop() == .exited(0))
        host = try await RunningHost(site)
      }
      #expect(try host.gaugeIsTrue(), "step \(step) of seed \(seed)")
    }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an approval by another process is in force within seconds`() async throws {
    let host = try await Self.host(["alpha": 1])
    try host.say("alpha", "ana")
    #expect(await host.eventually { try host.pendingNow("alpha") == 1 })
    let found = try host.code("alpha", "ana")
    let code = try #require(found)
    let approved = try await host.alone("pair", "approve", code)
    #expect(approved.end == .exited(0) && approved.errors.contains("working on the store itself"))
    #expect(try host.pendingNow("alpha") == 0)
    #expect(
      await host.eventually {
        try host.say("alpha", "ana", more: "&text=hello")
        return try host.seen("alpha").contains("echo: hello")
      })
    let listed = try JSON.parse(try await host.agent("pair", "list", "--json", "--channel", "alpha").output)
    #expect(listed["pending"]?.array?.isEmpty == true && listed["allow"]?.array?.count == 1)
    #expect(listed["allow"]?[0]?["approved_via"]?.string == "cli")
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `buttons of the console let a sender in and shut him out, from its own page only, and hide who he is`()
    async throws
  {
    let host = try await Self.host(["alpha": 1])
    try host.say("alpha", "somebody-at-home")
    #expect(await host.eventually { try host.pendingNow("alpha") == 1 })
    let code = try host.code("alpha", nil) ?? ""
    func page() throws -> String { try HTTPClient.get(host.admin, "/admin/").text }
    func press(_ action: String, _ form: String, origin: String? = nil) throws -> HTTPAnswer {
      try HTTPClient(host.admin).request(
        "POST", "/admin/console/pairing/\(action)",
        headers: [
          "Content-Type: application/x-www-form-urlencoded", "Origin: http://\(origin ?? host.admin)",
        ], body: Array(form.utf8))
    }
    let before = try page()
    #expect(before.contains("<section id=\"pairing\"") && before.contains(code) && !before.contains("somebody-at-home"))
    #expect(try press("approve", "code=\(code)", origin: "evil.example").status == 403)
    #expect(try press("approve", "code=AAAAAAAA").status == 404)
    #expect(try press("approve", "code=\(code)").status == 303)
    try host.say("alpha", "somebody-at-home", more: "&text=hello")
    #expect(await host.eventually { try host.seen("alpha").contains("echo: hello") })
    let listed = try JSON.parse(try await host.agent("pair", "list", "--json").output)
    #expect(listed["allow"]?[0]?["approved_via"]?.string == "console")
    let after = try page()
    let mark = try #require(after.firstRange(of: "name=\"sender\" value=\""))
    #expect(try press("revoke", "sender=\(after[mark.upperBound...].prefix(16))").status == 303)
    #expect(try !page().contains("name=\"sender\""))
    let cookie = try await OwnerAccessTests.session(host)
    let sessions = try JSON.parse(try await host.agent("pair", "sessions", "--json").output)
    #expect(try page().contains("tablet") && !page().contains(String(cookie.split(separator: "=")[1])))
    #expect(try press("end", "session=\(sessions["sessions"]?[0]?["id"]?.string ?? "")").status == 303)
    #expect(try !page().contains("tablet"))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a thousand strangers on one account keep no known sender waiting and cost bounded memory`() async throws {
    let host = try await Self.host(["alpha": 1])
    #expect(try await host.agent("pair", "seed", "alpha", "main", "Friend").output.contains("let in: 1"))
    try host.say("alpha", "warm")
    let before = try host.value("process_resident_memory_bytes") ?? 0
    let client = try HTTPClient(host.http)
    for index in 0..<1_000 {
      #expect(try client.request("POST", "/alpha/in?sender=s\(index)", body: []).status == 202)
    }
    try host.say("alpha", "friend", more: "&text=hello")
    #expect(await host.eventually { try host.seen("alpha").contains("echo: hello") })
    #expect(await host.eventually { try host.seen("alpha").contains("acked 1002") })
    #expect(try host.seen("alpha").split(separator: "\n").count { $0.hasPrefix("challenge") } == 3)
    #expect(try host.pending() == ["alpha": 3])
    #expect(try host.value(#"messages_processed_total{agent="echo"}"#) == 1)
    let growth = (try host.value("process_resident_memory_bytes") ?? 0) - before
    #expect(growth < 64_000_000, "\(growth)")
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `with its store gone the gate lets nobody in, keeps the messages with the channel, and says why`()
    async throws
  {
    let host = try await Self.host(["alpha": 1])
    _ = try await host.agent("pair", "seed", "alpha", "main", "friend")
    for suffix in ["", "-wal", "-shm"] { unlink(host.process.site.state + "/pairing.db" + suffix) }
    #expect(
      await host.eventually {
        let components = try JSON.parse(try host.get("/ready?verbose").body)["components"]?.array ?? []
        let pairing = components.first { $0["name"]?.string == "pairing" }
        return pairing?["state"]?.string == "failing" && pairing?["reason"]?.string == "store.unavailable"
          && pairing?["since"]?.string != nil
      })
    for sender in ["friend", "stranger"] { try host.say("alpha", sender) }
    let approve = try host.post("approve", ["code": "AAAAAAAA"])
    #expect(approve.status == 503 && Self.code(approve) == "store.unavailable")
    // Long enough for the gate to have answered many times over, had it answered.
    #expect(await host.eventually { try host.get("/health").status == 200 })
    #expect(try host.seen("alpha") == "acked 0\n")
    #expect(try host.value(#"messages_processed_total{agent="echo"}"#) ?? 0 == 0)
    #expect(await host.process.stop() == .exited(0))
    // A start makes a new store.
    let again = try await RunningHost(host.process.site)
    try again.say("alpha", "friend")
    #expect(await again.eventually { try again.seen("alpha").contains("challenge main friend") })
    #expect(await again.process.stop() == .exited(0))
  }

  @Test func `commands on the store work without a host, and say what is not there`() async throws {
    let folder = try TemporaryFolder("pair")
    func agent(_ words: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
      try await ChildProcess.run(
        [HostProcess.agent, "pair"] + words
          + ["--endpoint", "http://127.0.0.1:1", "--state-dir", folder.file("state"), "--config", folder.path])
    }
    let empty = try await agent("list", "--json")
    let nobody = try JSON.parse(empty.output)
    #expect(empty.end == .exited(0) && nobody["allow"]?.array?.isEmpty == true)
    // Asking makes no store.
    #expect((try? FileStatus.of(folder.file("state"))) == nil)
    #expect(try await agent("approve", "AAAAAAAA").end == .exited(4))
    #expect(try await agent("revoke", "alpha:ana").end == .exited(4))
    #expect(try await agent("revoke", "alpha").end == .exited(2))
    #expect(try await agent("seed", "alpha", "main").end == .exited(2))
    #expect(try await agent("seed", "alpha", "main", "ana", "bob").output.contains("let in: 2"))
    #expect(try await agent("seed", "alpha", "main", "ana").output.contains("let in: 0"))
    #expect(try FileStatus.of(folder.file("state/pairing.db")).permissions == 0o600)
    #expect(try await agent("revoke", "alpha:ana").end == .exited(0))
    let table = try await agent("list", "--all", "--include-revoked").output
    #expect(table.contains("SENDER") && table.contains("seed") && table.contains("ana") && table.contains("bob"))
    let start = try await agent("start", "--json", "--ttl-secs", "60", "--qr-png", folder.file("code.png"))
    let made = try JSON.parse(start.output)
    #expect(made["url"]?.string?.contains("/link?t=") == true && made["payload"]?.string?.isEmpty == false)
    #expect(try FileStatus.of(folder.file("code.png")).permissions == 0o600)
    #expect(try await agent("start", "--ttl-secs", "0").end == .exited(2))
  }

  static func code(_ answer: HTTPAnswer) -> String? { (try? JSON.parse(answer.body))?["code"]?.string }
}

extension RunningHost {
  /// A message comes in over a channel of the gate fixture.
  func say(_ channel: String, _ sender: String, more: String = "") throws {
    let answer = try HTTPClient(http).request("POST", "/\(channel)/in?sender=\(sender)\(more)", body: [])
    guard answer.status == 202 else { throw HTTPClientError.malformed(answer.text) }
  }
  /// What the channel was asked to say.
  func seen(_ channel: String) throws -> String { try get("/\(channel)/seen").text }

  /// A JSON request to the console's pairing routes.
  func post(_ action: String, _ body: JSON) throws -> HTTPAnswer {
    try HTTPClient(admin).request(
      "POST", "/admin/pairing/\(action)", headers: ["Content-Type: application/json"], body: body.bytes)
  }

  /// A command that finds no host and works on the store beside it.
  func alone(_ words: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
    try await ChildProcess.run(
      [HostProcess.agent] + words + ["--endpoint", "http://127.0.0.1:1", "--state-dir", process.site.state])
  }

  private var store: String { process.site.state + "/pairing.db" }

  /// The code of a request, of this sender or of the oldest.
  func code(_ channel: String, _ sender: String?) throws -> String? {
    let rows = try ask("GET", "/admin/pairing?channel=\(channel)").body["pending"]?.array ?? []
    return rows.first { sender == nil || $0["sender_id"]?.string == sender }?["code"]?.string
  }

  /// Makes the requests of a channel older, as another process.
  func backdate(_ channel: String, seconds: Int) throws {
    try Database(store).run(
      "UPDATE pairing_pending SET created_at = created_at - ? WHERE channel = ?", SQLValue(seconds), .text(channel))
  }

  /// Requests in the store by channel: rows that are not older than an hour.
  func pending() throws -> [String: Int] {
    let oldest = Int64(Clock.wall() / 1_000_000_000) - 3_600
    let rows = try Database(store).rows(
      "SELECT channel, count(*) FROM pairing_pending WHERE created_at > ? GROUP BY channel", SQLValue(oldest)
    ) { ($0.text(0), Int($0.integer(1))) }
    return Dictionary(uniqueKeysWithValues: rows)
  }

  /// The gauge of a channel.
  func pendingNow(_ channel: String) throws -> Int {
    Int(try value(#"pairing_requests_pending{channel="\#(channel)"}"#) ?? 0)
  }

  /// Whether gauge and store agree; messages under way may change the store between two looks at it.
  func gaugeIsTrue() throws -> Bool {
    for _ in 0..<50 {
      let before = try pending()
      let shown = [try pendingNow("alpha"), try pendingNow("beta")]
      let after = try pending()
      if before == after { return shown == [before["alpha"] ?? 0, before["beta"] ?? 0] }
    }
    return false
  }
}
