// One agent as configured: who it is, what it may use, whom it answers.
// Read by AgentsFile; used by the runtime, the tools and the directory. Values only.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
package import HostJSON
package import HostResilience

/// The model of an agent: `{provider: openai, model: gpt-4o-mini}`.
package struct ModelChoice: Sendable, Equatable {
  /// A provider's name in llm.yaml.
  package var provider: String
  /// The provider's name of the model.
  package var model: String

  package init(provider: String, model: String) {
    self.provider = provider
    self.model = model
  }
}

/// A channel account whose messages an agent gets.
package struct InboundBinding: Sendable, Equatable {
  /// The channel; `*` is every channel.
  package var plugin: String
  /// The account's label; nil is every account of the channel that no other binding names.
  package var instance: String?
  /// Whether an unknown sender is sent a pairing code. Nil: the channel's default.
  package var autoChallenge: Bool?

  package init(plugin: String, instance: String? = nil, autoChallenge: Bool? = nil) {
    self.plugin = plugin
    self.instance = instance
    self.autoChallenge = autoChallenge
  }

  /// How well the binding fits an account: nil not at all; an instance before a channel before `*`.
  func fit(channel: String, instance: String) -> Int? {
    if let wanted = self.instance { return plugin == channel && wanted == instance ? 2 : nil }
    if plugin == channel { return 1 }
    return plugin == "*" ? 0 : nil
  }
}

/// A credential block that stands in an agent's entry, placeholders resolved. Shows nothing of itself: it holds secrets.
package struct InlineCredential: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  private let block: JSON
  /// The agent's `workspace`, which relative token files are below in the reference system.
  package let workspace: String?

  package init(_ block: JSON, workspace: String? = nil) {
    self.block = block
    self.workspace = workspace
  }

  /// The block itself: for the plugin that serves its kind, and nobody else.
  package func reveal() -> JSON { block }
  package var description: String { "<redacted>" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// One agent.
package struct AgentDefinition: Sendable, Equatable {
  package var id: String
  package var description = ""
  package var model: ModelChoice
  package var systemPrompt = ""
  package var bindings: [InboundBinding] = []
  /// Account by channel.
  package var credentials: [String: String] = [:]
  /// Channels whose outbound account may differ from the inbound one.
  package var asymmetricChannels: Set<String> = []
  /// Globs; nil is every tool, an empty list none.
  package var allowedTools: [String]?
  /// Globs of agent ids; nil is every agent.
  package var allowedDelegates: [String]?
  /// Recipients by channel; a channel that is absent, or empty, is unrestricted.
  package var outboundAllowlist: [String: [String]] = [:]
  /// Nil: no limit.
  package var senderRateLimit: RateLimit?
  /// By glob; `_default` for what no other glob matches.
  package var toolRateLimits: [String: RateLimit] = [:]
  /// How long the runtime waits for more messages of a conversation before it begins a turn with all of them.
  package var debounce: Duration = .zero
  /// Messages of one conversation that may wait.
  package var queueCap = AgentDefinition.defaultQueueCap
  /// The inline `google_auth:` block of the reference system; credentials.md says what becomes of it.
  package var inlineGoogleAuth: InlineCredential?
  /// Where each entry of `credentials` is written, and where the inline block is, under the key `google_auth`.
  package var credentialMarks: [String: SourceMark] = [:]
  /// Where it is written; nil for the built-in agent.
  package var mark: SourceMark?

  /// The reference system's default.
  package static let defaultQueueCap = 32

  package init(id: String, model: ModelChoice) {
    self.id = id
    self.model = model
  }

  /// The agent of a host without configuration. It uses no tool but the clock: whoever can write to it over any
  /// channel can make it call each tool that it may use.
  package static var builtIn: AgentDefinition {
    var agent = AgentDefinition(id: "echo", model: ModelChoice(provider: "echo", model: "echo"))
    agent.description = "Answers with what it is told. Built in; add config/agents.yaml to replace it."
    agent.bindings = [InboundBinding(plugin: "*")]
    agent.allowedTools = [TimeTool.name]
    return agent
  }

  /// Whether a tool is allowed, and the glob that says so.
  func allows(tool: String) -> (allowed: Bool, rule: String) {
    guard let allowedTools else { return (true, "allowed_tools is absent: every tool") }
    if let glob = allowedTools.first(where: { Glob.matches($0, tool) }) { return (true, "allowed_tools: \(glob)") }
    return (false, allowedTools.isEmpty ? "allowed_tools is empty: no tool" : "allowed_tools does not list it")
  }

  func allows(delegate: String) -> Bool {
    guard delegate != id else { return false }
    return allowedDelegates?.contains { Glob.matches($0, delegate) } ?? true
  }

  /// The rate limit of a tool and the glob that gives it: the most specific one, `_default` last.
  func rateLimit(tool: String) -> (glob: String, limit: RateLimit)? {
    let matching = toolRateLimits.keys.filter { $0 != "_default" && Glob.matches($0, tool) }
    let best = matching.max { (Glob.weight($0), $1) < (Glob.weight($1), $0) } ?? "_default"
    return toolRateLimits[best].map { (best, $0) }
  }

  /// Whether the agent may write to a recipient. Addresses of people are compared as digits too, so that
  /// `+57 300 1234567` allows `573001234567@example.net`.
  func allows(recipient: String, channel: String) -> Bool {
    guard let list = outboundAllowlist[channel], !list.isEmpty else { return true }
    let digits = AgentDefinition.digits(recipient)
    return list.contains { $0 == recipient || (digits != nil && AgentDefinition.digits($0) == digits) }
  }

  /// The digits of a telephone number, nil for what is none.
  private static func digits(_ address: String) -> String? {
    let name = address.prefix { $0 != "@" && $0 != ":" }
    let digits = name.filter { $0.isASCII && $0.isNumber }
    let others = name.filter { !"+-(). ".contains($0) && !($0.isASCII && $0.isNumber) }
    return others.isEmpty && digits.count >= 5 ? digits : nil
  }
}
