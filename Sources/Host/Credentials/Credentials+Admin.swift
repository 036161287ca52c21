// What the admin console and the commands show of credentials: accounts by label or fingerprint, never by address.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
package import HostJSON
internal import HostMetrics
internal import HostReasons
internal import HostResilience

extension Credentials {
  /// `GET /admin/credentials`: version, accounts, bindings, findings.
  ///
  /// - Parameter state: an account's state and reason in its plugin's words.
  package func json(state: (AccountKey) -> (word: String, reason: String?)?) -> JSON {
    let (book, version) = (self.book, self.version)
    let accounts = book.accounts.values.sorted { $0.key < $1.key }.map { account -> JSON in
      let (key, seen) = (account.key, state(account.key))
      return [
        "channel": .string(key.channel), "account": .string(key.instance),
        "fingerprint": .string(Fingerprint.of(key.label)),
        "state": JSON(seen?.word), "reason": JSON(book.faultyAccounts[key]?.code ?? seen?.reason),
        "breaker": .string("\(breakers.state(of: key))"),
        "allow_agents": JSON(account.allowAgents.map(\.name)), "agents": JSON(book.agents(bound: key)),
      ]
    }
    let bindings = book.bindings.sorted { $0.key < $1.key }.flatMap { agent, channels in
      channels.sorted { $0.key < $1.key }.map { channel, binding -> JSON in
        [
          "agent": .string(agent), "channel": .string(channel), "binding": .string(binding.word),
          "account": JSON(binding.label.map { AccountLabel.shown($0) }), "reason": JSON(book.failedAgents[agent]?.code),
        ]
      }
    }
    return [
      "version": JSON(version), "strict": .bool(book.sources.strictness == .strict), "accounts": .array(accounts),
      "bindings": .array(bindings), "findings": .array(book.findings.map(\.json)),
    ]
  }
}

extension CredentialBook {
  /// The agents that send with an account by name.
  package func agents(bound key: AccountKey) -> [String] {
    bindings.filter { $0.value[key.channel] == .account(key.label) }.keys.sorted()
  }
}

extension Binding {
  var word: String {
    switch self {
    case .account: "account"
    case .conversation: "conversation"
    case .unbound: "unbound"
    }
  }
  var label: String? { if case .account(let label) = self { label } else { nil } }
}

extension CredentialFinding {
  /// Kind, code, place, words.
  package var json: JSON { finding.json.with("kind", .string(kind.rawValue)) }
}

extension ConfigFinding {
  /// Severity, code, place, words.
  package var json: JSON {
    let place = mark.flatMap { $0.line == 0 ? nil : $0 }
    return [
      "severity": .string(severity.rawValue), "code": .string(reason.code), "file": JSON(mark?.file),
      "line": place.map { .integer(Int64($0.line)) } ?? .null,
      "column": place.map { .integer(Int64($0.column)) } ?? .null, "message": .string(message),
      "remedy": .string(remedy),
    ]
  }
}

extension JSON {
  /// The same object with one member more.
  fileprivate func with(_ key: String, _ value: JSON) -> JSON {
    guard var object = self.object else { return self }
    object[key] = value
    return .object(object)
  }
}
