// Reasons for which a message did not reach its chat, as the channel reported it.
// Used by the wiring between agents and channels.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var delivery: [Reason] { [.deliveryRateLimited, .deliveryUnavailable, .deliveryRejected] }

  package static let deliveryRateLimited = Reason(
    "delivery.rate_limited", cause: "The channel's service asks to slow down.",
    evidence: "The dead letter's or log line's detail carries the channel's words.",
    remedy: "Send less from this account; the message is tried again after a while.")

  package static let deliveryUnavailable = Reason(
    "delivery.unavailable", cause: "The channel is disconnected, its service failed, or it did not answer in time.",
    evidence: "`/ready?verbose` shows the account's state.",
    remedy: "Mend the account's connection; the message is tried again until its life ends.")

  package static let deliveryRejected = Reason(
    "delivery.rejected", cause: "The channel says that this message will never be accepted.",
    evidence: "`agent dlq show ID` carries the channel's words.",
    remedy: "Correct what it says (recipient, kind, size), then replay or purge the dead letter.")
}
