// Who is the owner on the public listener: this machine, unless the settings say that it is not to be trusted, or a
// browser with a session. Asked by AccessRules on event loops: it never blocks.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostPairing

/// What makes a request the owner's.
struct OwnerAccess: Sendable {
  /// Whether a request from a loopback address is his. Not behind a tunnel or proxy of this machine.
  let trustsLoopback: Bool
  /// nil while the key cannot be used: then only this machine is his.
  let sessions: OwnerSessions?

  /// From this machine, by nobody's order. What a proxy adds only ever takes trust away.
  func isLocal(_ head: RequestHead, _ peer: PeerAddress) -> Bool {
    trustsLoopback && peer.isLoopback && !OwnerAccess.isForwarded(head)
  }

  /// Whether one of the request's cookies is a live session of the authority that the request names.
  func hasSession(_ head: RequestHead) -> Bool {
    guard let sessions else { return false }
    let authority = head.text(head.authority)
    for index in 0..<head.fieldCount where head.equals(head.fields[index].name, "cookie") {
      for pair in head.text(head.fields[index].value).split(separator: ";") {
        let parts = pair.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[0].trimmed == sessions.cookieName else { continue }
        if sessions.admits(parts[1].trimmed, authority: authority) { return true }
      }
    }
    return false
  }

  /// Whether a proxy or tunnel says that it passes the request on for somebody else: then loopback means nothing.
  private static func isForwarded(_ head: RequestHead) -> Bool {
    head.firstValue("forwarded") != nil || head.firstValue("x-forwarded-for") != nil
      || head.firstValue("x-real-ip") != nil || head.firstValue("via") != nil
  }
}

extension Substring {
  /// Without the spaces around it.
  fileprivate var trimmed: String {
    let head = drop { $0 == " " }
    return String(head.prefix(upTo: head.lastIndex { $0 != " " }.map(head.index(after:)) ?? head.startIndex))
  }
}
