// Reasons of the broker: what it does not take, what it gives up, what its audit finds.
// Used by HostBroker; dead letters carry one of these or one of the agent runtime's.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var broker: [Reason] {
    [
      .brokerClosed, .brokerStarting, .brokerBacklogFull, .brokerSubscriberFull, .brokerInvalid, .brokerNoReply,
      .brokerNoSubscriber, .brokerLeaseLost, .brokerExpired, .brokerRetriesExhausted, .brokerPoisoned,
      .brokerUnknownDeadLetter, .brokerAuditFailed,
    ]
  }

  package static let brokerClosed = Reason(
    "broker.closed", cause: "The broker has been closed because the host stops.",
    evidence: "`/ready` answers 503.", remedy: "None needed. Send again once the host is back.")

  package static let brokerStarting = Reason(
    "broker.starting", cause: "The ledger has not been opened yet, or could not be so far.",
    evidence: "`/ready?verbose` shows the component `broker` with the cause.",
    remedy: "Wait; if it lasts, follow the reason that the component shows.")

  package static let brokerBacklogFull = Reason(
    "broker.backlog_full", cause: "More messages wait to be answered than the ledger takes.",
    evidence: "`nexo_broker_queue_depth`; `agent status` shows each agent's queue.",
    remedy: "Wait until agents have caught up, or find out why they are slow: breakers, rate limits, model latency.")

  package static let brokerSubscriberFull = Reason(
    "broker.subscriber_full", cause: "A subscriber's queue is full, so the event was not published to anyone.",
    evidence: "`nexo_broker_queue_depth{queue}` and `nexo_broker_dropped_total{reason=\"queue_full\"}`.",
    remedy: "Publish again shortly; if it lasts, the subscriber that the metric names is stuck.")

  package static let brokerInvalid = Reason(
    "broker.invalid", cause: "A message breaks a rule: topic, size, key, or a payload that is no JSON.",
    evidence: "The message names the rule.", remedy: "Correct the sender; sending the same again will not help.")

  package static let brokerNoReply = Reason(
    "broker.no_reply", cause: "Nobody replied to a request before its deadline.",
    evidence: "The log line names topic and deadline.", remedy: "Check that what answers that topic is running.")

  package static let brokerNoSubscriber = Reason(
    "broker.no_subscriber", cause: "Nobody is subscribed to the topic of a request.",
    evidence: "`nexo_broker_dropped_total{reason=\"no_subscriber\"}`.",
    remedy: "Check the topic, and that the agent or plugin that answers it is running.")

  package static let brokerLeaseLost = Reason(
    "broker.lease_lost", cause: "A message was held for longer than its lease and has been given to another turn.",
    evidence: "The dead letter or the log line shows the number of deliveries.",
    remedy: "None needed for one; if frequent, a turn hangs: look at model and tool deadlines.")

  package static let brokerExpired = Reason(
    "broker.expired", cause: "A message grew older than its life before it could be answered.",
    evidence: "`nexo_broker_dropped_total{reason=\"expired\"}`.",
    remedy: "Find out why it waited: the host was down, or its conversation was stuck.")

  package static let brokerRetriesExhausted = Reason(
    "broker.retries_exhausted", cause: "A message failed at each of its attempts with failures that may pass.",
    evidence: "`agent dlq show ID` prints the last failure.",
    remedy: "Mend what failed, then `agent dlq replay ID`.")

  package static let brokerPoisoned = Reason(
    "broker.poisoned", cause: "The host died again and again while it worked on this message.",
    evidence: "`agent dlq show ID` prints how often; the crash itself is in the journal.",
    remedy: "Report the crash. Replay the message with `agent dlq replay ID` only once it is mended.")

  package static let brokerUnknownDeadLetter = Reason(
    "broker.unknown_dead_letter", cause: "There is no dead letter with this id.",
    evidence: "`agent dlq list`.", remedy: "Copy the id from the list.")

  package static let brokerAuditFailed = Reason(
    "broker.audit_failed", cause: "The ledger's books do not balance, or its file is damaged.",
    evidence: "`agent verify` prints each line that is wrong.",
    remedy: "Stop the host, keep a copy of the ledger with its -wal, and report what `agent verify` prints.")
}
