// Console section: accounts by label or fingerprint with state, breaker and who sends with them; agents' bindings; findings.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostReasons

/// Credentials as they are in force.
struct CredentialsSection: ConsoleSection {
  let wiring: CredentialWiring
  let reloads: ConfigurationReloads

  let id = "credentials"
  let title = "Accounts and credentials"

  func body() async -> HTML {
    let book = wiring.json
    let accounts = HTML.table(
      ["Account", "Fingerprint", "State", "Breaker", "Agents"],
      (book["accounts"]?.array ?? []).map(CredentialsSection.account),
      empty: "No account is known: no plugin has declared one, and no file describes one.")
    let bindings = HTML.table(
      ["Agent", "Channel", "Sends from", "Reason"],
      (book["bindings"]?.array ?? []).map { binding in
        [
          "\(binding["agent"]?.string ?? "")", "\(binding["channel"]?.string ?? "")",
          CredentialsSection.sender(binding), HTML.reason(binding["reason"]?.string),
        ]
      }, empty: "No agent is bound to any channel.")
    let findings = book["findings"]?.array ?? []
    let found: HTML =
      findings.isEmpty
      ? ""
      : "<h3>Findings</h3><ul>\(HTML(findings.map { "<li>\(CredentialsSection.words($0)) \(HTML.reason($0["code"]?.string))</li>" }))</ul>"
    return """
      \(accounts)<h3>Bindings</h3>\(bindings)\(found)
      <div class="foot">Version \(book["version"]?.integer ?? 0) is in force. \(HTML.button(id, "reload", "Reload the configuration"))</div>
      """
  }

  var actions: [String: ConsoleAction] {
    [
      "reload": { [reloads] _ in
        let outcome = await withCheckedContinuation { done in
          reloads.request(.credentials) { done.resume(returning: $0) }
        }
        guard let outcome else {
          return .refused(status: 503, .credentialsReloadBusy, "Too many reloads wait.")
        }
        guard outcome.isAccepted else {
          let first = outcome.errors.first.map { "\($0)" } ?? ""
          return .refused(
            status: 400, .credentialsReloadRefused,
            "Nothing was changed. \(outcome.errors.count) errors, the first: \(first)")
        }
        return .done
      }
    ]
  }

  private static func account(_ account: JSON) -> [HTML] {
    let breaker = account["breaker"]?.string ?? ""
    let tone: ConsoleTone = breaker == "closed" ? .good : breaker == "open" ? .bad : .warning
    let state = account["state"]?.string
    let agents = (account["agents"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
    return [
      "\(account["channel"]?.string ?? "") \(account["account"]?.string ?? "")",
      "<code>\(account["fingerprint"]?.string ?? "")</code>",
      "\(state ?? "no plugin has it") \(HTML.reason(account["reason"]?.string))", HTML.badge(breaker, tone),
      agents.isEmpty ? "<span class=\"quiet\">whoever is written to there</span>" : "\(agents)",
    ]
  }

  private static func sender(_ binding: JSON) -> HTML {
    switch binding["binding"]?.string {
    case "account": "\(binding["account"]?.string ?? "")"
    case "conversation": "the account that was written to"
    default: "<span class=\"quiet\">nothing</span>"
    }
  }

  private static func words(_ finding: JSON) -> HTML {
    let place = finding["file"]?.string.map { "\($0):\(finding["line"]?.integer ?? 0): " } ?? ""
    return "\(place)\(finding["message"]?.string ?? ""). \(finding["remedy"]?.string ?? "")"
  }
}
