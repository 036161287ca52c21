// Writes a stanza in the binary form: tokens, packed digits, addresses, lists. Never compresses.
// Called by SecureChannel for every stanza that goes out. Source: protocol page, section 3.
//
// SPDX-License-Identifier: Apache-2.0

/// Encodes one stanza at a time.
package enum NodeEncoder {
  /// The plaintext of a frame: flag byte 0, then the stanza.
  ///
  /// - Throws: ``ProtocolFault/malformed(_:_:)`` for what the form cannot say: an empty tag, more than 65,535 list items. Both are
  ///   faults of the caller, reported rather than trapped because texts may come from outside.
  package static func encode(_ node: Node) throws(ProtocolFault) -> [UInt8] {
    var writer = Writer()
    writer.out.append(0)
    try writer.node(node)
    return writer.out
  }
}

private struct Writer {
  var out: [UInt8] = []

  mutating func node(_ node: Node) throws(ProtocolFault) {
    guard !node.tag.isEmpty else { throw .malformed(.node, "empty tag") }
    let attributes = node.attributes.filter { $0.value != .text("") }
    let contents = if case .none = node.content { 0 } else { 1 }
    try list(1 + 2 * attributes.count + contents)
    string(node.tag)
    for attribute in attributes {
      string(attribute.name)
      switch attribute.value {
      case .text(let text): string(text)
      case .jid(let jid): self.jid(jid)
      }
    }
    switch node.content {
    case .none: break
    case .bytes(let bytes): binary(bytes)
    case .text(let text): string(text)
    case .children(let children):
      try list(children.count)
      for child in children { try self.node(child) }
    }
  }

  private mutating func list(_ count: Int) throws(ProtocolFault) {
    if count == 0 {
      out.append(WireTag.listEmpty)
    } else if let short = UInt8(exactly: count) {
      out += [WireTag.list8, short]
    } else if let long = UInt16(exactly: count) {
      out.append(WireTag.list16)
      out += long.bigEndianBytes
    } else {
      throw .malformed(.node, "more than 65535 list items")
    }
  }

  /// Token, then packed, then raw: the order that every client uses.
  private mutating func string(_ text: String) {
    switch TokenTable.token(for: text) {
    case .single(let byte): out.append(byte)
    case .double(let dictionary, let index): out += [WireTag.dictionary0 + dictionary, index]
    case nil:
      let bytes = [UInt8](text.utf8)
      if let nibbles = packed(bytes, nibble) {
        self.packed(WireTag.nibble8, nibbles)
      } else if let digits = packed(bytes, hexDigit) {
        self.packed(WireTag.hex8, digits)
      } else {
        binary(bytes)
      }
    }
  }

  private mutating func binary(_ bytes: [UInt8]) {
    if let short = UInt8(exactly: bytes.count) {
      out += [WireTag.binary8, short]
    } else if bytes.count < 1 << 20 {
      out.append(WireTag.binary20)
      out += UInt32(bytes.count).bigEndianBytes.dropFirst()
    } else {
      out.append(WireTag.binary32)
      out += UInt32(clamping: bytes.count).bigEndianBytes
    }
    out += bytes
  }

  /// The 4-bit values of a text, or nil when a character has none or the length is not 1 to 127.
  private func packed(_ bytes: [UInt8], _ value: (UInt8) -> UInt8?) -> [UInt8]? {
    guard (1...packedLimit).contains(bytes.count) else { return nil }
    let values = bytes.compactMap(value)
    return values.count == bytes.count ? values : nil
  }

  private mutating func packed(_ tag: UInt8, _ values: [UInt8]) {
    let odd: UInt8 = values.count % 2 == 0 ? 0 : 0x80
    out += [tag, UInt8(truncatingIfNeeded: (values.count + 1) / 2) | odd]
    var high: UInt8?
    for value in values + (odd == 0 ? [] : [15]) {
      if let first = high {
        out.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
  }

  private func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "-"): 10
    case UInt8(ascii: "."): 11
    default: nil
    }
  }

  private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private mutating func jid(_ jid: JID) {
    let domain: UInt8? =
      switch jid.server {
      case JID.Server.hosted: 128
      case JID.Server.hostedHidden: 129
      case JID.Server.user where jid.device > 0: 0
      case JID.Server.hidden where jid.device > 0: 1
      default: nil
      }
    if let domain, let device = UInt8(exactly: jid.device), !jid.user.isEmpty {
      out += [WireTag.deviceJID, domain, device]
      string(jid.user)
    } else if jid.server == JID.Server.messenger {
      out.append(WireTag.facebookJID)
      string(jid.user)
      out += jid.device.bigEndianBytes
      string(jid.server)
    } else if jid.server == JID.Server.interop {
      out.append(WireTag.interopJID)
      string(jid.user)
      out += jid.device.bigEndianBytes + jid.integrator.bigEndianBytes
      string(jid.server)
    } else {
      out.append(WireTag.jidPair)
      if jid.user.isEmpty { out.append(WireTag.listEmpty) } else { string(jid.user) }
      string(jid.server)
    }
  }
}
