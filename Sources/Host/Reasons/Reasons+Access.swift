// Reasons for which a request is refused by who sends it and from where.
// Used by the access rules of the listeners.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var access: [Reason] { [.accessOwner, .accessHost, .accessOrigin] }

  package static let accessOwner = Reason(
    "access.owner_only",
    cause: "The page is for the owner, and the request comes neither from this machine nor with a session.",
    evidence: "The peer's address, and whether a proxy added Forwarded, X-Forwarded-For, X-Real-IP or Via.",
    remedy: "Open it on the machine itself, through an ssh tunnel, or with a link that `agent link` prints.")

  package static let accessHost = Reason(
    "access.host", cause: "The request's Host is not a name of this listener, as in a DNS rebinding attack.",
    evidence: "The Host header of the request.",
    remedy: "Use 127.0.0.1, localhost or [::1], also through a tunnel.")

  package static let accessOrigin = Reason(
    "access.origin", cause: "The request would change something and was sent by a page of another origin.",
    evidence: "The Origin and Sec-Fetch-Site headers of the request.",
    remedy: "Send it from the console's own page, or from a program that sets no Origin.")
}
