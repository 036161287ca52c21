// Families of pairing: challenges, approvals, codes and bootstrap tokens. Fed by HostPairing.
// The names are the seed's (spec/metrics.md).
//
// SPDX-License-Identifier: Apache-2.0

/// How a challenge to an unknown sender went.
package enum ChallengeResult: String, ClosedLabel {
  case deliveredViaAdapter = "delivered_via_adapter"
  case deliveredViaBroker = "delivered_via_broker"
  case publishFailed = "publish_failed"
  case noAdapterNoBrokerTopic = "no_adapter_no_broker_topic"
}

/// How `pair approve` ended.
package enum ApprovalResult: String, ClosedLabel {
  case ok
  case expired
  case notFound = "not_found"
}

extension Families {
  /// The families of this file.
  static let pairing: [FamilySpec] = [
    pairingInboundChallenged.spec, pairingApprovals.spec, pairingCodesExpired.spec, pairingBootstrapTokensIssued.spec,
    pairingRequestsPending.spec,
  ]

  /// Counts challenges dispatched. Labels: `channel`, `result`.
  package static let pairingInboundChallenged = CounterSpec<String, ChallengeResult>(
    "pairing_inbound_challenged_total", ["channel", "result"],
    help: "Pairing challenges to unknown senders, by how they were delivered.")

  /// Counts `pair approve`. Labels: `channel` (empty when the code is unknown), `result`.
  package static let pairingApprovals = CounterSpec<String, ApprovalResult>(
    "pairing_approvals_total", ["channel", "result"], help: "Approvals of pairing codes, by result.")

  /// Counts codes pruned past their life, or refused as expired.
  package static let pairingCodesExpired = PlainCounterSpec(
    "pairing_codes_expired_total", help: "Pairing codes pruned past their life or refused as expired.")

  /// Counts bootstrap tokens minted. Labels: `profile`.
  package static let pairingBootstrapTokensIssued = CounterSpec<String>(
    "pairing_bootstrap_tokens_issued_total", ["profile"], help: "Bootstrap tokens issued, by profile.")

  /// Requests that wait for an approval, read from the store at scrape. Labels: `channel`.
  package static let pairingRequestsPending = GaugeSpec<String>(
    "pairing_requests_pending", ["channel"], help: "Pairing requests that wait for an approval.")
}
