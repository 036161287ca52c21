// Patterns, precedence, decoding, conflicts, and tables that change while requests go on.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import TestSupport
import Testing

@Suite("Router")
struct RouterTests {
  private func match(_ table: RouteTable, _ target: String, method: String = "GET") throws -> RouteMatch {
    var parser = RequestParser(limits: HTTPLimits())
    let bytes = Array("\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    var used = 0
    let event = bytes.withUnsafeBytes { parser.next($0, consumed: &used) }
    #expect(event == .head)
    return table.match(parser.head)
  }

  private func found(_ table: RouteTable, _ target: String) throws -> String? {
    guard case .found(let route, let parameters) = try match(table, target) else { return nil }
    let values = parameters.map {
      "\(String(decoding: $0.name, as: UTF8.self))=\(String(decoding: $0.value, as: UTF8.self))"
    }
    return ([route.pattern.description] + values).joined(separator: " ")
  }

  @Test(arguments: [
    ("/", "/"), ("/a", "/a"), ("/a?b=/c", "/a"), ("/%61", "/a"), ("/a/", nil), ("/A", nil), ("/a/b", "/a/{x} x=b"),
    ("/a/c", "/a/c"), ("/a/b/c", "/a/{x}/c x=b"), ("/a/c/c", "/a/{x}/c x=c"), ("/a/b%2Fc", "/a/{x} x=b/c"),
    ("/a/%63", "/a/c"),
    ("/w", "/w/*"), ("/w/", "/w/*"), ("/w/x/y", "/w/*"), ("/w/z", "/w/z"), ("/w/z/y", "/w/*"), ("/wx", nil),
    ("//a", nil),
    ("/a//c", nil), ("/w//", "/w/*"), ("/nothing", nil),
  ])
  func `a path finds the most specific pattern`(_ path: String, _ expected: String?) throws {
    let patterns = ["/", "/a", "/a/{x}", "/a/c", "/a/{x}/c", "/w/*", "/w/z"]
    let table = try RouteTable(patterns.map { try page("GET", $0) })
    #expect(try found(table, path) == expected)
  }

  @Test func `the most specific pattern decides even when it lacks the method`() throws {
    let table = try RouteTable([page("POST", "/a/*"), page("GET", "/a/b")])
    guard case .methodNotAllowed(let allow) = try match(table, "/a/b", method: "POST") else {
      Issue.record("not 405")
      return
    }
    #expect(allow == "GET, HEAD, OPTIONS")
  }

  @Test(arguments: ["", "a", "/a/../b", "/a//b", "/a/*/b", "/a*", "/{x}/{x}", "/a b", "/a/", "/\u{e9}", "/{}"])
  func `a bad pattern is refused with its reason`(_ pattern: String) {
    #expect(throws: RouteError.self) { _ = try RoutePattern(pattern) }
  }

  @Test func `two routes of one method in one place are a conflict, whatever their parameters are called`() throws {
    #expect(throws: RouteError.taken(method: "GET", pattern: "/a/{y}", by: "/a/{x}")) {
      _ = try RouteTable([page("GET", "/a/{x}"), page("GET", "/a/{y}")])
    }
  }

  @Test func `a table can be replaced between two requests of one connection`() throws {
    let live = try LiveServer([page("GET", "/v", "one")])
    let client = try live.client()
    #expect(try client.request("GET", "/v").text == "one")
    live.router.replace(try RouteTable([page("GET", "/v", "two")]))
    #expect(try client.request("GET", "/v").text == "two")
  }
}
