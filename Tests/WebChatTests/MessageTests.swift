// Messages in both directions: what is taken, what is refused, what is shown.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

@Suite("Web chat messages", .timeLimit(.minutes(1)))
struct MessageTests {
  @Test func `a message is handed to the host, and ticked once it is on its disk`() throws {
    try ChatHarness.run { (chat) throws in
      let answer = try chat.post(#"{"text":"hello"}"#)
      #expect(answer.status == 202)
      var said: UnsafePointer<CChar>?
      #expect(nexo_test_inbound(chat.test, &said) == 1)
      #expect(said.map { String(cString: $0) } == "hello")

      var message = try chat.fetch("GET", "/chat/messages").json["messages"]?[0]
      #expect(message?["id"] == answer.json["id"])
      #expect(message?["direction"]?.string == "in")
      #expect(message?["delivered"]?.bool == false)
      nexo_test_ack(chat.test)
      message = try chat.fetch("GET", "/chat/messages").json["messages"]?[0]
      #expect(message?["delivered"]?.bool == true)
      #expect(chat.value("web_chat_messages_total", "in") == 1)
    }
  }

  @Test func `an answer reaches a conversation that nobody looks at, once`() throws {
    try ChatHarness.run { (chat) throws in
      let conversation = try #require(try chat.post(#"{"text":"hello"}"#).conversation)
      #expect(chat.say("hi there", to: conversation) == 0)
      #expect(chat.say("hi there", to: conversation) == 0)
      let messages = try chat.fetch("GET", "/chat/messages").json["messages"]?.array ?? []
      #expect(messages.map { $0["text"]?.string } == ["hello", "hi there"])
      #expect(chat.value("web_chat_messages_total", "out") == 1)
    }
  }

  @Test func `an answer to an address that is none of the chat's is not found`() throws {
    try ChatHarness.run { (chat) throws in #expect(chat.say("hi", to: "573001234567") == Int32(NEXO_E_NOT_FOUND)) }
  }

  @Test func `an answer beyond the limit is rejected, so that it does not count against the account`() throws {
    try ChatHarness.run { (chat) throws in
      let conversation = try #require(try chat.post(#"{"text":"hello"}"#).conversation)
      #expect(chat.say(String(repeating: "x", count: 200 << 10), to: conversation) == Int32(NEXO_E_REJECTED))
    }
  }

  @Test func `one browser does not see the conversation of another`() throws {
    try ChatHarness.run { (chat) throws in
      try chat.post(#"{"text":"hello"}"#)
      chat.send("cookie", "nexo_chat=0123456789abcdef0123456789abcdef")
      #expect(try chat.fetch("GET", "/chat/messages").json["messages"] == [])
      chat.send("cookie", "nexo_chat=../../etc/passwd")
      #expect(try chat.fetch("GET", "/chat/messages").json["messages"] == [])
    }
  }

  @Test func `while the host has no room a message is refused with a time, shown to nobody, and taken later`() throws {
    try ChatHarness.run { (chat) throws in
      nexo_test_inbound_answers(chat.test, nexo_status(NEXO_E_AGAIN))
      let refused = try chat.post(#"{"text":"hello","id":"one"}"#)
      #expect(refused.status == 503)
      #expect(refused.header("retry-after") == "1")
      #expect(try chat.fetch("GET", "/chat/messages").json["messages"] == [])
      #expect(chat.value("web_chat_refused_total", "busy") == 1)
      nexo_test_inbound_answers(chat.test, nexo_status(NEXO_OK))
      #expect(try chat.post(#"{"text":"hello","id":"one"}"#).json["id"]?.string == "one")
    }
  }

  @Test func `the same id again is the same message`() throws {
    try ChatHarness.run { (chat) throws in
      for _ in 0..<2 { #expect(try chat.post(#"{"text":"hello","id":"one"}"#).status == 202) }
      #expect(nexo_test_inbound(chat.test, nil) == 1)
    }
  }

  @Test(arguments: [
    ("{}", 400), (#"{"text":" \n "}"#, 400), (#"{"text":7}"#, 400), ("{", 400),
    (#"{"text":"a","id":"has space"}"#, 400), (#"{"text":"\#(String(repeating: "é", count: 4097))"}"#, 413),
    (#"{"text":"\#(String(repeating: "é", count: 4096))"}"#, 202),
  ])
  func `what is no message, or too large, is refused before the host sees it`(_ body: String, _ status: Int) throws {
    try ChatHarness.run { (chat) throws in
      #expect(try chat.post(body).status == UInt32(status))
      #expect(nexo_test_inbound(chat.test, nil) == (status == 202 ? 1 : 0))
    }
  }

  @Test func `a form works without scripts: it goes back to the page, which shows the text as text`() throws {
    try ChatHarness.run { (chat) throws in
      chat.send("content-type", "application/x-www-form-urlencoded")
      let answer = try chat.post("text=%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0A%26+more")
      #expect(answer.status == 303)
      #expect(answer.header("location") == "/chat")
      let page = try chat.fetch("GET", "/chat").body
      #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\n&amp; more"))
      #expect(page.contains("http-equiv=\"refresh\""), "an answer is due")
    }
  }

  @Test func `a refused form is a page that keeps the text`() throws {
    try ChatHarness.run { (chat) throws in
      chat.send("content-type", "application/x-www-form-urlencoded")
      nexo_test_inbound_answers(chat.test, nexo_status(NEXO_E_AGAIN))
      let answer = try chat.post("text=%22mine%22")
      #expect(answer.status == 503)
      #expect(answer.header("retry-after") == "1")
      #expect(answer.body.contains("&quot;mine&quot;</textarea>"))
      chat.send("content-type", "text/plain")
      #expect(try chat.post("hello").status == 415)
    }
  }
}
