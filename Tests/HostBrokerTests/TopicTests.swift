// Tests of topics and patterns, with the shared vectors.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import Testing

@Suite("Topics")
struct TopicTests {
  @Test(arguments: [
    ("agent.events.*", "agent.events.kate", true), ("agent.events.*", "agent.events.kate.click", false),
    ("agent.>", "agent.a.b.c", true), ("agent.>", "agent", false), (">", "a", true),
    ("agent.*.kate", "agent.x.kate", true), ("a..b", "a..b", false), ("", ".a", false), ("a.b", "a.b", true),
    ("a.b", "a.b.c", false), ("a.b.c", "a.b", false), ("*", "a.b", false), ("*.*", "a.b", true), (">", "a.", false),
    (">", "", false), (">", "a..b", false), ("a.>", "a.*", false), ("é.*", "é.ü", true), ("a.*.>", "a.b", false),
    ("a.*.>", "a.b.c.d", true),
  ])
  func `a pattern matches what the specification says`(pattern: String, topic: String, matches: Bool) {
    #expect((TopicPattern(pattern)?.matches(topic) ?? false) == matches)
  }

  @Test(arguments: [
    "", ".", "a.", ".a", "a..b", "a.>.b", "a*", "a.b>", "**", "a b", "a\nb", String(repeating: "a", count: 256),
  ])
  func `what is no pattern is refused`(text: String) { #expect(TopicPattern(text) == nil) }

  @Test(arguments: [
    ("plugin.inbound.x", "plugin.inbound"), ("plugin.inboundx", "other"), ("_inbox.1", "other"),
    ("agent.route", "agent.route"),
  ])
  func `the label of a topic comes from a closed set`(topic: String, label: String) {
    #expect(BrokerMetrics.label(topic) == label)
  }
}
