// Reasons for which a request is refused by who sends it and from where.
// Used by the access rules of the listeners.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var access: [Reason] {
    [.accessOwner, .accessHost, .accessOrigin, .accessCredentials, .accessTooManyAttempts]
  }

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

  package static let accessCredentials = Reason(
    "access.credentials",
    cause: "The listener asks for a user and a password, and the request has none, or not the right ones.",
    evidence: "`basic_auth_users` in the file that `--web-config` names.",
    remedy:
      "Send the user and the password that the file holds the hash of; in Prometheus: basic_auth of the scrape job.")

  package static let accessTooManyAttempts = Reason(
    "access.too_many_attempts",
    cause: "This address, or all together, sent so many passwords to be checked that further ones have to wait.",
    evidence: "Only passwords that were not seen before are counted; a scraper with the right one is not held up.",
    remedy: "Wait as long as Retry-After says; mend the password of the client that keeps trying.")
}
