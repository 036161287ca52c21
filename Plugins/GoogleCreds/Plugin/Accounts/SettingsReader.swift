// Reads the plugin's configuration: every finding is collected, a bad entry costs only itself.
// Called by GoogleCredsPlugin at start and at each reload. Opens no file.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// `google_auth`, read once.
struct SettingsReader {
  private static let keys: Set = ["accounts", "endpoints", "public_url", "ca_file"]
  private static let accountKeys: Set = [
    "id", "agent_id", "client_id", "client_id_path", "client_secret", "client_secret_path", "token_path", "scopes",
  ]
  /// Scopes of OpenID Connect, which take no prefix.
  private static let plainScopes: Set = ["openid", "email", "profile"]
  private static let scopePrefix = "https://www.googleapis.com/auth/"

  private let folder: String
  private let state: String?
  private var settings = PluginSettings()

  /// - Parameters:
  ///   - folder: the configuration folder; relative paths are taken from there.
  ///   - state: the plugin's own folder, for the tokens of accounts that say no `token_path`; nil: they must say one.
  static func read(_ config: JSON, folder: String, state: String? = nil) -> PluginSettings {
    var reader = SettingsReader(folder: folder, state: state)
    reader.read(config)
    return reader.settings
  }

  private init(folder: String, state: String?) {
    self.folder = folder
    self.state = state
  }

  private mutating func read(_ config: JSON) {
    for key in (config.object ?? [:]).keys.sorted() where key != "google_auth" {
      note(.configUnknownKey, key, "known here: google_auth")
    }
    guard let root = config["google_auth"], root != .null else { return }
    guard let map = root.object else { return note(.configWrongType, "google_auth", "expected a mapping") }
    for key in map.keys.sorted() where !Self.keys.contains(key) {
      note(.configUnknownKey, "google_auth.\(key)", "known here: \(Self.keys.sorted().joined(separator: ", "))")
    }
    readEndpoints(root)
    readPublicURL(root["public_url"])
    guard let list = root["accounts"], list != .null else { return }
    guard let entries = list.array else { return note(.configWrongType, "google_auth.accounts", "expected a list") }
    for (index, entry) in entries.enumerated() { readAccount(entry, "google_auth.accounts[\(index)]") }
  }

  private mutating func note(_ reason: GoogleReason, _ path: String, _ detail: String, account: String? = nil) {
    settings.findings.append(
      ConfigFinding(fault: GoogleFault(reason, "\(path): \(detail)"), path: path, account: account))
  }

  // MARK: Accounts

  private mutating func readAccount(_ entry: JSON, _ path: String) {
    guard let map = entry.object else { return note(.configWrongType, path, "expected a mapping") }
    let id = entry["id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    let before = settings.findings.count
    for key in map.keys.sorted() where !Self.accountKeys.contains(key) {
      note(
        .configUnknownKey, "\(path).\(key)", "known here: \(Self.accountKeys.sorted().joined(separator: ", "))",
        account: id)
    }
    let label = text("id", entry, path, id)
    let agent = text("agent_id", entry, path, id)
    let clientID = client("client_id", isRequired: true, entry, path, id)
    let clientSecret = client("client_secret", isRequired: false, entry, path, id)
    let token = tokenPath(entry, path, id)
    let scopes = readScopes(entry, path, id)
    guard settings.findings.count == before, let label, let agent, let clientID, let token, let scopes else { return }
    guard !settings.accounts.contains(where: { $0.id == label }) else {
      return note(.configDuplicateID, "\(path).id", "an earlier account has it")
    }
    guard !settings.accounts.contains(where: { $0.agent == agent }) else {
      return note(.configDuplicateAgent, "\(path).agent_id", "'\(agent)' has an earlier account", account: id)
    }
    guard !settings.accounts.contains(where: { $0.tokenPath == token }) else {
      return note(.configSharedTokenFile, "\(path).token_path", "an earlier account writes it", account: id)
    }
    settings.accounts.append(
      AccountSettings(
        id: label, agent: agent, clientID: clientID, clientSecret: clientSecret, tokenPath: token, scopes: scopes))
    if scopes.isEmpty { note(.configNoScopes, "\(path).scopes", "nothing can be consented to") }
  }

  private mutating func text(_ key: String, _ entry: JSON, _ path: String, _ account: String?) -> String? {
    guard let value = entry[key], value != .null else {
      note(.configMissingKey, "\(path).\(key)", "it is missing", account: account)
      return nil
    }
    // A label crosses the boundary and ends a reference: one line, of bounded length.
    guard let text = value.string, !text.isEmpty, text.utf8.count <= 1_024, !text.utf8.contains(where: { $0 < 0x20 })
    else {
      note(.configWrongType, "\(path).\(key)", "expected a text of one line", account: account)
      return nil
    }
    return text
  }

  private mutating func file(_ key: String, _ entry: JSON, _ path: String, _ account: String?) -> String? {
    text(key, entry, path, account).map { PrivateFile.normalised($0.hasPrefix("/") ? $0 : "\(folder)/\($0)") }
  }

  /// `KEY_path`, or the text itself below `KEY`. Nil with a finding when both are there, or neither and it is required.
  private mutating func client(
    _ key: String, isRequired: Bool, _ entry: JSON, _ path: String, _ account: String?
  ) -> ClientText? {
    let isPresent: (String) -> Bool = { entry[$0].map { $0 != .null } ?? false }
    switch (isPresent(key), isPresent("\(key)_path")) {
    case (true, true):
      note(.configTwoSources, "\(path).\(key)", "\(key)_path is there too", account: account)
      return nil
    case (true, false): return text(key, entry, path, account).map { .inline(Secret($0)) }
    case (false, true): return file("\(key)_path", entry, path, account).map { .file($0) }
    case (false, false): return isRequired ? file("\(key)_path", entry, path, account).map { .file($0) } : nil
    }
  }

  /// Where the tokens go: what the entry says, or a file of the plugin's own, named by fingerprint.
  private mutating func tokenPath(_ entry: JSON, _ path: String, _ account: String?) -> String? {
    if let state, let account, entry["token_path"].map({ $0 == .null }) ?? true {
      return "\(state)/tokens/\(AccountSettings.fingerprint(of: account)).json"
    }
    return file("token_path", entry, path, account)
  }

  private mutating func readScopes(_ entry: JSON, _ path: String, _ account: String?) -> [String]? {
    guard let value = entry["scopes"], value != .null else { return [] }
    guard let list = value.array else {
      note(.configWrongType, "\(path).scopes", "expected a list", account: account)
      return nil
    }
    var scopes: [String] = []
    for (index, scope) in list.enumerated() {
      guard let text = scope.string, let long = Self.scope(text) else {
        note(.configBadScope, "\(path).scopes[\(index)]", "write gmail.readonly or https://...", account: account)
        return nil
      }
      if !scopes.contains(long) { scopes.append(long) }
    }
    return scopes
  }

  /// A scope in its long form; nil when it cannot be one (RFC 6749, section 3.3).
  static func scope(_ text: String) -> String? {
    let isToken = text.utf8.allSatisfy { $0 == 0x21 || (0x23...0x5B).contains($0) || (0x5D...0x7E).contains($0) }
    guard !text.isEmpty, text.utf8.count <= 512, isToken else { return nil }
    return text.hasPrefix("https://") || plainScopes.contains(text) ? text : scopePrefix + text
  }

  // MARK: End points

  private mutating func readEndpoints(_ root: JSON) {
    var endpoints = Endpoints()
    var isTest = false
    if let given = root["endpoints"], given != .null {
      guard let map = given.object else {
        return note(.configWrongType, "google_auth.endpoints", "expected a mapping")
      }
      for key in map.keys.sorted() {
        let path = "google_auth.endpoints.\(key)"
        guard let name = Endpoints.Name(rawValue: key) else {
          note(
            .configUnknownKey, path, "known here: \(Endpoints.Name.allCases.map(\.rawValue).joined(separator: ", "))")
          continue
        }
        guard let url = map[key]?.string.flatMap(EndpointURL.init) else {
          note(.configBadEndpoint, path, "cannot be used")
          continue
        }
        guard name != .api || url.isLoopback else {
          note(.configTestOnly, path, "it is for tests, and must be on loopback")
          continue
        }
        endpoints[name] = url
      }
      isTest = !map.isEmpty && endpoints.given.allSatisfy(\.isLoopback)
    }
    if let value = root["ca_file"], value != .null {
      if !isTest {
        note(.configTestOnly, "google_auth.ca_file", "it needs end points on loopback")
      } else if let path = value.string, !path.isEmpty {
        endpoints.caFile = path.hasPrefix("/") ? path : "\(folder)/\(path)"
      } else {
        note(.configWrongType, "google_auth.ca_file", "expected a path")
      }
    }
    settings.endpoints = endpoints
  }

  private mutating func readPublicURL(_ value: JSON?) {
    guard let value, value != .null else { return }
    guard let url = value.string.flatMap(EndpointURL.init), url.path == "/" else {
      return note(.configBadEndpoint, "google_auth.public_url", "write https://HOST without a path")
    }
    settings.publicURL = url.origin
  }
}
