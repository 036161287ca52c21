// Requests and responses over live sockets: framing, methods, keep-alive, pipelining, bodies, errors.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import HostLinux
import TestSupport
import Testing

@Suite("Serving", .timeLimit(.minutes(2)))
struct ServingTests {
  private func echo() throws -> Route {
    try Route(
      "POST", "/echo",
      handler: HTTPPage { request, exchange in
        exchange.respond(200, HTTPFields(contentType: "application/octet-stream"), request.body)
      })
  }

  @Test func `a page is answered with the right head and body, again and again on one connection`() throws {
    let live = try LiveServer([page("GET", "/hello", "hello")])
    let client = try live.client()
    for _ in 0..<3 {
      let answer = try client.request("GET", "/hello?x=1")
      #expect(answer.status == 200)
      #expect(answer.phrase == "OK")
      #expect(answer.text == "hello")
      #expect(answer["content-length"] == "5")
      #expect(answer["x-content-type-options"] == "nosniff")
      #expect(answer["connection"] == nil)
      #expect(answer["date"]?.hasSuffix(" GMT") == true)
      #expect(answer["date"]?.utf8.count == 29)
    }
    #expect(live.records.wait(for: 3).map(\.status) == [200, 200, 200])
    #expect(live.records.all.allSatisfy { $0.route?.pattern.description == "/hello" })
  }

  @Test func `a type given as a literal is sent once, with the fields added to it`() throws {
    let live = try LiveServer([
      Route(
        "GET", "/typed",
        handler: HTTPPage { _, exchange in
          var fields = HTTPFields(fixedType: "text/x-fixed")
          fields.append("x-more", "1")
          exchange.respond(200, fields, Array("typed".utf8))
        })
    ])
    let answer = try live.client().request("GET", "/typed")
    #expect(answer["content-type"] == "text/x-fixed")
    #expect(answer["x-more"] == "1" && answer.text == "typed")
  }

  @Test func `HEAD has the fields of GET and no body`() throws {
    let live = try LiveServer([page("GET", "/hello", "hello")])
    let client = try live.client()
    let answer = try client.request("HEAD", "/hello")
    #expect(answer.status == 200)
    #expect(answer["content-length"] == "5")
    #expect(answer.body.isEmpty)
    #expect(try client.request("GET", "/hello").text == "hello")
  }

  @Test func `a path without a route is 404, another method 405 with Allow, an unknown method 501`() throws {
    let live = try LiveServer([page("GET", "/hello"), page("POST", "/hello")])
    let client = try live.client()
    #expect(try client.request("GET", "/nothing").status == 404)
    let wrong = try client.request("DELETE", "/hello")
    #expect(wrong.status == 405)
    #expect(wrong["allow"] == "GET, HEAD, OPTIONS, POST")
    #expect(try client.request("get", "/hello").status == 501)
    #expect(try client.request("BREW", "/nothing").status == 501)
    let options = try client.request("OPTIONS", "/hello")
    #expect(options.status == 204)
    #expect(options["allow"] == "GET, HEAD, OPTIONS, POST")
    #expect(try client.request("OPTIONS", "*").status == 204)
  }

  @Test func `an error has a problem document with its code, and plain text for browsers`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let client = try live.client()
    let problem = try client.request("GET", "/nothing")
    #expect(problem["content-type"] == "application/problem+json")
    #expect(problem.text.contains(#""status":404"#))
    #expect(problem.text.contains(#""code":"http.not_found""#))
    let text = try client.request("GET", "/nothing", headers: ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"])
    #expect(text["content-type"] == "text/plain; charset=utf-8")
    #expect(text.text.hasPrefix("404 Not Found\n"))
  }

  @Test(arguments: [0, 1, 5, 1_000, 65_536, 1_048_576])
  func `a body comes back as it was sent, by length and in chunks`(_ size: Int) throws {
    let live = try LiveServer([echo()])
    let client = try live.client()
    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try client.request("POST", "/echo", body: body).body == body)
    try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in stride(from: 0, to: size, by: 10_000) {
      let piece = body[start..<min(size, start + 10_000)]
      try client.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8))
    }
    try client.send("0\r\nTrailer: dropped\r\n\r\n")
    #expect(try client.response().body == body)
  }

  @Test func `a body over the route's limit is 413, known from its length or found while it comes`() throws {
    var options = RouteOptions()
    options.maxBody = 10
    let live = try LiveServer([page("POST", "/small", "ok", options)])
    #expect(try live.client().request("POST", "/small", body: Array(repeating: 1, count: 10)).status == 200)
    #expect(try live.client().request("POST", "/small", body: Array(repeating: 1, count: 11)).status == 413)
    let client = try live.client()
    try client.send("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n")
    let answer = try client.response()
    #expect(answer.status == 413)
    #expect(answer["connection"] == "close")
    #expect(try client.isAtEnd())
  }

  @Test func `the answer to a body that nobody reads arrives although the client goes on sending`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let client = try live.client()
    try client.send("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
    try client.send(Array(repeating: 65, count: 900_000))
    #expect(try client.response().status == 404)
  }

  @Test func `a short body of a refused request is read, and the connection goes on`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    let client = try live.client()
    #expect(try client.request("POST", "/nothing", body: Array(repeating: 65, count: 5_000)).status == 404)
    #expect(try client.request("GET", "/hello").status == 200)
  }

  @Test
  func `Expect is answered with 100 before the body, and with the final status alone when the body is not wanted`()
    throws
  {
    let live = try LiveServer([echo()])
    let client = try live.client()
    try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(try client.head().status == 100)
    try client.send("hi")
    #expect(try client.response().text == "hi")
    try client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(try client.head().status == 404)
  }

  @Test func `a thousand pipelined requests are answered in order`() throws {
    let live = try LiveServer([
      Route(
        "GET", "/{n}",
        handler: HTTPPage { request, exchange in
          exchange.respond(200, text: request.parameter("n") ?? "?")
        })
    ])
    let client = try live.client()
    try client.send((0..<1_000).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
    for number in 0..<1_000 { #expect(try client.response().text == "\(number)") }
  }

  @Test func `a request that comes byte by byte is answered`() throws {
    let live = try LiveServer([echo()])
    let client = try live.client()
    for byte in "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8 {
      try client.send([byte])
    }
    #expect(try client.response().text == "abc")
  }

  @Test func `HTTP/1.0 is closed after the answer, and kept when the client asks`() throws {
    let live = try LiveServer([page("GET", "/hello", "hello")])
    let client = try live.client()
    try client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    let kept = try client.response()
    #expect(kept["connection"] == "keep-alive")
    try client.send("GET /hello HTTP/1.0\r\n\r\n")
    let last = try client.response()
    #expect(last["connection"] == "close")
    #expect(try client.isAtEnd())
  }

  @Test func `every refused request of the corpus is answered with its status, and the connection ends`() throws {
    let live = try LiveServer([page("GET", "/hello")])
    for sample in Corpus.all where sample.verdict.hasPrefix("refuse") {
      let refusal = try #require(HTTPRefusal(rawValue: String(sample.verdict.dropFirst("refuse ".count))))
      let client = try live.client()
      try client.send(sample.bytes)
      let answer = try client.response()
      // A head without fault whose body has one is answered by the router first.
      let isByRouter = sample.file == "chunked" || (refusal == .bodyTooLarge && answer.status == 404)
      #expect(answer.status == (isByRouter ? 404 : refusal.status), "\(sample.name)")
      if !isByRouter {
        #expect(answer["connection"] == "close", "\(sample.name)")
        #expect(answer.text.contains(refusal.rawValue), "\(sample.name)")
      }
    }
  }

  @Test func `a request after which the client sends no more is answered`() throws {
    let live = try LiveServer([page("GET", "/hello", "hello")])
    let client = try live.client()
    try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    client.finishSending()
    #expect(try client.response().text == "hello")
    #expect(try client.response().text == "hello")
    #expect(try client.isAtEnd())
  }
}
