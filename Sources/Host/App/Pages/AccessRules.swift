// Who may use which route, decided from the request's head before any handler sees it.
// The public listener: `owner` routes only from this machine or with a session, and nothing that changes state from a
// foreign page. The admin console: only under its own names, and the same about foreign pages.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostReasons

/// The rules of access.
enum AccessRules {
  /// For the public listener. One rule for every `owner` route, whoever serves it.
  static func publicListener(_ owner: OwnerAccess) -> AccessRule {
    { head, peer, route in
      guard route?.options.access == .owner else { return .allow }
      if owner.isLocal(head, peer) {
        // A page on another site, opened in the owner's browser, comes from loopback too (DNS rebinding).
        guard isOwnName(head.text(head.authority)) || owner.hasSession(head) else { return refused(.accessHost) }
      } else if !owner.hasSession(head) {
        // A session is bound to the Host it was made at, so here the name needs no check of its own.
        return OwnerPages.refusal(head)
      }
      guard !changesState(head) || isSameOrigin(head) else { return refused(.accessOrigin) }
      return .allow
    }
  }

  /// For the admin console.
  ///
  /// - Parameter names: host names besides the loopback ones, such as the address that it was told to listen on.
  static func adminListener(names: Set<String>) -> AccessRule {
    { head, _, _ in
      let authority = head.text(head.authority)
      guard isOwnName(authority) || names.contains(hostName(authority)) else { return refused(.accessHost) }
      guard !changesState(head) || isSameOrigin(head) else { return refused(.accessOrigin) }
      return .allow
    }
  }

  /// Whether the Host is a loopback name, with any port: an ssh tunnel brings another.
  static func isOwnName(_ authority: String) -> Bool {
    let host = hostName(authority)
    return host == "localhost" || host == "::1" || isLoopbackIPv4(host)
  }

  /// 127.0.0.0/8 as four decimal numbers, so that `127.evil.example` is not taken for it.
  private static func isLoopbackIPv4(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// The host of `host:port`, lower case, without brackets and port.
  static func hostName(_ authority: String) -> String {
    let lower = authority.lowercased()
    if lower.hasPrefix("[") { return String(lower.dropFirst().prefix { $0 != "]" }) }
    return String(lower.prefix { $0 != ":" })
  }

  /// Methods that are not safe in the sense of RFC 9110, 9.2.1.
  private static func changesState(_ head: RequestHead) -> Bool {
    !["GET", "HEAD", "OPTIONS", "TRACE"].contains(head.text(head.method))
  }

  /// Whether the request comes from no page at all, or from one of the same origin.
  static func isSameOrigin(_ head: RequestHead) -> Bool {
    if let site = head.firstValue("sec-fetch-site").map(head.text), site != "same-origin", site != "none" {
      return false
    }
    guard let origin = head.firstValue("origin").map(head.text) else { return true }
    let authority = head.text(head.authority).lowercased()
    return origin.lowercased() == "http://\(authority)" || origin.lowercased() == "https://\(authority)"
  }

  private static func refused(_ reason: Reason) -> AccessVerdict {
    .refuse(status: 403, fields: HTTPFields(), code: reason.code, detail: reason.cause)
  }

  static func noStore() -> HTTPFields {
    var fields = HTTPFields()
    fields.append("cache-control", "no-store")
    return fields
  }
}
