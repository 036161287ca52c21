// Many conversations in one host: they do not wait for each other, and a slow one holds up nobody.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Many conversations", .timeLimit(.minutes(2)))
struct ManyConversationsTests {
  @Test func `a chat whose model takes a minute delays no other`() async throws {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    let (slow, quick) = (try ChatVisitor(host.http), try ChatVisitor(host.http))
    #expect(try slow.say("/wait 60000") == 202)
    #expect(await host.eventually { try host.value(#"messages_processed_total{agent="echo"}"#) == 1 })
    for number in 1...20 {
      #expect(try quick.say("number \(number)") == 202)
      #expect(await host.eventually { try quick.answers().count == number })
    }
    #expect(try quick.answers().last == "echo: number 20")
    // The slow one still thinks: nothing of this had to wait for it.
    #expect(try slow.answers().isEmpty)
    host.process.child.signal(SIGKILL)
    #expect(await host.process.child.ended() == .signalled(SIGKILL))
  }

  @Test func `a thousand conversations at once are answered side by side, each in its own session`() async throws {
    let site = try Site()
    try site.dropCourier(["CHATS=1000", "COUNT=1000", "WINDOW=1000", "TEXT=\"/wait 3000\""])
    let host = try await RunningHost(site)
    // One after the other they would take fifty minutes.
    #expect(await host.eventually(seconds: 90) { try site.journal().replies.count == 1_000 })
    let agent = try host.ask("GET", "/admin/agents/echo").body
    #expect(agent["sessions_total"]?.integer == 1_000 && agent["sessions_active"]?.integer == 1_000)
    #expect(try host.value(#"messages_processed_total{agent="echo"}"#) == 1_000)
    #expect(try site.journal().faults == [])
    #expect(await host.process.stop() == .exited(0))
    #expect(try await site.verify().end == .exited(0))
  }
}
