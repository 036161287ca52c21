// The node codec against recorded and hand-made frames (binary_nodes.json) and against the published dictionary (tokens.json).
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

extension Vector: CustomTestStringConvertible {
  var testDescription: String { self["name"].exists ? self["name"].text : "vector" }

  /// A node of binary_nodes.json.
  var node: Node {
    var node = Node(self["tag"].text)
    node.attributes = self["attrs"].fields.map { name, value in
      let jid = value["jid"]
      return .init(name: name, value: jid.exists ? JID(jid.text).map { .jid($0) } ?? .text("?") : .text(value.text))
    }
    if self["children"].exists {
      node.content = .children(self["children"].list.map(\.node))
    } else if self["bytes"].exists {
      node.content = .bytes(self["bytes"].hex)
    } else if self["text"].exists {
      node.content = .text(self["text"].text)
    }
    return node
  }
}

@Suite("Node codec")
struct NodeCodecTests {
  private static let all = Vector.file("binary_nodes.json").list

  @Test func `the vector file was found`() { #expect(Self.all.count == 57) }

  @Test(arguments: Self.all)
  func `a recorded frame decodes to its node and survives the round trip`(vector: Vector) throws {
    let decoded = try NodeDecoder.decode(vector["hex"].hex)
    #expect(decoded == vector["node"].node)
    #expect(try NodeDecoder.decode(NodeEncoder.encode(decoded)) == decoded)
  }

  /// Everything but whatsmeow's own (whose attribute order is random), the compressed one and the captured one.
  @Test(
    arguments: Self.all.filter { !$0["name"].text.contains("whatsmeow") && !$0["name"].text.contains("compressed") })
  func `a hand-made node encodes to its frame, byte for byte`(vector: Vector) throws {
    var node = try NodeDecoder.decode(vector["hex"].hex)
    // An empty child list is written but not read back.
    if vector["name"].text.hasPrefix("empty child list") { node.content = .children([]) }
    #expect(try NodeEncoder.encode(node).hex == vector["hex"].text)
  }

  @Test func `every word of the dictionary is written as its token and read back`() throws {
    let file = Vector.file("tokens.json")
    #expect(file["dict_version"].int == Int64(ConnectionHeader.intro[3]))
    for (index, word) in file["single_byte"].list.enumerated() where index > 0 {
      #expect(try NodeEncoder.encode(Node(word.text)) == [0, 248, 1, UInt8(index)])
    }
    for (dictionary, words) in file["double_byte"].list.enumerated() {
      for (index, word) in words.list.enumerated() {
        let frame = try NodeEncoder.encode(Node(word.text))
        #expect(frame == [0, 248, 1, UInt8(236 + dictionary), UInt8(index)])
        #expect(try NodeDecoder.decode(frame).tag == word.text)
      }
    }
  }

  @Test(arguments: Self.all)
  func `no prefix of a frame is a frame`(vector: Vector) {
    let frame = vector["hex"].hex
    for count in 0..<min(frame.count, 600) {
      #expect(throws: ProtocolFault.self) { try NodeDecoder.decode(frame.prefix(count)) }
    }
    if frame.first == 0 { #expect(throws: ProtocolFault.self) { try NodeDecoder.decode(frame + [0]) } }
  }

  @Test(arguments: [
    ("00", "no stanza"), ("0000", "an empty list"), ("00f800", "an empty list"), ("00f80100", "an empty tag"),
    ("00f801fa0003", "an address for a tag"), ("00f803fc01610008", "an empty attribute name"),
    ("00f801f0", "an unknown tag byte"), ("00f803fc016108ff01c1", "a nibble outside the alphabet"),
    ("00f803fc016108ff8112", "an odd text without end mark"), ("00f80311fafafa000303", "an address in an address"),
    ("00f802fc0161f9ffff", "a list longer than the frame"), ("00f9ffff4c", "a node longer than the frame"),
    ("00f802fc0161fe7fffffff", "a run longer than the frame"), ("00f80311fa0000", "an address without a server"),
    ("00f80311f6ff0012fc0007fc00", "a messenger address without a server"),
    ("02789c", "a cut zlib stream"), ("02", "no zlib stream"),
    ("00f803fc016108fc01ff", "an attribute that is not UTF-8"),
  ])
  func `a malformed frame is refused`(hex: String, what: Comment) throws {
    let frame = try #require([UInt8](hex: hex))
    #expect(throws: ProtocolFault.self, what) { try NodeDecoder.decode(frame) }
  }

  @Test func `nesting beyond the bound is refused, and at the bound it is read`() throws {
    func nested(_ depth: Int) throws -> [UInt8] {
      var node = Node("item")
      for _ in 1..<depth { node = Node("item", [:], [node]) }
      return try NodeEncoder.encode(node)
    }
    #expect(throws: Never.self) { try NodeDecoder.decode(nested(NodeDecoder.depthLimit)) }
    #expect(throws: ProtocolFault.tooLarge(.node, limit: NodeDecoder.depthLimit)) {
      try NodeDecoder.decode(nested(NodeDecoder.depthLimit + 1))
    }
  }

  @Test func `a zlib bomb stops at the bound`() throws {
    // The beginning of 64 MiB of zeros, as zlib writes them: from here on every zero byte stands for about 1 kB of result.
    let stream = try #require([UInt8](hex: "78daecc101010000008090feafee080a")) + [UInt8](repeating: 0, count: 65_000)
    #expect(throws: ProtocolFault.tooLarge(.node, limit: Inflate.limit)) { try NodeDecoder.decode([2] + stream) }
  }

  @Test func `the stream end is a stanza`() throws {
    #expect(try NodeDecoder.decode([0, 0xF8, 1, 2]).tag == "xmlstreamend")
  }

  @Test func `a stanza prints lengths for bytes and cuts what is not printable`() {
    let node = Node("iq", ["id": "a\nb", "to": .jid(.whatsAppServer)], [Node("x", bytes: [1, 2, 3])])
    #expect("\(node)" == "<iq id=\"a?b\" to=\"s.whatsapp.net\"><x><!-- 3 bytes --></x></iq>")
    #expect(node.outline == "<iq><x/></iq>")
  }

  @Test(arguments: [
    ("15550000001@s.whatsapp.net", "15550000001", 0, "s.whatsapp.net"), ("1.0:7@lid", "1", 7, "lid"),
    ("s.whatsapp.net", "", 0, "s.whatsapp.net"), ("120363000000000001@g.us", "120363000000000001", 0, "g.us"),
  ])
  func `an address is read from its text`(text: String, user: String, device: UInt16, server: String) throws {
    let jid = try #require(JID(text))
    #expect(jid == JID(user: user, device: device, server: server))
  }

  @Test(arguments: ["", "a@", "1:x@lid", "1:70000@lid"])
  func `a text that is no address gives none`(text: String) { #expect(JID(text) == nil) }
}
