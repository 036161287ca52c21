// Reads config/agents.yaml and config/agents.d/*.yaml. Every fault is a finding with file and line; what can be read is read.
// Called by AgentConfiguration.load.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import HostResilience

/// The reader of the files that define agents.
enum AgentsFile {
  /// Keys of the reference system without effect here.
  private static let unused: Set<String> = [
    "plugins", "skills", "skills_dir", "workspace", "transcripts_dir", "extra_docs", "heartbeat", "language",
    "accept_delegates_from", "tool_args_validation", "pairing_policy", "locale", "remote_triggers", "dreaming",
    "context_optimization", "web_search", "link_understanding", "proactive", "auto_approve", "plan_mode",
  ]
  /// The same inside a binding, where the reference system overrides an agent's settings.
  private static let unusedInBinding: Set<String> = [
    "allowed_tools", "outbound_allowlist", "skills", "model", "system_prompt_extra", "sender_rate_limit",
    "allowed_delegates", "language", "tool_rate_limits",
  ]

  /// The agents in file order; nil when no file defines any, so that the built-in one applies.
  static func read(_ reader: ConfigReader) -> [AgentDefinition]? {
    var agents: [AgentDefinition] = []
    var isConfigured = false
    for name in ["agents.yaml"] + reader.dropIns("agents.d") {
      guard let file = reader.load(name) else { continue }
      isConfigured = true
      for agent in read(file) {
        if let index = agents.firstIndex(where: { $0.id == agent.id }) {
          agents[index] = agent
        } else {
          agents.append(agent)
        }
      }
    }
    return isConfigured ? agents : nil
  }

  private static func read(_ file: ConfigValue) -> [AgentDefinition] {
    let agents = file.mapping { map -> [AgentDefinition] in
      map.know("schema_version")
      return map.list("agents").compactMap { item in item.mapping(unused: unused) { agent($0, item) } ?? nil }
    }
    var seen: [AgentDefinition] = []
    for agent in agents ?? [] {
      if seen.contains(where: { $0.id == agent.id }) {
        file.report.error(
          .agentsDuplicateID, at: agent.mark, "agent \(agent.id): stands twice in this file",
          remedy: "Rename or remove one of the two.")
      } else {
        seen.append(agent)
      }
    }
    return seen
  }

  private static func agent(_ map: ConfigMap, _ item: ConfigValue) -> AgentDefinition? {
    let id = map.text("id", required: true, length: 1...64)
    let model = map.mapping("model", required: true) { model -> ModelChoice? in
      let provider = model.text("provider", required: true, length: 1...64)
      let name = model.text("model", required: provider != "echo", length: 1...256)
      return provider.map { ModelChoice(provider: $0, model: name ?? "echo") }
    }
    // Everything is read, so that one pass shows all faults, even those of an agent that cannot be used.
    var agent = AgentDefinition(id: id ?? "", model: (model ?? nil) ?? ModelChoice(provider: "echo", model: "echo"))
    agent.mark = item.mark
    agent.description = map.text("description") ?? ""
    agent.systemPrompt = map.text("system_prompt", length: 0...262_144) ?? ""
    agent.bindings = map.list("inbound_bindings").compactMap(binding)
    readCredentials(map, &agent)
    agent.allowedTools = map.texts("allowed_tools")
    agent.allowedDelegates = map.texts("allowed_delegates")
    agent.outboundAllowlist = recipients(map)
    agent.senderRateLimit = map.value("sender_rate_limit").flatMap { RateLimitReader.read($0, defaultBurst: 5) }
    agent.toolRateLimits = map.value("tool_rate_limits").map(RateLimitReader.readTable) ?? [:]
    map.mapping("config") { config in
      agent.debounce = .milliseconds(config.integer("debounce_ms", in: 0...60_000) ?? 0)
      agent.queueCap = config.integer("queue_cap", in: 1...10_000) ?? AgentDefinition.defaultQueueCap
    }
    readInline(map, &agent)
    guard let id, model != nil else { return nil }
    guard isWord(id) else {
      map.value("id")?.error(
        .configOutOfRange, "\"\(id)\" is not a word",
        remedy: "Use letters, digits, '-' and '_': it is part of a topic and of metrics.")
      return nil
    }
    return agent
  }

  /// Whether a text can be one segment of a topic and a path.
  private static func isWord(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  private static func binding(_ item: ConfigValue) -> InboundBinding? {
    let binding = item.mapping(unused: unusedInBinding) { map -> InboundBinding? in
      let plugin = map.text("plugin", required: true, length: 1...64)
      let instance = map.text("instance", length: 1...256)
      let challenge = map.mapping("pairing_policy") { $0.bool("auto_challenge") } ?? nil
      return plugin.map { InboundBinding(plugin: $0, instance: instance, autoChallenge: challenge) }
    }
    return binding ?? nil
  }

  private static func readCredentials(_ map: ConfigMap, _ agent: inout AgentDefinition) {
    guard let credentials = map.value("credentials")?.openMapping() else { return }
    for (key, _, value) in credentials.all where !value.isNull {
      let suffix = "_asymmetric"
      if key.hasSuffix(suffix) {
        if value.bool() == true { agent.asymmetricChannels.insert(String(key.dropLast(suffix.count))) }
      } else if let account = value.text(length: 1...256) {
        agent.credentials[key] = account
        agent.credentialMarks[key] = value.mark
      }
    }
  }

  /// What is wrong inside the block is told by the plugin that gets it: it costs that account, not the start.
  private static func readInline(_ map: ConfigMap, _ agent: inout AgentDefinition) {
    guard map.contains("google_auth") else { return map.know("google_auth") }
    let block = map.value("google_auth")
    agent.credentialMarks["google_auth"] = block?.mark
    agent.inlineGoogleAuth = InlineCredential(
      block?.node.json ?? [:], workspace: map.text("workspace", length: 1...4_096))
  }

  private static func recipients(_ map: ConfigMap) -> [String: [String]] {
    guard let channels = map.value("outbound_allowlist")?.openMapping() else { return [:] }
    return Dictionary(channels.all.map { ($0.key, $0.value.texts()) }, uniquingKeysWith: { first, _ in first })
  }
}

/// Reads `{rps, burst}` and tables of them.
enum RateLimitReader {
  /// - Parameter defaultBurst: nil: a second's worth.
  static func read(_ value: ConfigValue, defaultBurst: Double? = nil) -> RateLimit? {
    let limit = value.mapping { map -> RateLimit? in
      let rps = map.number("rps", required: true, in: 0...1_000_000)
      let burst = map.number("burst", in: 0...1_000_000).flatMap { $0 > 0 ? $0 : nil }
      map.know("essential_deny_on_miss")
      return rps.map { RateLimit(perSecond: $0, burst: burst ?? defaultBurst ?? $0.rounded(.up)) }
    }
    return limit ?? nil
  }

  /// By glob; the globs stand directly in the mapping or, as in the reference system, below `patterns:`.
  static func readTable(_ value: ConfigValue) -> [String: RateLimit] {
    guard let map = value.openMapping() else { return [:] }
    let globs = map.contains("patterns") ? map.value("patterns")?.openMapping()?.all ?? [] : map.all
    defer { map.close() }
    return Dictionary(
      globs.compactMap { entry in read(entry.value).map { (entry.key, $0) } }, uniquingKeysWith: { first, _ in first })
  }
}
