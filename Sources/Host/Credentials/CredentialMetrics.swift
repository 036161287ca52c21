// The families of credentials as the host moves them: counters by handle, gauges sampled from the book in force, so that
// what a scrape shows is one state, whole.
// Made by Credentials. The counter of refreshes is a plugin's (`isJoinable`).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostMetrics
internal import HostResilience

/// Handles of the families.
final class CredentialMetrics: Sendable {
  private let registry: MetricsRegistry
  private let usage: CounterFamily<String, String, UsageDirection, String>
  private let denied: CounterFamily<String, String, String>
  private let failures: CounterFamily<String, ResolveFailure>
  private let validation: CounterFamily<ValidationKind>

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    usage = registry.counter(Families.channelAccountUsage)
    denied = registry.counter(Families.channelACLDenied)
    failures = registry.counter(Families.credentialsResolveErrors)
    validation = registry.counter(Families.credentialsBootValidationErrors)
  }

  func used(_ agent: String, _ key: AccountKey, _ direction: UsageDirection) {
    usage.with(agent, key.channel, direction, key.instance).inc()
  }
  func denied(_ agent: String, _ key: AccountKey) { denied.with(agent, key.channel, key.instance).inc() }
  func failed(_ channel: String, _ reason: ResolveFailure) { failures.with(channel, reason).inc() }
  func found(_ findings: [CredentialFinding]) { for found in findings { validation.with(found.kind).inc() } }

  /// Has each scrape show the book in force and the breakers. The three failures of a channel are there as soon as it is.
  func sample(book: @escaping @Sendable () -> CredentialBook, breakers: AccountBreakers) {
    registry.sample(Families.credentialsAccounts) { rows in
      let book = book()
      let counts = book.counts
      for channel in book.channels { rows.set(channel, to: Double(counts[channel] ?? 0)) }
    }
    registry.sample(Families.credentialsBindings) { rows in
      for (agent, channels) in book().bindings {
        for (channel, binding) in channels { rows.set(agent, channel, to: binding == .unbound ? 0 : 1) }
      }
    }
    registry.sample(Families.credentialsBreakerState) { rows in
      for key in book().accounts.keys {
        rows.set(key.channel, key.instance, to: Double(breakers.state(of: key).rawValue))
      }
    }
    registry.sample(Families.circuitBreakerState) { rows in
      for key in book().accounts.keys {
        rows.set("account.\(key.channel).\(key.instance)", to: breakers.state(of: key) == .closed ? 0 : 1)
      }
    }
    let insecure = registry.gauge(Families.credentialsInsecurePaths).with()
    registry.addSampler { [failures] in
      let book = book()
      insecure.set(book.insecurePaths)
      for channel in book.channels { for reason in ResolveFailure.allCases { _ = failures.with(channel, reason) } }
    }
  }
}

extension CredentialBook {
  /// Accounts by channel.
  package var counts: [String: Int] {
    Dictionary(accounts.keys.map { ($0.channel, 1) }, uniquingKeysWith: +)
  }
}
