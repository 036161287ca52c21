// One send: look-up, access list, breaker; then the report of the delivery. Every step has its metric and its audit line,
// and none names an account other than by label or fingerprint. A look-up that fails sends nothing from anywhere else.
// Called by the gate in front of the channels, and by the resolver of plugins' wishes for secrets.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLog
internal import HostMetrics
package import HostReasons
package import HostResilience

/// Leave to send once.
package struct SendGrant: Sendable {
  /// Label of the account to send with.
  package let account: String
  /// Takes what became of the send; keeps working when a reload has put other accounts in force.
  package let report: @Sendable (BreakerOutcome) -> Void
}

/// Why a send may not happen.
package struct SendRefusal: Error, Sendable, Equatable {
  package let reason: Reason
  /// Whether it may be tried again, and when at the earliest.
  package let retryAfter: Duration?
  /// For people; names nobody.
  package let detail: String
}

extension Credentials {
  /// The shortest wait before a refused send is tried again: a probe of the breaker needs about as long.
  private static let shortestWait: Duration = .seconds(2)

  /// Decides on one send.
  ///
  /// - Parameter conversation: label of the account that the conversation takes place on; empty: none.
  package func admit(
    agent: String, channel: String, conversation: String
  ) throws(SendRefusal) -> SendGrant {
    let book = self.book
    let key = try resolve(agent, channel, conversation, book)
    let breaker = breakers.breaker(of: key)
    guard let permit = breaker.ask() else {
      let wait = max(breaker.retryAfter, Credentials.shortestWait)
      throw SendRefusal(reason: .credentialsBreakerOpen, retryAfter: wait, detail: "account \(key)")
    }
    metrics.used(agent, key, .outbound)
    audit(agent, key, .outbound)
    return SendGrant(account: key.label) { [log] outcome in
      guard let change = breaker.record(outcome, permit) else { return }
      log.warning(
        "account breaker moved",
        [
          "channel": key.channel, "fp": Fingerprint.of(key.label), "from": "\(change.from)", "to": "\(change.to)",
        ])
    }
  }

  /// An agent takes a message of an account.
  package func took(agent: String, channel: String, account: String) {
    let key = AccountKey(channel, account)
    metrics.used(agent, key, .inbound)
    audit(agent, key, .inbound)
  }

  /// The account of (agent, channel).
  private func resolve(
    _ agent: String, _ channel: String, _ conversation: String, _ book: CredentialBook
  ) throws(SendRefusal) -> AccountKey {
    // What plugins serve comes and goes; while none does, nothing about its accounts is certain.
    guard book.live.contains(channel) else {
      throw SendRefusal(
        reason: .agentsNoChannel, retryAfter: Credentials.shortestWait, detail: "no plugin serves \(channel) now")
    }
    let label: String
    switch binding(agent, channel) {
    case .account(let bound): label = bound
    case .conversation where !conversation.isEmpty: label = conversation
    case .conversation, .unbound, nil: throw refused(agent, channel, nil, .unbound, .credentialsUnbound)
    }
    let key = AccountKey(channel, label)
    if let fault = book.failedAgents[agent] { throw refused(agent, channel, key, .notPermitted, fault) }
    guard let account = book.accounts[key], book.isServed(key) else {
      throw refused(agent, channel, key, .notFound, .credentialsNotFound)
    }
    if let fault = book.faultyAccounts[key] { throw refused(agent, channel, key, .notPermitted, fault) }
    guard account.allows(agent), book.plugin(key)?.allows(agent) != false else {
      metrics.denied(agent, key)
      throw refused(agent, channel, key, .notPermitted, .credentialsNotPermitted)
    }
    return key
  }

  private func refused(
    _ agent: String, _ channel: String, _ key: AccountKey?, _ failure: ResolveFailure, _ reason: Reason
  ) -> SendRefusal {
    metrics.failed(channel, failure)
    log.warning(
      "credential refused",
      [
        "agent": agent, "channel": channel, "fp": key.map { Fingerprint.of($0.label) } ?? "", "reason": reason.code,
      ])
    return SendRefusal(
      reason: reason, retryAfter: nil, detail: "agent \(agent), \(key.map { "account \($0)" } ?? "channel \(channel)")")
  }

  private func audit(_ agent: String, _ key: AccountKey, _ direction: UsageDirection) {
    log.debug(
      "credential used",
      [
        "agent": agent, "channel": key.channel, "fp": Fingerprint.of(key.label), "direction": direction.rawValue,
      ])
  }

  // MARK: Secrets for plugins

  /// Whether a plugin may have the secret behind a reference `KIND:LABEL`; counts and says it when not.
  ///
  /// - Parameter owner: the plugin that serves the kind; its own secrets are its own. Nil: nobody serves it.
  package func maySee(plugin: String, reference: String, kind: String, owner: String?) -> Bool {
    guard owner != plugin else { return true }
    guard book.sources.grants.allows(plugin, reference) else {
      // A kind that nobody serves is a word of the plugin's: it must not become a label.
      metrics.failed(owner == nil ? "other" : kind, .notPermitted)
      let label = String(reference.drop { $0 != ":" }.dropFirst())
      log.warning(
        "secret refused",
        ["plugin.id": plugin, "fp": Fingerprint.of(label), "reason": Reason.credentialsNotGranted.code])
      return false
    }
    return true
  }

  /// A secret that was allowed is not there.
  package func missing(kind: String, isServed: Bool) { metrics.failed(isServed ? kind : "other", .notFound) }
}

extension CredentialBook {
  /// The plugin's own declaration of an account.
  func plugin(_ key: AccountKey) -> CredentialAccount? {
    liveChannels.first { $0.name == key.channel }?.accounts.first { $0.key == key }
  }

  /// Whether the plugin that serves the channel has the account now.
  func isServed(_ key: AccountKey) -> Bool { plugin(key) != nil }
}
