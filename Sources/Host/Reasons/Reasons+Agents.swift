// Reasons of agents, models and tools: why a message was not taken, why a turn or a tool call failed, why an agent is not well.
// Used by HostAgents; dead letters, `/admin/agents` and tool answers carry them.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var agents: [Reason] { agentStates + agentMessages + models + tools }

  // MARK: Agents and their configuration

  private static var agentStates: [Reason] {
    [
      .agentsStarting, .agentsDraining, .agentsStopped, .agentsNoBindings, .agentsDuplicateID, .agentsShadowedBinding,
      .agentsUnknownProvider, .agentsUnknownDelegate,
    ]
  }

  private static let status = "`agent status` and `GET /admin/agents` show each agent with its state and reason."

  package static let agentsStarting = Reason(
    "agents.starting", cause: "The agent has been configured, but the runtime does not take messages yet.",
    evidence: status, remedy: "Wait; if it lasts, look at the broker's reason in `/ready?verbose`.")

  package static let agentsDraining = Reason(
    "agents.draining",
    cause: "The host stops, or the agent was removed: it finishes its turns and takes no new message.",
    evidence: status, remedy: "None needed. Messages that were accepted wait for the next start.")

  package static let agentsStopped = Reason(
    "agents.stopped", cause: "The agent has stopped.", evidence: status, remedy: "Start the host again.")

  package static let agentsNoBindings = Reason(
    "agents.no_bindings", cause: "The agent has no inbound bindings, so no channel's messages reach it.",
    evidence: status,
    remedy: "Add `inbound_bindings:` to it in agents.yaml, or leave it as it is if it only takes delegations.")

  package static let agentsDuplicateID = Reason(
    "agents.duplicate_id", cause: "Two agents of one file have the same id.",
    evidence: "`agent check-config` prints file, line and column.", remedy: "Rename or remove one of them.")

  package static let agentsShadowedBinding = Reason(
    "agents.shadowed_binding", cause: "Two agents are bound to the same account; only the first gets its messages.",
    evidence: "`agent check-config` prints file, line and column.",
    remedy: "Bind each account to one agent; a binding with an instance goes before one without.")

  package static let agentsUnknownProvider = Reason(
    "agents.unknown_provider", cause: "An agent names a model provider that llm.yaml does not define.",
    evidence: "`agent check-config` prints file, line and column.",
    remedy: "Define the provider in llm.yaml, or use echo, openai or anthropic.")

  package static let agentsUnknownDelegate = Reason(
    "agents.unknown_delegate", cause: "An agent may delegate to one that does not exist.",
    evidence: "`agent check-config` prints file, line and column.", remedy: "Correct the id, or remove it.")

  // MARK: Messages

  private static var agentMessages: [Reason] {
    [
      .agentsUnboundChannel, .agentsQueueFull, .agentsRateLimited, .agentsIgnored, .agentsBadPayload,
      .agentsRecipientRefused, .agentsNoChannel, .agentsDelegationRefused, .agentsDelegationFailed,
    ]
  }

  package static let agentsUnboundChannel = Reason(
    "agents.unbound_channel", cause: "A message came over an account that no agent is bound to.",
    evidence: "`nexo_messages_refused_total{reason=\"unbound\"}`.",
    remedy: "Add the channel to an agent's `inbound_bindings:` in agents.yaml and reload.")

  package static let agentsQueueFull = Reason(
    "agents.queue_full", cause: "As many messages of this conversation wait as the agent's `queue_cap` allows.",
    evidence: "`nexo_messages_refused_total{reason=\"queue_full\"}`; `queue_depth` in `GET /admin/agents`.",
    remedy: "The channel offers it again. If it lasts, the model is slow: look at `llm_latency_ms` and its breaker.")

  package static let agentsRateLimited = Reason(
    "agents.rate_limited", cause: "A sender wrote more than the agent's `sender_rate_limit` allows.",
    evidence: "`nexo_messages_refused_total{reason=\"rate_limited\"}`.",
    remedy: "None needed against a flood; otherwise raise `sender_rate_limit:` in agents.yaml.")

  package static let agentsIgnored = Reason(
    "agents.ignored_message", cause: "The message is not for an agent: it has no text, or the account itself wrote it.",
    evidence: "`nexo_messages_refused_total{reason=\"ignored\"}`.", remedy: "None needed.")

  package static let agentsBadPayload = Reason(
    "agents.bad_payload", cause: "A stored message is not in the form that this version writes.",
    evidence: "`agent dlq show ID`.", remedy: "Replay it with the version that stored it, or purge it.")

  package static let agentsRecipientRefused = Reason(
    "agents.recipient_refused", cause: "The recipient is not in the agent's `outbound_allowlist`.",
    evidence: "`agent dlq show ID` names agent and channel.",
    remedy: "Add the recipient to `outbound_allowlist:` in agents.yaml, reload, and replay the dead letter.")

  package static let agentsNoChannel = Reason(
    "agents.no_channel", cause: "The channel that a reply goes out on is not there: its plugin is not running.",
    evidence: "`agent ext list`.",
    remedy: "Start the plugin; the reply is tried again until its life ends, then `agent dlq replay ID`.")

  package static let agentsDelegationRefused = Reason(
    "agents.delegation_refused",
    cause: "A delegation was refused: unknown agent, not allowed, or it came round in a circle.",
    evidence: "`nexo_tool_calls_total{tool=\"delegate\"}`.", remedy: "Look at `allowed_delegates:` in agents.yaml.")

  package static let agentsDelegationFailed = Reason(
    "agents.delegation_failed", cause: "The agent that was asked did not answer, or failed.", evidence: status,
    remedy: "Look at that agent's reason.")

  // MARK: Models

  private static var models: [Reason] {
    [
      .llmKeyMissing, .llmKeyRefused, .llmUnreachable, .llmTimeout, .llmServerError, .llmRateLimited, .llmBadRequest,
      .llmBadAnswer, .llmBreakerOpen, .llmCancelled,
    ]
  }

  private static let requests = "`llm_requests_total{outcome=\"error\"}` and the log's `provider`."

  package static let llmKeyMissing = Reason(
    "llm.key_missing", cause: "A model provider of a vendor has no key.", evidence: "`agent check-config`.",
    remedy: "Set `api_key: ${file:secrets/NAME}` in llm.yaml, or OPENAI_API_KEY or ANTHROPIC_API_KEY.")

  package static let llmKeyRefused = Reason(
    "llm.key_refused", cause: "The model provider refused the key, or the account behind it.", evidence: requests,
    remedy: "Renew the key in llm.yaml or its file, reload, and replay the dead letters.")

  package static let llmUnreachable = Reason(
    "llm.unreachable", cause: "There is no connection to the model provider, or it broke.", evidence: requests,
    remedy: "Check `base_url` in llm.yaml, the network, and that a local server runs.")

  package static let llmTimeout = Reason(
    "llm.timeout", cause: "The model did not answer in time.", evidence: "`llm_latency_ms`.",
    remedy: "Raise `timeout_secs` or `stall_timeout_secs` of the provider in llm.yaml, or use a faster model.")

  package static let llmServerError = Reason(
    "llm.server_error", cause: "The model provider answered with a server error.", evidence: requests,
    remedy: "Wait; it is tried again. If it lasts, look at the provider's status page.")

  package static let llmRateLimited = Reason(
    "llm.rate_limited", cause: "The model provider says that it is asked too often (429).", evidence: requests,
    remedy: "It is tried again when the provider says so. If it lasts, raise the quota there.")

  package static let llmBadRequest = Reason(
    "llm.bad_request", cause: "The model provider refused the request itself.", evidence: requests,
    remedy: "Check the model's name in agents.yaml and the schemas of its tools.")

  package static let llmBadAnswer = Reason(
    "llm.bad_answer", cause: "The answer of the model provider was cut short, or is not in its own format.",
    evidence: requests, remedy: "It is tried again. If it lasts, `base_url` or `kind` in llm.yaml is wrong.")

  package static let llmBreakerOpen = Reason(
    "llm.breaker_open", cause: "The model provider failed several times in a row, so it is left alone for a while.",
    evidence: "`circuit_breaker_state{breaker=\"llm.<provider>\"}`.",
    remedy: "Wait; it is probed by itself. Mend what the log's earlier reason names.")

  package static let llmCancelled = Reason(
    "llm.cancelled", cause: "The request was given up because the host stops or the message is held by another turn.",
    evidence: "The log.", remedy: "None needed: the message is delivered again.")

  // MARK: Tools

  private static var tools: [Reason] {
    [
      .toolUnknown, .toolNotAllowed, .toolHookRefused, .toolRateLimited, .toolBadArguments, .toolTimeout, .toolFailed,
      .toolSchemaInvalid, .toolSchemaUnsupported,
    ]
  }

  private static let calls = "`nexo_tool_calls_total`; `GET /admin/tool-policy?agent=A&tool=T` explains the decision."

  package static let toolUnknown = Reason(
    "tool.unknown", cause: "The model called a tool that does not exist.", evidence: calls,
    remedy: "None needed: the model is told. If the tool should exist, look at its plugin with `agent ext list`.")

  package static let toolNotAllowed = Reason(
    "tool.not_allowed", cause: "The agent's `allowed_tools` does not list the tool.", evidence: calls,
    remedy: "Add it to `allowed_tools:` in agents.yaml if the agent should use it.")

  package static let toolHookRefused = Reason(
    "tool.hook_refused", cause: "A hook refused the call.", evidence: calls, remedy: "Look at the hook's own log.")

  package static let toolRateLimited = Reason(
    "tool.rate_limited", cause: "The agent called the tool more often than `tool_rate_limits` allows.", evidence: calls,
    remedy: "None needed; raise the limit in agents.yaml if it is too tight.")

  package static let toolBadArguments = Reason(
    "tool.bad_arguments", cause: "The arguments that the model gave do not fit the tool's schema.", evidence: calls,
    remedy: "None needed: the model is told. If frequent, improve the tool's description.")

  package static let toolTimeout = Reason(
    "tool.timeout", cause: "The tool did not answer before its deadline.", evidence: "`nexo_tool_latency_ms`.",
    remedy: "Raise `parallel.call_timeout_secs` in tool_policy.yaml, or mend the tool.")

  package static let toolFailed = Reason(
    "tool.failed", cause: "The tool answered with an error.", evidence: calls, remedy: "Look at the plugin's log.")

  package static let toolSchemaInvalid = Reason(
    "tool.schema_invalid", cause: "A tool's input schema is not a JSON Schema of an object, so it cannot be called.",
    evidence: "`GET /admin/tool-policy`.", remedy: "Tell the plugin's author what the message says.")

  package static let toolSchemaUnsupported = Reason(
    "tool.schema_unsupported", cause: "A tool's input schema uses keywords that the host does not check.",
    evidence: "`GET /admin/tool-policy` lists them.", remedy: "None needed: the tool checks what the host does not.")
}
