// What each stanza means to a linked device. Called by LinkMachine for everything that is no ping and no end of the stream.
//
// SPDX-License-Identifier: Apache-2.0

extension SessionMachine {
  /// Takes a stanza: answers what must be answered, keeps what must be kept, hands on the rest.
  package mutating func receive(_ stanza: Node, at now: Moment) -> [Action] {
    switch stanza.tag {
    case "success": return success(stanza, at: now)
    case "iq": return iq(stanza, at: now)
    case "ib": return information(stanza)
    case "notification": return acknowledge(stanza) + notification(stanza, at: now) + [.inbound(stanza)]
    case "message": return (settings.acknowledgesMessages ? acknowledge(stanza) : []) + [.inbound(stanza)]
    case "receipt", "call": return acknowledge(stanza) + [.inbound(stanza)]
    default: return [.inbound(stanza)]
    }
  }

  private mutating func success(_ stanza: Node, at now: Moment) -> [Action] {
    guard case .loggingIn = phase else { return [] }
    phase = .preparing
    if record.link?.lid == nil { record.link?.lid = stanza.jid("lid") }
    record.link?.isConfirmed = true
    if let time = stanza.number("t") {
      record.serverTimeOffset = Int64(clamping: time).subtractingClamped(now.unixSeconds)
    }
    return [.update(record), .loggedIn] + countPreKeys(at: now)
  }

  private mutating func iq(_ stanza: Node, at now: Moment) -> [Action] {
    switch stanza.text("type") {
    case "result", "error": return answer(stanza, at: now)
    // The protocol page, section 4.7: a pair-success that comes once more is ignored.
    case "set" where stanza.child("pair-success") != nil: return []
    case "get", "set": return [.send(.error(to: stanza, code: "405", text: "not-allowed"))]
    default: return []
    }
  }

  private mutating func answer(_ stanza: Node, at now: Moment) -> [Action] {
    let id = stanza.text("id")
    let isError = stanza.requestError != nil
    if case .activating(let pending, _) = phase, pending == id {
      if let (code, text) = stanza.requestError { return lose(.streamError, "active refused: \(code) \(text)") }
      phase = .live
      return [.live]
    }
    if case .unlinking(let pending, _) = phase, pending == id {
      phase = .over
      return [.unlinked(confirmed: !isError)]
    }
    switch preKeyStep {
    case .counting(let pending, _) where pending == id:
      guard !isError, let count = stanza.child("count")?.number("value") else {
        return preKeysDone(failed: true, at: now)
      }
      return refill(serverCount: count, at: now)
    case .uploading(let pending, let ids, _) where pending == id:
      guard !isError else { return preKeysDone(failed: true, at: now) }
      stock.markUploaded(ids)
      return [.preKeysUploaded(ids)] + preKeysDone(failed: false, at: now)
    default: return [.inbound(stanza)]
    }
  }

  private mutating func information(_ stanza: Node) -> [Action] {
    if let routing = stanza.child("edge_routing", "routing_info")?.payload, routing.count <= RoutingInformation.limit,
      routing != record.routing
    {
      record.routing = routing
      return [.update(record), .inbound(stanza)]
    }
    return [.inbound(stanza)]
  }

  private mutating func notification(_ stanza: Node, at now: Moment) -> [Action] {
    // The server runs out of our prekeys. Its own count is asked for again, since this notice may be old.
    guard stanza.text("type") == "encrypt", let count = stanza.child("count")?.number("value"),
      count < UInt64(PreKeyStock.low), isLive
    else { return [] }
    return countPreKeys(at: now)
  }

  private func acknowledge(_ stanza: Node) -> [Action] { Node.acknowledgement(of: stanza).map { [.send($0)] } ?? [] }
}
