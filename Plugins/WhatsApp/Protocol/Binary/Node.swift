// A stanza: tag, attributes and content, as the machines read and build them.
// The wire form is in NodeEncoder and NodeDecoder.
//
// SPDX-License-Identifier: Apache-2.0

/// One element of the protocol, XML-like.
package struct Node: Sendable, Equatable {
  /// An attribute's value: addresses have wire forms of their own.
  package enum Value: Sendable, Equatable {
    case text(String)
    case jid(JID)
  }

  /// What is inside. `text` and `bytes` differ on the wire only; readers take either, see ``Node/payload``.
  package enum Content: Sendable, Equatable {
    case none
    case children([Node])
    case bytes([UInt8])
    case text(String)
  }

  /// One attribute.
  package struct Attribute: Sendable, Equatable {
    package let name: String
    package let value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// Never empty when it came from the wire.
  package var tag: String
  /// In wire order, which carries no meaning; see `==`.
  package var attributes: [Attribute]
  package var content: Content

  /// Builds a stanza. Attributes whose value is nil are left out.
  package init(_ tag: String, _ attributes: KeyValuePairs<String, Value?> = [:], content: Content = .none) {
    self.tag = tag
    self.attributes = attributes.compactMap { name, value in value.map { Attribute(name: name, value: $0) } }
    self.content = content
  }

  /// Builds a stanza with children.
  package init(_ tag: String, _ attributes: KeyValuePairs<String, Value?> = [:], _ children: [Node]) {
    self.init(tag, attributes, content: .children(children))
  }

  /// Builds a stanza around bytes.
  package init(_ tag: String, _ attributes: KeyValuePairs<String, Value?> = [:], bytes: [UInt8]) {
    self.init(tag, attributes, content: .bytes(bytes))
  }

  /// The value of an attribute. Nil when absent.
  package subscript(_ name: String) -> Value? { attributes.first { $0.name == name }?.value }

  /// The attribute as text; an address gives its text form. Nil when absent.
  package func text(_ name: String) -> String? {
    switch self[name] {
    case .text(let text): text
    case .jid(let jid): jid.description
    case nil: nil
    }
  }

  /// The attribute as an address, also when the peer wrote it as text. Nil when absent or not an address.
  package func jid(_ name: String) -> JID? {
    switch self[name] {
    case .jid(let jid): jid
    case .text(let text): JID(text)
    case nil: nil
    }
  }

  /// The attribute as a decimal number. Nil when absent, negative, or too large.
  package func number(_ name: String) -> UInt64? { text(name).flatMap { UInt64($0) } }

  /// The child elements; none when the content is something else.
  package var children: [Node] { if case .children(let children) = content { children } else { [] } }

  /// The first child with this tag.
  package func child(_ tag: String) -> Node? { children.first { $0.tag == tag } }

  /// The first element reached by going down one tag after another.
  package func child(_ path: String...) -> Node? {
    var node = self
    for tag in path {
      guard let next = node.child(tag) else { return nil }
      node = next
    }
    return node
  }

  /// The content as bytes, whichever way the peer wrote it. Nil when there are children or nothing.
  package var payload: [UInt8]? {
    switch content {
    case .bytes(let bytes): bytes
    case .text(let text): [UInt8](text.utf8)
    case .none, .children: nil
    }
  }

  /// Attribute order does not count; everything else does.
  package static func == (left: Node, right: Node) -> Bool {
    guard left.tag == right.tag, left.content == right.content else { return false }
    guard left.attributes.count == right.attributes.count else { return false }
    return left.attributes.allSatisfy { attribute in right.attributes.contains(attribute) }
      && right.attributes.allSatisfy { attribute in left.attributes.contains(attribute) }
  }
}

extension Node.Value: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  package init(stringLiteral text: String) { self = .text(text) }
}

extension Node: CustomStringConvertible {
  /// XML-like, for people: byte contents are shown by their length alone, since they may be key material, and long texts are cut.
  /// Names and numbers of people are shown: logs use ``outline``.
  package var description: String {
    let shown = attributes.map { " \($0.name)=\"\(Self.cut($0.value))\"" }.joined()
    switch content {
    case .none: return "<\(tag)\(shown)/>"
    case .children(let children): return "<\(tag)\(shown)>\(children.map(\.description).joined())</\(tag)>"
    case .bytes(let bytes): return "<\(tag)\(shown)><!-- \(bytes.count) bytes --></\(tag)>"
    case .text(let text): return "<\(tag)\(shown)>\(Self.cut(.text(text)))</\(tag)>"
    }
  }

  /// Tags only, two levels: what a log may hold of a stanza that nobody expected.
  package var outline: String {
    let inside = children.prefix(8).map { "<\(Self.cut(.text($0.tag)))/>" }.joined()
    return inside.isEmpty
      ? "<\(Self.cut(.text(tag)))/>" : "<\(Self.cut(.text(tag)))>\(inside)</\(Self.cut(.text(tag)))>"
  }

  private static func cut(_ value: Value) -> String {
    let text =
      switch value {
      case .text(let text): text
      case .jid(let jid): jid.description
      }
    return text.visible(limit: 128)
  }
}

extension String {
  /// The text with control, format and unassigned characters replaced by `?`, cut to `limit`: safe in a log, a status or a page
  /// (which still escapes it).
  package func visible(limit: Int) -> String {
    var shown = ""
    for (position, scalar) in unicodeScalars.enumerated() {
      guard position < limit else { return shown + "..." }
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: shown += "?"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}
