// Small stanzas that several machines send, and the ids that tie answers to requests.
// Source: protocol page, sections 3 (ids), 5.2 (iq), 5.5 (acks), 5.7.
//
// SPDX-License-Identifier: Apache-2.0

/// Makes ids that are unique within a client run: `<r>.<r>-<n>`, as whatsmeow does.
package struct StanzaIDs: Sendable, Equatable {
  private let prefix: String
  private var counter: UInt64
  private let step: UInt64

  package init(from random: Randomness) {
    let bytes = random.bytes(2)
    prefix = "\(bytes.first ?? 0).\(bytes.last ?? 0)-"
    counter = 1
    step = 1
  }

  private init(prefix: String, counter: UInt64, step: UInt64) {
    self.prefix = prefix
    self.counter = counter
    self.step = step
  }

  /// The next id.
  package mutating func next() -> String {
    defer { counter &+= step }
    return "\(prefix)\(counter)"
  }

  /// Gives half of the ids that are left to somebody else and keeps the other half.
  package mutating func split() -> StanzaIDs {
    let other = StanzaIDs(prefix: prefix, counter: counter &+ step, step: step &* 2)
    self = StanzaIDs(prefix: prefix, counter: counter, step: step &* 2)
    return other
  }
}

extension Node {
  /// A request to the server.
  package static func request(id: String, type: String, xmlns: String, _ children: [Node] = []) -> Node {
    Node(
      "iq", ["id": .text(id), "to": .jid(.whatsAppServer), "type": .text(type), "xmlns": .text(xmlns)],
      content: children.isEmpty ? .none : .children(children))
  }

  /// The answer `result` to a request of the peer.
  package static func result(to request: Node, _ children: [Node] = []) -> Node {
    Node(
      "iq", ["to": .jid(request.jid("from") ?? .whatsAppServer), "type": "result", "id": request["id"]],
      content: children.isEmpty ? .none : .children(children))
  }

  /// The answer `error` to a request of the peer.
  package static func error(to request: Node, code: String, text: String) -> Node {
    Node(
      "iq", ["to": .jid(request.jid("from") ?? .whatsAppServer), "type": "error", "id": request["id"]],
      [Node("error", ["code": .text(code), "text": .text(text)])])
  }

  /// The acknowledgement that a stanza must get, or nil when its kind gets none or it has no id. One without a sender is the
  /// server's own.
  ///
  /// `participant` and `recipient` are copied as they came; the type is, except for messages.
  package static func acknowledgement(of stanza: Node) -> Node? {
    guard ["message", "receipt", "notification", "call"].contains(stanza.tag) else { return nil }
    guard let id = stanza["id"] else { return nil }
    let type = stanza.tag == "message" ? nil : stanza["type"]
    return Node(
      "ack",
      [
        "class": .text(stanza.tag), "id": id, "to": stanza["from"] ?? .jid(.whatsAppServer),
        "participant": stanza["participant"],
        "recipient": stanza["recipient"], "type": type,
      ])
  }

  /// Asks the server to take this device off the account.
  package static func removeCompanion(id: String, jid: JID) -> Node {
    .request(
      id: id, type: "set", xmlns: "md",
      [Node("remove-companion-device", ["jid": .jid(jid), "reason": "user_initiated"])])
  }

  /// A request of the server's that only wants to know that we live: in the server's name space, in the clients', or by its
  /// child (protocol page, sections 5.2 and 5.4).
  package var isPing: Bool {
    tag == "iq" && text("type") == "get"
      && (text("xmlns") == "urn:xmpp:ping" || text("xmlns") == "w:p" || child("ping") != nil)
  }

  /// The code and text of an iq error, bounded: nil for other stanzas.
  package var requestError: (code: String, text: String)? {
    guard tag == "iq", text("type") == "error" else { return nil }
    let error = child("error")
    return (error?.text("code")?.visible(limit: 16) ?? "?", error?.text("text")?.visible(limit: 128) ?? "")
  }
}
