// config/llm.yaml: the model providers, where they are and with which key.
// Read by AgentConfiguration.load; used by ProviderTable to make the clients. Keys stay in `Secret`.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
internal import HostReasons
package import HostResilience

/// What a provider speaks.
package enum ProviderKind: String, Sendable, CaseIterable {
  /// Built in, no network.
  case echo
  /// Chat completions, of OpenAI or of any server with the same interface.
  case openai
  /// The messages API of Anthropic.
  case anthropic

  /// The vendor's own server.
  var vendorURL: String {
    switch self {
    case .echo: ""
    case .openai: "https://api.openai.com/v1"
    case .anthropic: "https://api.anthropic.com"
    }
  }
  /// The environment variables that give key and server when llm.yaml does not.
  var variables: (key: String, url: String) {
    switch self {
    case .echo: ("", "")
    case .openai: ("OPENAI_API_KEY", "OPENAI_BASE_URL")
    case .anthropic: ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
    }
  }
}

/// One provider.
package struct ProviderSettings: Sendable, Equatable {
  package var name: String
  package var kind: ProviderKind
  /// Without a slash at its end.
  package var baseURL: String
  package var key: Secret?
  /// Tokens of one answer.
  package var maxTokens: Int?
  /// To the end of one answer. Long: a model that thinks for minutes is not broken.
  package var timeout: Duration = .seconds(300)
  /// Nothing received for this long ends a request; also the longest wait for the first byte.
  package var stallTimeout: Duration = .seconds(120)
  /// Between attempts; a `Retry-After` may ask for more.
  package var backoff = Backoff(first: .seconds(1), longest: .seconds(60))

  package init(name: String, kind: ProviderKind, baseURL: String, key: Secret? = nil) {
    self.name = name
    self.kind = kind
    self.baseURL = baseURL
    self.key = key
  }

  /// Whether it is a vendor's server, which always wants a key.
  var needsKey: Bool { kind != .echo && baseURL == kind.vendorURL }
}

/// The reader of llm.yaml.
enum ModelsFile {
  private static let unusedInProvider: Set<String> = [
    "group_id", "rate_limit", "auth", "api_flavor", "embedding_model", "safety_settings",
  ]

  /// Providers by name: those of the file, and `echo`, `openai`, `anthropic` where it does not name them.
  static func read(_ reader: ConfigReader, environment: [String: String]) -> [String: ProviderSettings] {
    var providers: [String: ProviderSettings] = [:]
    for kind in ProviderKind.allCases { providers[kind.rawValue] = builtIn(kind, environment) }
    reader.load("llm.yaml")?.mapping(unused: ["context_optimization", "tenants"]) { map in
      let backoff = map.mapping("retry", unused: ["max_attempts", "backoff_multiplier"], retry)
      for (name, _, value) in map.value("providers")?.openMapping()?.all ?? [] {
        let read = value.mapping(unused: unusedInProvider) { provider(name, $0, environment) } ?? nil
        guard var settings = read else { continue }
        if let backoff { settings.backoff = backoff }
        providers[name] = settings
      }
    }
    return providers
  }

  private static func builtIn(_ kind: ProviderKind, _ environment: [String: String]) -> ProviderSettings {
    let (key, url) = kind.variables
    let base = environment[url].flatMap { $0.isEmpty ? nil : trimmed($0) } ?? kind.vendorURL
    let secret = environment[key].flatMap { $0.isEmpty ? nil : Secret($0) }
    return ProviderSettings(name: kind.rawValue, kind: kind, baseURL: base, key: secret)
  }

  private static func provider(
    _ name: String, _ map: ConfigMap, _ environment: [String: String]
  ) -> ProviderSettings? {
    let kind = map.choice("kind", of: ProviderKind.self) ?? ProviderKind(rawValue: name) ?? .openai
    var settings = builtIn(kind, environment)
    settings.name = name
    if let url = map.text("base_url"), !url.isEmpty {
      guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
        map.value("base_url")?.error(
          .configOutOfRange, "is not an address", remedy: "Write one that begins with http:// or https://.")
        return nil
      }
      settings.baseURL = trimmed(url)
      // The key of a vendor is not sent to somebody else's server unless the file says so.
      if !settings.needsKey { settings.key = nil }
    }
    // `api_key: ""` is how the reference system writes "none".
    if let key = map.value("api_key"), key.node.scalar?.text != "" { settings.key = key.secret() ?? settings.key }
    settings.maxTokens = map.integer("max_tokens", in: 1...1_000_000)
    if let seconds = map.integer("timeout_secs", in: 1...3_600) { settings.timeout = .seconds(seconds) }
    if let seconds = map.integer("stall_timeout_secs", in: 1...3_600) { settings.stallTimeout = .seconds(seconds) }
    return settings
  }

  private static func retry(_ map: ConfigMap) -> Backoff {
    let first = map.integer("initial_backoff_ms", in: 1...600_000) ?? 1_000
    let longest = map.integer("max_backoff_ms", in: 1...600_000) ?? 60_000
    return Backoff(first: .milliseconds(first), longest: .milliseconds(max(first, longest)))
  }

  private static func trimmed(_ url: String) -> String {
    var url = url
    while url.hasSuffix("/") { url.removeLast() }
    return url
  }
}
