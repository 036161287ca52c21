// Flow 3, docs/flows/conversation.md: a message in the web chat, through the ledger and an agent, and its answer back.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Conversation", .timeLimit(.minutes(2)))
struct ConversationTests {
  @Test func `with no configuration a message in the web chat is answered, and everything that moved is counted`()
    async throws
  {
    let site = try Site("chat")
    try site.dropChat()
    let host = try await RunningHost(site)
    #expect(try host.verdicts() == ["web-chat": "ok"])
    #expect(await host.eventually { try host.get("/ready").status == 200 })
    #expect(try host.get("/chat").status == 200)

    let said = try HTTPClient(host.http).request(
      "POST", "/chat/messages", headers: ["Content-Type: application/json"], body: Array(#"{"text":"hello"}"#.utf8))
    #expect(said.status == 202, "\(said.text)")
    let cookie = try #require(said["set-cookie"]?.split(separator: ";").first)
    #expect(
      await host.eventually {
        try HTTPClient(host.http).request("GET", "/chat/messages", headers: ["Cookie: \(cookie)"]).text
          .contains("echo: hello")
      })

    #expect(try host.value(#"messages_processed_total{agent="echo"}"#) == 1)
    let text = try host.scrape()
    // A greeting has the built-in agent look at the clock: a request, a tool call, a request.
    #expect(text.contains(#"llm_requests_total{agent="echo",provider="echo",model="echo",outcome="ok"} 2"#))
    #expect(text.contains(#"nexo_tool_calls_total{agent="echo",outcome="ok",tool="time_now"} 1"#))
    let agent = try host.ask("GET", "/admin/agents/echo").body
    #expect(agent["messages_processed"]?.integer == 1 && agent["sessions_total"]?.integer == 1)
    // What was said is nobody's business but the conversation's.
    #expect(!host.process.child.errors.contains("hello") && !text.contains("hello"))
    #expect(await host.process.stop() == .exited(0))
  }
}
