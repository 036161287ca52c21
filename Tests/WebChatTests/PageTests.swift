// The page, its files, its account, and its stream of events.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing

@Suite("Web chat page", .timeLimit(.minutes(1)))
struct PageTests {
  @Test func `the account is up`() throws {
    try ChatHarness.run { (chat) throws in
      #expect(String(cString: nexo_test_account(chat.test, "webchat", "default")) == "1 ready ")
    }
  }

  @Test(arguments: ["/chat", "/chat/"])
  func `the page has nothing inline, and a cookie that no script and no other site can use`(_ path: String) throws {
    try ChatHarness.run { (chat) throws in
      let page = try chat.fetch("GET", path)
      #expect(page.status == 200)
      #expect(page.header("content-security-policy")?.contains("default-src 'none'; script-src 'self'") == true)
      #expect(page.header("cache-control") == "no-store")
      #expect(page.header("set-cookie")?.contains("; HttpOnly; SameSite=Strict") == true)
      #expect(page.body.contains(#"<script type="module" src="/chat/app.js"></script>"#))
      for inline in ["style=", "onclick", "onsubmit", "<style", "javascript:"] { #expect(!page.body.contains(inline)) }
      #expect(try chat.fetch("GET", "/chat/app.js").header("content-type") == "text/javascript; charset=utf-8")
      #expect(try chat.fetch("GET", "/chat/style.css").header("content-type") == "text/css; charset=utf-8")
      #expect(try chat.fetch("GET", "/chat/other").status == 404)
      #expect(chat.value("web_chat_conversations") == 0, "looking is not writing")
    }
  }

  @Test(arguments: [
    ("es-CO,es;q=0.9,en;q=0.8", "es"), ("de, en;q=0.5, es;q=0.7", "es"), ("en-US,es;q=0.9", "en"), ("fr", "en"),
    (";;,q=,es;q=x", "en"),
  ])
  func `the page speaks what the browser likes best of what it knows`(_ header: String, _ language: String) throws {
    try ChatHarness.run { (chat) throws in
      chat.send("accept-language", header)
      #expect(try chat.fetch("GET", "/chat").body.contains("<html lang=\"\(language)\">"))
    }
  }

  @Test func `a watching browser gets what was said, then the tick and the answer, and on return only the rest`() throws
  {
    try ChatHarness.run { (chat) throws in
      let conversation = try #require(try chat.post(#"{"text":"hello","id":"one"}"#).conversation)
      let x = try chat.begin("GET", "/chat/events")
      try wait(for: #""delivered":false"#, on: x, chat)
      #expect(chat.value("web_chat_clients") == 1)
      nexo_test_ack(chat.test)
      try wait(for: #""delivered":true"#, on: x, chat)
      let ticked = try #require(lastID(chat.answer(x).body))
      #expect(chat.say("hi there", to: conversation) == 0)
      try wait(for: "hi there", on: x, chat)
      nexo_test_leave(chat.test, x)

      chat.send("last-event-id", ticked)
      let again = try chat.begin("GET", "/chat/events?after=0")
      try wait(for: "hi there", on: again, chat)
      #expect(!chat.answer(again).body.contains("hello"))
    }
  }

  @Test func `a browser without a conversation has no events`() throws {
    try ChatHarness.run { (chat) throws in #expect(try chat.fetch("GET", "/chat/events").status == 403) }
  }

  /// Waits until a stream's body contains a text.
  private func wait(for text: String, on x: nexo_http_x, _ chat: ChatHarness) throws {
    while true {
      let body = chat.answer(x).body
      if body.contains(text) { return }
      try #require(nexo_test_wait_body(chat.test, x, body.utf8.count + 1, patience), "only: \(body)")
    }
  }

  private func lastID(_ body: String) -> String? {
    body.split(separator: "\n").last { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
  }
}
