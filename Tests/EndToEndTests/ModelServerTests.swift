// The real host against a model server that misbehaves on demand (Tests/Support/models/scripted.py), in both forms that
// providers speak: the documented attempts are made, breakers move as documented, and no message is lost.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Model servers that misbehave", .timeLimit(.minutes(3)))
struct ModelServerTests {
  @Test(arguments: ["openai", "anthropic"])
  func `what may pass is tried again as often as documented and answered in the end`(kind: String) async throws {
    let bench = try await ModelBench(kind)
    #expect(try await bench.isAnswered("plain"))
    // 429: up to five attempts; 500, cut and rubbish: up to three.
    for (words, attempts) in [("429 2", 3), ("500 2", 3), ("cut 2", 3), ("rubbish 2", 3), ("slow 50", 1)] {
      #expect(try await bench.isAnswered(words), "\(words)")
      #expect(try bench.requests(words) == attempts, "\(words)")
      #expect(try bench.breaker == 0, "\(words)")
    }
    #expect(try bench.outcome("ok") == 6 && bench.outcome("error") == 8)
    await bench.end()
    #expect(try await bench.site.verify().end == .exited(0))
  }

  @Test(arguments: ["openai", "anthropic"])
  func `five failures in a row open the breaker, and what was asked meanwhile is answered after it`(kind: String)
    async throws
  {
    let bench = try await ModelBench(kind)
    // A request that is wrong says nothing about the server: one attempt, a dead letter, the breaker stays closed.
    #expect(try ChatVisitor(bench.host.http).say("400") == 202)
    #expect(await bench.host.eventually { try bench.host.ask("GET", "/admin/dlq").body.array?.count == 1 })
    #expect(try bench.requests("400") == 1)
    #expect(try bench.breaker == 0)

    // Two chats, three attempts each, all of which fail: whichever order they come in, the fifth opens the breaker.
    let visitors = try ["500 3", "500 03"].map { words in
      let visitor = try ChatVisitor(bench.host.http)
      #expect(try visitor.say(words) == 202)
      return visitor
    }
    #expect(await bench.host.eventually { try bench.breaker == 1 })
    #expect(try bench.host.ask("GET", "/admin/agents/main").body["reason"]?.string == "llm.breaker_open")
    let asked = try ChatVisitor(bench.host.http)
    #expect(try asked.say("meanwhile") == 202)
    #expect(await bench.host.eventually(seconds: 60) { try asked.answers() == ["said: meanwhile"] })
    #expect(await bench.host.eventually(seconds: 60) { try visitors[1].answers() == ["said: 500 03"] })
    #expect(await bench.host.eventually(seconds: 60) { try bench.breaker == 0 })
    // The one whose three attempts failed is not lost: the ledger gives it out again.
    #expect(await bench.host.eventually(seconds: 60) { try visitors[0].answers() == ["said: 500 3"] })
    await bench.end()
    let audit = try await bench.site.verify()
    #expect(audit.end == .exited(0), "\(audit.output)")
  }
}
