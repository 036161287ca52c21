// A linked device: login, prekeys, answers, reconnecting and every end of a stream, under a simulated clock.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Session")
struct SessionFlowTests {
  private func isPreKeyUpload(_ node: Node) -> Bool { node.child("skey") != nil }

  @Test func `a login asks for the count, uploads 812 prekeys and goes active, in this order`() throws {
    let harness = try Harness.connected()
    let requests = harness.server.received.filter { $0.tag == "iq" }
    #expect(requests.map { $0.children.first?.tag } == ["count", "registration", "active"])
    let upload = try #require(requests.first(where: isPreKeyUpload))
    let list = try #require(upload.child("list")?.children)
    #expect(list.count == 812)
    #expect(list.first?.child("id")?.payload == [0, 0, 1] && list.last?.child("id")?.payload == [0, 3, 44])
    #expect(list.allSatisfy { $0.child("value")?.payload?.count == 32 })
    let record = try #require(harness.disk?.record)
    #expect(upload.child("registration")?.payload == record.keys.registrationID.bigEndianBytes)
    #expect(upload.child("identity")?.payload == record.keys.identity.publicKey.bytes)
    #expect(upload.child("skey", "signature")?.payload == record.keys.signedPreKey.signature)
    #expect(upload.text("xmlns") == "encrypt")
    #expect(record.nextPreKeyID == 813)
    #expect(harness.disk?.preKeys.count == 812 && harness.disk?.preKeys.allSatisfy(\.isUploaded) == true)
    #expect(Set(requests.compactMap { $0.text("id") }).count == requests.count)
  }

  @Test func `prekeys are on disk before the server sees them`() throws {
    let harness = Harness.showingCode()
    try harness.scan()
    harness.holdsStore = true
    harness.push(Harness.streamRestart)
    #expect(!harness.server.received.contains(where: isPreKeyUpload))
    harness.holdsStore = false
    for (ticket, change) in harness.held { harness.confirm(ticket, change) }
    #expect(harness.server.received.contains(where: isPreKeyUpload))
    #expect(harness.status.state == .connected)
  }

  @Test func `prekeys that cannot be saved are not uploaded, and the login goes on`() throws {
    let harness = Harness.showingCode()
    try harness.scan()
    harness.storeFails = true
    harness.push(Harness.streamRestart)
    #expect(harness.status.state == .connected)
    #expect(!harness.server.received.contains(where: isPreKeyUpload))
  }

  @Test func `an upload that was never answered is made again with the same keys`() throws {
    let harness = Harness.showingCode()
    try harness.scan()
    harness.server.respond = { isUpload in isUpload.child("skey") == nil ? ServerDouble.standardAnswer(isUpload) : [] }
    harness.push(Harness.streamRestart)
    #expect(harness.status.state == .paired)
    harness.pass(76)
    #expect(harness.status.state == .connected)
    let first = try #require(harness.disk?.preKeys)
    harness.server.respond = ServerDouble.standardAnswer
    harness.drop()
    #expect(harness.disk?.preKeys.map(\.id) == first.map(\.id))
    #expect(harness.disk?.preKeys.allSatisfy(\.isUploaded) == true)
  }

  @Test func `keys of an upload whose answer was lost are not uploaded again when the server has them`() throws {
    let harness = Harness.showingCode()
    try harness.scan()
    harness.server.respond = { node in node.child("skey") == nil ? ServerDouble.standardAnswer(node) : [] }
    harness.push(Harness.streamRestart)
    #expect(harness.disk?.preKeys.contains(where: \.isUploaded) == false)
    harness.server.respond = { node in
      guard node.child("count") != nil, let id = node["id"] else { return ServerDouble.standardAnswer(node) }
      return [Node("iq", ["type": "result", "id": id], [Node("count", ["value": "812"])])]
    }
    harness.drop()
    #expect(harness.status.state == .connected)
    #expect(!harness.server.received.contains(where: isPreKeyUpload))
    #expect(harness.disk?.preKeys.count == 812 && harness.disk?.preKeys.allSatisfy(\.isUploaded) == true)
  }

  @Test func `a server that has enough prekeys gets none`() throws {
    let harness = try Harness.connected()
    harness.server.respond = { node in
      guard node.child("count") != nil, let id = node["id"] else { return ServerDouble.standardAnswer(node) }
      return [Node("iq", ["type": "result", "id": id], [Node("count", ["value": "800"])])]
    }
    harness.drop()
    #expect(harness.status.state == .connected)
    #expect(!harness.server.received.contains(where: isPreKeyUpload))
    harness.push(
      Node(
        "notification", ["from": .jid(.whatsAppServer), "type": "encrypt", "id": "n"],
        [Node("count", ["value": "3"])]))
    #expect(!harness.server.received.contains(where: isPreKeyUpload))
    harness.server.respond = { node in
      guard node.child("count") != nil, let id = node["id"] else { return ServerDouble.standardAnswer(node) }
      return [Node("iq", ["type": "result", "id": id], [Node("count", ["value": "3"])])]
    }
    harness.push(
      Node(
        "notification", ["from": .jid(.whatsAppServer), "type": "encrypt", "id": "n"],
        [Node("count", ["value": "3"])]))
    let upload = try #require(harness.server.received.last(where: isPreKeyUpload))
    #expect(upload.child("list")?.children.count == 50)
    #expect(upload.child("list")?.children.first?.child("id")?.payload == [0, 3, 45])
  }

  @Test func `what was stored logs in after a restart`() throws {
    let harness = try Harness.connected()
    let again = harness.restarted()
    again.feed(.start(again.disk))
    #expect(again.status.state == .connected)
    #expect(again.status.jid == harness.status.jid)
    #expect(again.server.payload?.unsigned(1) == 15_550_000_001)
  }

  @Test(arguments: [
    (
      Node("message", ["from": "1@lid", "id": "m", "type": "text", "participant": "2@lid"]),
      Node("ack", ["class": "message", "id": "m", "to": "1@lid", "participant": "2@lid"])
    ),
    (
      Node("receipt", ["from": "1@lid", "id": "m", "type": "read", "recipient": "3@lid"]),
      Node("ack", ["class": "receipt", "id": "m", "to": "1@lid", "recipient": "3@lid", "type": "read"])
    ),
    (
      Node("notification", ["from": "s.whatsapp.net", "id": "m", "type": "never_heard_of"]),
      Node("ack", ["class": "notification", "id": "m", "to": "s.whatsapp.net", "type": "never_heard_of"])
    ),
    (Node("call", ["from": "1@lid", "id": "m"]), Node("ack", ["class": "call", "id": "m", "to": "1@lid"])),
    (
      Node("iq", ["from": .jid(.whatsAppServer), "type": "get", "id": "p", "xmlns": "urn:xmpp:ping"]),
      Node("iq", ["to": .jid(.whatsAppServer), "type": "result", "id": "p"])
    ),
    (
      Node("notification", ["id": "m", "type": "mex"]),
      Node("ack", ["class": "notification", "id": "m", "to": .jid(.whatsAppServer), "type": "mex"])
    ),
    (
      Node("iq", ["from": .jid(.whatsAppServer), "type": "get", "id": "p", "xmlns": "w:p"]),
      Node("iq", ["to": .jid(.whatsAppServer), "type": "result", "id": "p"])
    ),
    (
      Node("iq", ["type": "get", "id": "p"], [Node("ping")]),
      Node("iq", ["to": .jid(.whatsAppServer), "type": "result", "id": "p"])
    ),
    (
      Node("iq", ["from": .jid(.whatsAppServer), "type": "set", "id": "q", "xmlns": "what"]),
      Node(
        "iq", ["to": .jid(.whatsAppServer), "type": "error", "id": "q"],
        [Node("error", ["code": "405", "text": "not-allowed"])])
    ),
  ])
  func `every stanza that wants an answer gets the protocol's`(stanza: Node, answer: Node) throws {
    let harness = try Harness.connected()
    harness.push(stanza)
    #expect(harness.server.received.last?.description.sortedAttributes == answer.description.sortedAttributes)
    #expect(harness.status.state == .connected)
  }

  @Test func `what the link does not need goes to the message layer`() throws {
    let harness = try Harness.connected()
    harness.push(Node("message", ["from": "1@lid", "id": "m"]))
    harness.push(Node("presence", ["from": "1@lid"]))
    #expect(harness.inbound.map(\.tag) == ["message", "presence"])
    harness.feed(.send(Node("message", ["id": "own"])))
    #expect(harness.server.received.last?.text("id") == "own")
  }

  @Test func `an unreadable stanza does not end a living link`() throws {
    let harness = try Harness.connected()
    harness.feed(.received(connection: harness.opens[1], bytes: harness.server.sealRaw([0, 0xF1, 0xF1])))
    harness.push(Node("message", ["from": "1@lid", "id": "m"]))
    #expect(harness.status.state == .connected)
    #expect(harness.inbound.map(\.tag) == ["message"])
  }

  @Test func `routing information is kept and leads the next connection`() throws {
    let harness = try Harness.connected()
    harness.push(
      Node("ib", [:], [Node("edge_routing", [:], [Node("routing_info", bytes: [8, 13, 8, 2])])]))
    #expect(harness.disk?.record.routing == [8, 13, 8, 2])
    harness.drop()
    #expect(harness.status.state == .connected)
  }

  @Test func `a link whose pings are never answered is made again after three minutes, though traffic goes on`() throws
  {
    let harness = try Harness.connected()
    harness.server.respond = { node in node.text("xmlns") == "w:p" ? [] : ServerDouble.standardAnswer(node) }
    harness.answersOpen = false
    for second in 1...181 {
      harness.pass(1)
      harness.push(Node("presence", ["from": "1@lid"]))
      if second < 180 { #expect(harness.opens.count == 2, "at second \(second)") }
    }
    #expect(harness.opens.count == 3)
    #expect(harness.status.state == .disconnected)
    #expect(harness.status.reason == .keepaliveLost)
  }

  @Test func `events of an old connection change nothing`() throws {
    let harness = try Harness.connected()
    let old = try #require(harness.opens.first)
    let status = harness.status
    harness.feed(.closed(connection: old, detail: "late"))
    harness.feed(.received(connection: old, bytes: [0, 0, 0]))
    harness.feed(.opened(connection: old))
    #expect(harness.status == status)
    #expect(harness.opens.count == 2)
  }
}

extension String {
  /// The same text with its attributes in one order, so that a comparison does not depend on how an address was typed.
  fileprivate var sortedAttributes: [String] {
    split(separator: " ").map { $0.filter { $0 != "/" && $0 != ">" } }.sorted()
  }
}
