// Reads the binary form of a stanza, strictly: every length is checked before it is believed, depth and node count are
// bounded, and nothing may be left over. Called by SecureChannel for every frame that was decrypted; fuzzed.
// Source: protocol page, section 3.
//
// SPDX-License-Identifier: Apache-2.0

/// Decodes one frame at a time.
package enum NodeDecoder {
  /// Deepest nesting. Ours (section 8.3 of the protocol page proposes it); real stanzas stay under 10.
  package static let depthLimit = 64
  /// Most nodes and attributes in one frame, together. Ours: a group of 1,024 with all devices is about 30,000; at some 64
  /// bytes each the decoded form stays near the size of the largest frame.
  package static let elementLimit = 250_000

  /// Reads the plaintext of a frame: flag byte, then the stanza, compressed when bit 1 is set.
  ///
  /// - Returns: the stanza. `xmlstreamend` is a stanza too.
  /// - Throws: ``ProtocolFault`` of the layer `node`; nothing is returned of a frame that is only partly good.
  package static func decode(_ frame: some Collection<UInt8>) throws(ProtocolFault) -> Node {
    guard let flags = frame.first else { throw .truncated(.node) }
    let body = flags & 2 == 0 ? [UInt8](frame.dropFirst()) : try Inflate.inflate([UInt8](frame.dropFirst()))
    var reader = Reader(bytes: body)
    let node = try reader.node(depth: 0)
    guard reader.offset == body.count else { throw .malformed(.node, "bytes left over behind the stanza") }
    return node
  }
}

private struct Reader {
  let bytes: [UInt8]
  var offset = 0
  private var elements = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func node(depth: Int) throws(ProtocolFault) -> Node {
    guard depth < NodeDecoder.depthLimit else { throw .tooLarge(.node, limit: NodeDecoder.depthLimit) }
    let size = try listSize(byte())
    guard size > 0 else { throw .malformed(.node, "stanza is an empty list") }
    guard case .text(let tag) = try value(byte()), !tag.isEmpty else { throw .malformed(.node, "tag is not a text") }
    // Each attribute takes two bytes at least: a size that cannot be in the rest of the frame reserves no memory.
    guard size - 1 <= bytes.count - offset else { throw .truncated(.node) }
    elements += 1 + (size - 1) / 2
    guard elements <= NodeDecoder.elementLimit else { throw .tooLarge(.node, limit: NodeDecoder.elementLimit) }
    var node = Node(tag)
    for _ in 0..<(size - 1) / 2 { node.attributes.append(try attribute()) }
    if size % 2 == 0 { node.content = try content(depth: depth) }
    return node
  }

  private mutating func attribute() throws(ProtocolFault) -> Node.Attribute {
    guard case .text(let name) = try value(byte()), !name.isEmpty else {
      throw .malformed(.node, "attribute name is not a text")
    }
    switch try value(byte()) {
    case .text(let text): return .init(name: name, value: .text(text))
    case .jid(let jid): return .init(name: name, value: .jid(jid))
    case .bytes(let raw):
      guard let text = String(validating: raw, as: UTF8.self) else {
        throw .malformed(.node, "attribute value is not UTF-8")
      }
      return .init(name: name, value: .text(text))
    case .nothing: return .init(name: name, value: .text(""))
    }
  }

  private mutating func content(depth: Int) throws(ProtocolFault) -> Node.Content {
    let tag = try byte()
    if tag == WireTag.list8 || tag == WireTag.list16 {
      let count = try listSize(tag)
      // A child takes two bytes at least.
      guard count <= (bytes.count - offset) / 2 else { throw .truncated(.node) }
      var children: [Node] = []
      for _ in 0..<count { children.append(try node(depth: depth + 1)) }
      return children.isEmpty ? .none : .children(children)
    }
    switch try value(tag, wantsBytes: true) {
    case .nothing: return .none
    case .bytes(let bytes): return .bytes(bytes)
    case .text(let text): return .text(text)
    case .jid(let jid): return .text(jid.description)
    }
  }

  /// What stands where a string may stand.
  private enum WireValue {
    case nothing
    case text(String)
    case bytes([UInt8])
    case jid(JID)
  }

  /// Reads a value whose tag byte was read. Binary runs are text unless `wantsBytes`, or not UTF-8.
  private mutating func value(_ tag: UInt8, wantsBytes: Bool = false) throws(ProtocolFault) -> WireValue {
    switch tag {
    case WireTag.listEmpty: return .nothing
    case WireTag.dictionary0...WireTag.dictionary3:
      guard let word = TokenTable.word(dictionary: tag - WireTag.dictionary0, index: try byte()) else {
        throw .malformed(.node, "unknown double-byte token")
      }
      return .text(word)
    case WireTag.hex8, WireTag.nibble8: return .text(try packed(hexadecimal: tag == WireTag.hex8))
    case WireTag.binary8: return try run(Int(byte()), wantsBytes)
    case WireTag.binary20: return try run(integer(3) & 0xFFFFF, wantsBytes)
    case WireTag.binary32: return try run(integer(4), wantsBytes)
    case WireTag.jidPair, WireTag.deviceJID, WireTag.facebookJID, WireTag.interopJID: return .jid(try jid(tag))
    default:
      guard let word = TokenTable.word(tag) else { throw .malformed(.node, "unknown tag byte") }
      return .text(word)
    }
  }

  private mutating func run(_ count: Int, _ wantsBytes: Bool) throws(ProtocolFault) -> WireValue {
    let raw = [UInt8](try take(count))
    if wantsBytes { return .bytes(raw) }
    return String(validating: raw, as: UTF8.self).map { .text($0) } ?? .bytes(raw)
  }

  private mutating func packed(hexadecimal: Bool) throws(ProtocolFault) -> String {
    let header = try byte()
    let alphabet = hexadecimal ? hexAlphabet : nibbleAlphabet
    var text: [UInt8] = []
    for pair in try take(Int(header & 0x7F)) { text += [pair >> 4, pair & 15] }
    if header & 0x80 != 0 {
      guard text.popLast() == 15 else { throw .malformed(.node, "packed text without its end mark") }
    }
    for index in text.indices {
      guard Int(text[index]) < alphabet.count else { throw .malformed(.node, "packed digit outside the alphabet") }
      text[index] = alphabet[Int(text[index])]
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func jid(_ tag: UInt8) throws(ProtocolFault) -> JID {
    switch tag {
    case WireTag.deviceJID:
      let domain = try byte()
      let device = try byte()
      let server =
        switch domain {
        case 1: JID.Server.hidden
        case 128: JID.Server.hosted
        case 129: JID.Server.hostedHidden
        default: JID.Server.user
        }
      return JID(user: try part() ?? "", device: UInt16(device), server: server)
    case WireTag.facebookJID:
      let user = try part() ?? ""
      let device = UInt16(truncatingIfNeeded: try integer(2))
      return JID(user: user, device: device, server: try server())
    case WireTag.interopJID:
      let user = try part() ?? ""
      let device = UInt16(truncatingIfNeeded: try integer(2))
      let integrator = UInt16(truncatingIfNeeded: try integer(2))
      // The server is optional on the wire: only a text that is there is read as one.
      let before = offset
      guard offset < bytes.count, let server = try? part(), server == JID.Server.interop else {
        offset = before
        return JID(user: user, device: device, server: JID.Server.interop, integrator: integrator)
      }
      return JID(user: user, device: device, server: server, integrator: integrator)
    default:
      let user = try part() ?? ""
      return JID(user: user, server: try server())
    }
  }

  private mutating func server() throws(ProtocolFault) -> String {
    guard let server = try part(), !server.isEmpty else { throw .malformed(.node, "address without a server") }
    return server
  }

  /// A part of an address: text, or nothing. An address inside an address does not occur, and would nest without bound.
  private mutating func part() throws(ProtocolFault) -> String? {
    let tag = try byte()
    guard !(WireTag.interopJID...WireTag.deviceJID).contains(tag), tag != WireTag.jidPair else {
      throw .malformed(.node, "address inside an address")
    }
    switch try value(tag) {
    case .text(let text): return text
    case .nothing: return nil
    case .bytes, .jid: throw .malformed(.node, "part of an address is not UTF-8")
    }
  }

  private mutating func listSize(_ tag: UInt8) throws(ProtocolFault) -> Int {
    switch tag {
    case WireTag.listEmpty: return 0
    case WireTag.list8: return Int(try byte())
    case WireTag.list16: return try integer(2)
    default: throw .malformed(.node, "not a list where one must be")
    }
  }

  private mutating func byte() throws(ProtocolFault) -> UInt8 {
    guard offset < bytes.count else { throw .truncated(.node) }
    defer { offset += 1 }
    return bytes[offset]
  }

  private mutating func integer(_ count: Int) throws(ProtocolFault) -> Int {
    try take(count).reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func take(_ count: Int) throws(ProtocolFault) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - offset else { throw .truncated(.node) }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }
}

private let nibbleAlphabet = [UInt8]("0123456789-.".utf8)
private let hexAlphabet = [UInt8]("0123456789ABCDEF".utf8)
