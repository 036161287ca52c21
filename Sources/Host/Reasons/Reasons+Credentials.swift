// Reasons of credentials: what the validation of accounts and bindings finds, and why a send or a secret was refused.
// Used by HostCredentials; findings, dead letters, `/admin/agents` and logs carry them.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var credentials: [Reason] { credentialFindings + credentialRefusals }

  // MARK: Findings

  private static var credentialFindings: [Reason] {
    [
      .credentialsDuplicatePath, .credentialsPrefixOverlap, .credentialsMissingInstance, .credentialsAmbiguous,
      .credentialsExcluded, .credentialsAsymmetric, .credentialsFile, .credentialsInsecure,
      .credentialsDuplicateAccount, .credentialsUnknownAgent, .credentialsInline, .credentialsDoubtful,
    ]
  }

  private static let check = "`agent check-config` prints file, line and column; `GET /admin/credentials` the same."

  package static let credentialsDuplicatePath = Reason(
    "credentials.duplicate_path", cause: "Two accounts keep their session in one folder and would destroy it.",
    evidence: check, remedy: "Give each account a `session_dir` of its own, then reload.")

  package static let credentialsPrefixOverlap = Reason(
    "credentials.prefix_overlap", cause: "The session folder of one account lies inside that of another.",
    evidence: check, remedy: "Put the folders beside each other, then reload.")

  package static let credentialsMissingInstance = Reason(
    "credentials.missing_instance", cause: "An agent names an account that neither a file nor a plugin knows.",
    evidence: check, remedy: "Correct the label as the finding suggests, or describe the account, then reload.")

  package static let credentialsAmbiguous = Reason(
    "credentials.ambiguous_outbound",
    cause: "An agent listens on several accounts of a channel, and which one it sends with is not said.",
    evidence: check, remedy: "Name the account in the agent's `credentials:`, then reload.")

  package static let credentialsExcluded = Reason(
    "credentials.allow_agents_excludes", cause: "The account that an agent is bound to does not allow it.",
    evidence: check, remedy: "Add the agent to the account's `allow_agents`, or bind another account, then reload.")

  package static let credentialsAsymmetric = Reason(
    "credentials.asymmetric_binding",
    cause: "An agent listens on one account and sends from another, and nothing says that this is meant.",
    evidence: check, remedy: "Use one account for both, or set `<channel>_asymmetric: true` in its `credentials:`.")

  package static let credentialsFile = Reason(
    "credentials.file", cause: "A file of an account is missing, is no regular file, or cannot be read.",
    evidence: check, remedy: "Create it as the finding says, readable for the host's user only, then reload.")

  package static let credentialsInsecure = Reason(
    "credentials.insecure_permissions", cause: "Others than the host's user may read or write a credential file.",
    evidence: "`agent check-config`, and `credentials_insecure_paths_total` for how many.",
    remedy: "chmod 0600 the file that the finding names, then reload.")

  package static let credentialsDuplicateAccount = Reason(
    "credentials.duplicate_account", cause: "Two accounts of one channel have the same label.", evidence: check,
    remedy: "Rename or remove one of the two, then reload.")

  package static let credentialsUnknownAgent = Reason(
    "credentials.unknown_agent", cause: "An account allows, or belongs to, an agent that does not exist.",
    evidence: check, remedy: "Correct the id, or define the agent, then reload.")

  package static let credentialsInline = Reason(
    "credentials.legacy_inline", cause: "Credentials stand inline in an agent's entry, secrets and all.",
    evidence: check, remedy: "Move them to the `<kind>-auth.yaml` in `plugins/`, with the secrets in files.")

  package static let credentialsDoubtful = Reason(
    "credentials.doubtful", cause: "Something about credentials has no effect, or cannot be checked.",
    evidence: check, remedy: "Do as the finding says.")

  // MARK: Refusals

  private static var credentialRefusals: [Reason] {
    [
      .credentialsUnbound, .credentialsNotFound, .credentialsNotPermitted, .credentialsBreakerOpen,
      .credentialsNotGranted, .credentialsReloadRefused, .credentialsReloadBusy,
    ]
  }

  package static let credentialsUnbound = Reason(
    "credentials.unbound", cause: "The agent is bound to no account of the channel, so nothing was sent.",
    evidence: "`GET /admin/credentials` lists the bindings; `credentials_resolve_errors_total{reason=\"unbound\"}`.",
    remedy: "Bind the agent in agents.yaml, reload, and replay the dead letter.")

  package static let credentialsNotFound = Reason(
    "credentials.not_found", cause: "The account that the agent is bound to does not exist now, so nothing was sent.",
    evidence: "`GET /admin/credentials` lists the accounts; `credentials_resolve_errors_total{reason=\"not_found\"}`.",
    remedy: "Bring the account back or bind another, reload, and replay the dead letter.")

  package static let credentialsNotPermitted = Reason(
    "credentials.not_permitted", cause: "The account does not allow the agent, so nothing was sent.",
    evidence: "`channel_acl_denied_total` and the log's `credential refused` say which.",
    remedy: "Add the agent to the account's `allow_agents` if it should send from it, reload, and replay.")

  package static let credentialsBreakerOpen = Reason(
    "credentials.breaker_open",
    cause: "Too many deliveries of the account failed one after the other; it rests before it is tried again.",
    evidence: "`credentials_breaker_state` by account, and the log's `account breaker moved`.",
    remedy: "Wait, or mend what the account's channel reports; its messages are tried again by themselves.")

  package static let credentialsNotGranted = Reason(
    "credentials.not_granted", cause: "A plugin asked for a secret that the operator has not granted to it.",
    evidence: "The log's `secret refused` names the plugin.",
    remedy: "If it should have it, add it to `grants:` in credentials.yaml and reload.")

  package static let credentialsReloadRefused = Reason(
    "credentials.reload_refused", cause: "The configuration has errors, so a reload changed nothing at all.",
    evidence: "The answer of the reload, the log, and `agent check-config` list every finding.",
    remedy: "Mend the findings, then reload again.")

  package static let credentialsReloadBusy = Reason(
    "credentials.reload_busy", cause: "More reloads wait than the host lets wait, or it stops.",
    evidence: "Reloads are made one after the other.", remedy: "Wait for those under way, then reload again.")
}
