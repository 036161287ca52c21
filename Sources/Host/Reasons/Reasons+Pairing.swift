// Reasons of pairing: why a sender was not let in, a code, token or session not taken, a link not made.
// Used by HostPairing, the gate's wiring, the link page and the console.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var pairing: [Reason] { senders + codes + owners + links }

  // MARK: Senders

  private static var senders: [Reason] {
    [.pairingChallenged, .pairingCoolingDown, .pairingNoSlot, .pairingBadSender, .pairingAdapterFailed]
  }

  private static let refused = "`nexo_messages_refused_total{reason=\"not_paired\"}`; `agent pair list`."

  package static let pairingChallenged = Reason(
    "pairing.challenged", cause: "The sender is unknown and was sent a code; the message was dropped.",
    evidence: refused, remedy: "If you know the sender, `agent pair approve CODE`; `agent pair list` shows the code.")

  package static let pairingCoolingDown = Reason(
    "pairing.cooling_down", cause: "The sender is unknown and was sent a code a short while ago.",
    evidence: refused, remedy: "If you know the sender, `agent pair approve CODE`.")

  package static let pairingNoSlot = Reason(
    "pairing.no_slot", cause: "The sender is unknown, and as many others as may already wait for an approval.",
    evidence: "`pairing_requests_pending`; `agent pair list`.",
    remedy: "Approve who waits, or `agent pair seed CHANNEL ACCOUNT SENDER` lets a known one in at once.")

  package static let pairingBadSender = Reason(
    "pairing.bad_sender", cause: "The sender is empty, or not an address of the channel.", evidence: refused,
    remedy: "Write the address as the channel does; messages without a sender cannot be let in.")

  package static let pairingAdapterFailed = Reason(
    "pairing.adapter_failed", cause: "The channel did not say how a sender's address is written.",
    evidence: "`nexo_plugin_calls_total{call=\"channel.command\"}` and the plugin's log.",
    remedy: "The message is offered again. If it lasts, look at the plugin with `agent ext info ID`.")

  // MARK: Codes

  private static var codes: [Reason] { [.pairingCodeUnknown, .pairingCodeExpired, .pairingNotApproved] }

  package static let pairingCodeUnknown = Reason(
    "pairing.code_unknown", cause: "No request that waits has this code.",
    evidence: "`pairing_approvals_total{result=\"not_found\"}`; `agent pair list`.",
    remedy: "Check the code: 8 letters and digits, without I, O, 0 and 1.")

  package static let pairingCodeExpired = Reason(
    "pairing.code_expired", cause: "The code is older than 60 minutes.",
    evidence: "`pairing_approvals_total{result=\"expired\"}`.",
    remedy: "Have the sender write again, which sends a new code, or use `agent pair seed`.")

  package static let pairingNotApproved = Reason(
    "pairing.not_approved", cause: "There is no approval of this sender on this channel.",
    evidence: "`agent pair list --all --include-revoked`.", remedy: "Write channel and sender as the list shows them.")

  // MARK: Tokens and sessions

  private static var owners: [Reason] {
    [
      .pairingTokenInvalid, .pairingTokenExpired, .pairingTooManyTokens, .pairingSessionUnknown,
      .pairingKeyPermissions, .pairingKeyUnusable,
    ]
  }

  package static let pairingTokenInvalid = Reason(
    "pairing.token_invalid", cause: "The link is not valid: it was changed, used before, or made by another host.",
    evidence: "`agent pair sessions` shows which links were opened.", remedy: "Make a new one with `agent link`.")

  package static let pairingTokenExpired = Reason(
    "pairing.token_expired", cause: "The link is too old.", evidence: "The time that was printed with it.",
    remedy: "Make a new one with `agent link`.")

  package static let pairingTooManyTokens = Reason(
    "pairing.too_many_tokens", cause: "Too many wrong links came from this address.",
    evidence: "`nexo_http_requests_total{route=\"/link\",code=\"429\"}`.", remedy: "Wait a minute.")

  package static let pairingSessionUnknown = Reason(
    "pairing.session_unknown", cause: "There is no session of this id.", evidence: "`agent pair sessions`.",
    remedy: "Use an id that `agent pair sessions` lists.")

  package static let pairingKeyPermissions = Reason(
    "pairing.key_permissions", cause: "Others may read the key that signs links and sessions, so it is not used.",
    evidence: "`ls -la STATE/secret`.",
    remedy: "Delete the file and restart, which ends all links and sessions; or chmod 700 the folder and 600 the file.")

  package static let pairingKeyUnusable = Reason(
    "pairing.key_unusable", cause: "The key that signs links and sessions cannot be read or made.",
    evidence: "`/ready?verbose`, component `pairing.sessions`.",
    remedy: "Mend the state folder's disk or permissions; a damaged key file can be deleted.")

  // MARK: Links

  private static var links: [Reason] { [.linkUnknownKind, .linkUnknownAccount, .linkNoPage, .linkFailed] }

  package static let linkUnknownKind = Reason(
    "link.unknown_kind", cause: "No running plugin brings a channel or credentials of this kind.",
    evidence: "`agent ext list`.", remedy: "Check the word, and that the plugin is `ok`.")

  package static let linkUnknownAccount = Reason(
    "link.unknown_account", cause: "There is no account of this name.", evidence: "`/ready?verbose` lists them.",
    remedy: "Check the name against the plugin's configuration.")

  package static let linkNoPage = Reason(
    "link.no_page", cause: "The plugin has no page on which an account is linked.", evidence: "`agent ext info ID`.",
    remedy: "None: accounts of this kind are set up in the configuration.")

  package static let linkFailed = Reason(
    "link.failed", cause: "The plugin did not begin linking.", evidence: "The plugin's log.",
    remedy: "Try again; the answer's detail is the plugin's own.")
}
