// nexo.http/1 through a real listener: every way of answering, and every way of doing it wrong.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Plugin routes", .timeLimit(.minutes(2)))
struct HTTPServiceTests {
  static let bothKinds = [[], ["FLAGS=NEXO_PLUGIN_SERIAL"]]

  @Test(arguments: bothKinds)
  func `a route answers now, and from another thread later`(_ macros: [String]) async throws {
    let site = try PluginSite()
    let instance = try await site.run("pages.c", macros, PluginSite.pages())
    let now = try await site.get("/pages/hello")
    #expect(now.status == 200)
    #expect(now.text == "hello one\n")
    #expect(now["content-type"] == "text/plain; charset=utf-8")
    #expect(try await site.get("/pages/later").text == "later one\n")
    #expect(await site.host.retire(instance, grace: .seconds(5)) == .ended)
    #expect(try await site.get("/pages/hello").status == 404)
  }

  @Test(arguments: bothKinds)
  func `a request arrives whole: method, path, query, peer, parameters, headers, body`(_ macros: [String]) async throws
  {
    let site = try PluginSite()
    _ = try await site.run("pages.c", macros, PluginSite.pages())
    let answer = try await site.get(
      "/pages/echo/b%C3%A4r/x/y?q=1", "PUT", headers: ["X-Test: seen"], body: Array("the body".utf8))
    #expect(answer.status == 201)
    #expect(answer["content-type"] == "text/x-echo")
    #expect(answer.text == "PUT|/pages/echo/bär/x/y|q=1|127.0.0.1|name|bär|*|x/y|seen|the body|")
  }

  @Test func `HEAD is answered by a GET route without its body`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", [], PluginSite.pages())
    let answer = try await site.get("/pages/hello", "HEAD")
    #expect(answer.status == 200)
    #expect(answer["content-length"] == "10")
    #expect(answer.body.isEmpty)
  }

  @Test(arguments: bothKinds)
  func `a long stream respects back-pressure and arrives whole`(_ macros: [String]) async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", macros, PluginSite.pages())
    let body = try await site.get("/pages/stream").body
    #expect(body.count == 64 * 65_536)
    #expect(body.allSatisfy { $0 == UInt8(ascii: "x") })
    let numbers = try await site.get("/pages/numbers").text
    #expect(!numbers.contains("full=0"), "the plugin never had to wait: \(numbers)")
  }

  @Test(arguments: bothKinds)
  func `a body comes in pieces to a route that wants it so`(_ macros: [String]) async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", macros, PluginSite.pages())
    let body = [UInt8](repeating: 7, count: 3 << 20)
    #expect(try await site.get("/pages/upload", "POST", body: body).text == "\(3 << 20) bytes\n")
  }

  @Test func `an event stream sends each event at once, and its end is told when the client leaves`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", [], PluginSite.pages())
    let address = site.address
    try await onThread {
      let client = try HTTPClient(address)
      try client.send("GET /pages/events HTTP/1.1\r\nHost: t\r\n\r\n")
      let head = try client.head()
      #expect(head["content-type"] == "text/event-stream")
      var text = ""
      while !text.contains("two") { text += String(decoding: try client.chunk() ?? [], as: UTF8.self) }
      #expect(text.contains("data: one\n\n"))
      client.close()
    }
    let isTold = try await eventually {
      let answer = try HTTPClient.get(address, "/pages/numbers").text
      return answer.contains("gone=1")
    }
    #expect(isTold)
  }

  @Test(arguments: bothKinds)
  func `each misuse has its status and the exchange goes on`(_ macros: [String]) async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", macros, PluginSite.pages())
    // write and end before begin; status 99 and 600; header values and names; x+1; 0; no host; a NULL list; a NULL body.
    #expect(try await site.get("/pages/abuse").text == "-1 -1 -1 -1 -1 -1 -1 -1 -2 -2 -2 -1 -1")
  }

  @Test func `a route that never answers is 504, and its end is told`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", [], PluginSite.pages())
    #expect(try await site.get("/pages/never").status == 504)
    #expect(try await site.get("/pages/numbers").text.contains("timeout=1"))
  }

  @Test func `a serial plugin is entered by one thread at a time`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", ["FLAGS=NEXO_PLUGIN_SERIAL"], PluginSite.pages())
    await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for _ in 0..<25 { _ = try await site.get("/pages/hello") } }
      }
    }
    let numbers = try await site.get("/pages/numbers").text
    #expect(numbers.contains("most=1"), "\(numbers)")
    #expect(try await eventually { try HTTPClient.get(site.address, "/pages/numbers").text.contains("done=10") })
  }

  @Test func `a handler that is stuck for ever costs its plugin only`() async throws {
    let site = try PluginSite()
    let stuck = try await site.run("pages.c", [], PluginSite.pages())
    let address = site.address
    try await onThread {
      let client = try HTTPClient(address)
      try client.send("GET /pages/stuck HTTP/1.1\r\nHost: t\r\n\r\n")
      for _ in 0..<20 { #expect(try HTTPClient.get(address, "/pages/hello").status == 200) }
      client.close()
    }
    guard case .stuck(let call) = await site.host.retire(stuck, grace: .milliseconds(100)) else {
      Issue.record("an instance with a thread inside was destroyed")
      return
    }
    #expect(call == "on_request")
    #expect(stuck.phase == .stuck)
    #expect(try await site.get("/pages/hello").status == 404)
  }

  @Test func `calls and their times are counted`() async throws {
    let site = try PluginSite()
    _ = try await site.run("pages.c", [], PluginSite.pages())
    for _ in 0..<3 { _ = try await site.get("/pages/hello") }
    let text = site.exposition
    #expect(text.contains(#"nexo_plugin_calls_total{plugin="pages",call="on_request",result="ok"} 3"#))
    #expect(text.contains(#"nexo_plugin_call_duration_seconds_count{plugin="pages",call="on_request"} 3"#))
    #expect(text.contains(#"pages_requests_total{page="hello"} 3"#))
  }
}
