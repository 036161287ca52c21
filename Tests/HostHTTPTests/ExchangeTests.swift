// Exchanges: late answers, streams, back-pressure, misuse, ends, clients that leave.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP
import HostLinux
import TestSupport
import Testing

@Suite("Exchanges", .timeLimit(.minutes(2)))
struct ExchangeTests {
  @Test(arguments: [false, true])
  func `an answer that another thread gives later arrives, and the end is told once and last`(_ isForeign: Bool) throws
  {
    let handler = Scripted { _, exchange in
      try? Thread.start("late") {
        usleep(50_000)
        #expect(exchange.respond(201, text: "later") == .ok)
        #expect(exchange.respond(201, text: "again") != .ok)
      }
    }
    let live = try LiveServer([Route("GET", "/late", isForeign ? foreign() : RouteOptions(), handler: handler)])
    let client = try live.client()
    let answer = try client.request("GET", "/late")
    #expect(answer.status == 201)
    #expect(answer.text == "later")
    #expect(handler.ends.wait(for: 1) == [.done])
  }

  @Test func `a begun response is sent in chunks, piece by piece, and ends`() throws {
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let live = try LiveServer([
      Route(
        "GET", "/stream",
        handler: Scripted { _, exchange in
          #expect(exchange.write(Array("early".utf8)) == .misuse(.notBegun))
          #expect(exchange.begin(200, HTTPFields(contentType: "text/plain")) == .ok)
          exchanges.add(exchange)
        })
    ])
    let client = try live.client()
    try client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(try client.head()["transfer-encoding"] == "chunked")
    let exchange = try #require(exchanges.wait(for: 1).first)
    for word in ["one", "two", "three"] {
      #expect(exchange.write(Array(word.utf8)) == .ok)
      #expect(try client.chunk() == Array(word.utf8))
    }
    #expect(exchange.end() == .ok)
    #expect(try client.chunk() == nil)
    #expect(exchange.write([1]) == .misuse(.alreadyAnswered) || exchange.write([1]) == .gone)
    #expect(try client.request("GET", "/nothing").status == 404)
  }

  @Test func `HTTP/1.0 gets a stream without chunks that ends with the connection`() throws {
    let live = try LiveServer([
      Route(
        "GET", "/stream",
        handler: HTTPPage { _, exchange in
          exchange.begin(200, HTTPFields())
          exchange.write(Array("one".utf8))
          exchange.write(Array("two".utf8))
          exchange.end()
        })
    ])
    let client = try live.client()
    try client.send("GET /stream HTTP/1.0\r\n\r\n")
    let answer = try client.response()
    #expect(answer["transfer-encoding"] == nil)
    #expect(answer.text == "onetwo")
  }

  @Test func `HEAD of a stream has no body and the connection goes on`() throws {
    let live = try LiveServer([
      Route(
        "GET", "/stream",
        handler: HTTPPage { _, exchange in
          exchange.begin(200, HTTPFields())
          exchange.write(Array("one".utf8))
          exchange.end()
        }), page("GET", "/hello", "hello"),
    ])
    let client = try live.client()
    #expect(try client.request("HEAD", "/stream").body.isEmpty)
    #expect(try client.request("GET", "/hello").text == "hello")
  }

  @Test func `misuse is an error value and never reaches the wire`() throws {
    let results = Recorder<HTTPSend>()
    let live = try LiveServer([
      Route(
        "GET", "/misuse",
        handler: HTTPPage { _, exchange in
          var injected = HTTPFields()
          injected.append("x", "a\r\nSet-Cookie: b")
          results.add(exchange.respond(200, injected))
          var framing = HTTPFields()
          framing.append("Content-Length", "7")
          results.add(exchange.respond(200, framing))
          var badName = HTTPFields()
          badName.append("a b", "c")
          results.add(exchange.respond(200, badName))
          results.add(exchange.respond(99, HTTPFields()))
          results.add(exchange.respond(204, HTTPFields(), [1]))
          results.add(exchange.respond(205, HTTPFields(), [1]))
          results.add(exchange.end())
          results.add(exchange.respond(200, text: "fine"))
          results.add(exchange.begin(200, HTTPFields()))
        })
    ])
    let answer = try live.client().request("GET", "/misuse")
    #expect(answer.text == "fine")
    #expect(answer["x"] == nil)
    #expect(
      results.wait(for: 9) == [
        .misuse(.fieldValue), .misuse(.framingField("content-length")), .misuse(.fieldName), .misuse(.status(99)),
        .misuse(.bodyNotAllowed), .misuse(.bodyNotAllowed), .misuse(.notBegun), .ok, .misuse(.alreadyAnswered),
      ])
  }

  @Test func `a slow reader fills the stream, and the handler is told when it may write again`() throws {
    var options = RouteOptions()
    options.timeLimit = .none
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let handler = Scripted { _, exchange in
      exchange.begin(200, HTTPFields())
      exchanges.add(exchange)
    }
    let live = try LiveServer([Route("GET", "/stream", options, handler: handler)])
    let client = try live.client()
    try client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
    let exchange = try #require(exchanges.wait(for: 1).first)
    let piece = [UInt8](repeating: 7, count: 65_536)
    var written = 0
    var result = HTTPSend.ok
    while result == .ok {
      result = exchange.write(piece)
      written += 1
      usleep(1_000)
      guard written < 2_000 else { break }
    }
    #expect(result == .full)
    _ = try client.head()
    for _ in 0..<written { #expect(try client.chunk()?.count == 65_536) }
    #expect(handler.writables.wait(for: 1).count == 1)
    exchange.end()
    #expect(try client.chunk() == nil)
    #expect(handler.ends.wait(for: 1) == [.done])
  }

  @Test func `while nothing can leave, a stream is full at its bound, and is not called writable before there is room`()
    throws
  {
    var options = RouteOptions()
    options.timeLimit = .none
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let handler = Scripted { _, exchange in
      exchange.begin(200, HTTPFields())
      exchanges.add(exchange)
    }
    // The only loop stands in this handler: what is written meanwhile stays where it is.
    let hold = Barrier()
    let held = HTTPPage { _, exchange in
      hold.wait()
      exchange.respond(200, text: "held")
    }
    let limits = HTTPLimits()
    let live = try LiveServer(
      [Route("GET", "/stream", options, handler: handler), Route("GET", "/hold", handler: held)], limits: limits,
      loops: 1)
    let client = try live.client()
    try client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try client.head()
    let exchange = try #require(exchanges.wait(for: 1).first)
    let holder = try live.client()
    try holder.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(hold.awaitArrivals(1))
    let piece = [UInt8](repeating: 7, count: limits.highWater / 4)
    #expect((0..<5).map { _ in exchange.write(piece) } == [.ok, .ok, .ok, .full, .full])
    #expect(handler.writables.all.isEmpty)
    hold.open()
    #expect(try holder.response().text == "held")
    for _ in 0..<5 { #expect(try client.chunk()?.count == piece.count) }
    #expect(handler.writables.wait(for: 1).count == 1)
    #expect(exchange.write(piece) == .ok)
    exchange.end()
    #expect(try client.chunk()?.count == piece.count)
    #expect(try client.chunk() == nil)
    #expect(handler.writables.all.count == 1)
  }

  @Test func `a handler that ignores full is refused, and memory stays bounded`() throws {
    let results = Recorder<HTTPSend>()
    let live = try LiveServer([
      Route(
        "GET", "/flood",
        handler: HTTPPage { _, exchange in
          exchange.begin(200, HTTPFields())
          let piece = [UInt8](repeating: 7, count: 1 << 20)
          for _ in 0..<10 { results.add(exchange.write(piece)) }
        })
    ])
    let client = try live.client()
    try client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(results.wait(for: 10).contains(.misuse(.ignoredFull)))
  }

  @Test(arguments: ["close", "reset"])
  func `a client that leaves an event stream is reported`(_ way: String) throws {
    var options = RouteOptions()
    options.timeLimit = .none
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let handler = Scripted { _, exchange in
      exchange.begin(200, HTTPFields(contentType: "text/event-stream"))
      exchanges.add(exchange)
    }
    let live = try LiveServer([Route("GET", "/events", options, handler: handler)])
    let client = try live.client()
    try client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try client.head()
    if way == "reset" { client.reset() } else { client.close() }
    #expect(handler.ends.wait(for: 1) == [.clientGone])
    #expect(exchanges.all.first?.write(Array("data: x\n\n".utf8)) == .gone)
    #expect(exchanges.all.first?.isOver == true)
  }

  @Test func `a client that leaves before the answer is reported after its grace`() throws {
    var limits = HTTPLimits()
    limits.halfCloseGrace = .milliseconds(100)
    let handler = Scripted { _, _ in }
    let live = try LiveServer([Route("GET", "/never", handler: handler)], limits: limits)
    let client = try live.client()
    try client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
    client.close()
    #expect(handler.ends.wait(for: 1) == [.clientGone])
    #expect(live.records.wait(for: 1).map(\.status) == [499])
  }

  @Test func `a half-closed client gets an answer that comes within the grace`() throws {
    let live = try LiveServer([
      Route(
        "GET", "/late",
        handler: HTTPPage { _, exchange in
          try? Thread.start("late") {
            usleep(100_000)
            exchange.respond(200, text: "later")
          }
        })
    ])
    let client = try live.client()
    try client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
    client.finishSending()
    #expect(try client.response().text == "later")
  }

  @Test func `a handler that never answers gets 504, and one that has begun is broken off`() throws {
    var options = RouteOptions()
    options.timeLimit = .after(.milliseconds(200))
    let silent = Scripted { _, _ in }
    let begun = Scripted { _, exchange in exchange.begin(200, HTTPFields()) }
    let live = try LiveServer([
      Route("GET", "/silent", options, handler: silent), Route("GET", "/begun", options, handler: begun),
    ])
    let answer = try live.client().request("GET", "/silent")
    #expect(answer.status == 504)
    #expect(answer.text.contains("http.handler_timeout"))
    #expect(silent.ends.wait(for: 1) == [.timeout])
    let client = try live.client()
    try client.send("GET /begun HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try client.head()
    #expect(throws: HTTPClientError.reset) { _ = try client.chunk() }
    #expect(begun.ends.wait(for: 1) == [.timeout])
  }

  @Test func `a silent event stream carries comments between events`() throws {
    var limits = HTTPLimits()
    limits.eventStreamPing = .milliseconds(100)
    var options = RouteOptions()
    options.timeLimit = .none
    let live = try LiveServer(
      [
        Route(
          "GET", "/events", options,
          handler: HTTPPage { _, exchange in
            exchange.begin(200, HTTPFields(contentType: "text/event-stream"))
            exchange.write(Array("data: first\n\n".utf8))
          })
      ], limits: limits)
    let client = try live.client()
    try client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try client.head()
    #expect(try client.chunk() == Array("data: first\n\n".utf8))
    #expect(try client.chunk() == Array(": ping\n\n".utf8))
    #expect(try client.chunk() == Array(": ping\n\n".utf8))
  }

  @Test(arguments: [false, true])
  func `a streamed body arrives in pieces with one last, and pauses while the handler wants`(_ pauses: Bool) throws {
    var options = RouteOptions()
    options.streamsBody = true
    options.maxBody = 10 << 20
    let exchanges = Recorder<HTTPExchange>()
    defer { exchanges.clear() }  // an exchange holds its route, which holds its handler, which holds this
    let handler = Scripted(demand: pauses ? .pause : .more) { _, exchange in exchanges.add(exchange) }
    let live = try LiveServer([Route("PUT", "/upload", options, handler: handler)])
    let address = live.address
    let body = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let answers = Recorder<HTTPAnswer>()
    try Thread.start("uploader") {
      guard let client = try? HTTPClient(address), let answer = try? client.request("PUT", "/upload", body: body) else {
        return
      }
      answers.add(answer)
    }
    let exchange = try #require(exchanges.wait(for: 1).first)
    while pauses, answers.all.isEmpty {
      let before = handler.pieces.all.count
      exchange.resumeBody()
      if handler.pieces.wait(for: before + 1, seconds: 1).last?.last == true { break }
    }
    #expect(answers.wait(for: 1).first?.text == "got it")
    #expect(handler.pieces.all.flatMap(\.bytes) == body)
    #expect(handler.pieces.all.filter(\.last).count == 1)
  }
}
