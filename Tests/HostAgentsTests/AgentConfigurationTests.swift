// agents.yaml, agents.d, llm.yaml and tool_policy.yaml: what is read, and every finding with its place.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostReasons
import HostResilience
import TestSupport
import Testing

@testable import HostAgents

@Suite("Agent configuration")
struct AgentConfigurationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("config") }

  func load(
    _ files: [String: String], environment: [String: String] = [:]
  ) throws -> (AgentConfiguration, ConfigReport) {
    for (name, text) in files { try folder.write("config/\(name)", text) }
    let reader = ConfigReader(folder: folder.file("config"), environment: environment)
    return (AgentConfiguration.load(reader, environment: environment), reader.report)
  }

  @Test func `without files there is the built-in agent, bound to every channel, with the clock as its only tool`()
    throws
  {
    let (configuration, report) = try load([:])
    #expect(report.findings == [])
    #expect(configuration.agents == [.builtIn])
    #expect(configuration.agent(channel: "anything", instance: "at all")?.agent.id == "echo")
    #expect(configuration.agents[0].allows(tool: "time_now").allowed)
    #expect(!configuration.agents[0].allows(tool: "google_call").allowed)
  }

  @Test func `every key of an agent is read`() throws {
    let (configuration, report) = try load(
      [
        "agents.yaml": """
        agents:
          - id: kate
            description: Sales
            model: {provider: local, model: tiny}
            system_prompt: Be ${TONE}.
            inbound_bindings:
              - {plugin: whatsapp, instance: work, pairing_policy: {auto_challenge: true}}
              - plugin: webchat
            credentials: {whatsapp: work, google: kate@gmail.com, whatsapp_asymmetric: true}
            allowed_tools: [time_*, delegate]
            outbound_allowlist: {whatsapp: ["+573001234567"]}
            allowed_delegates: []
            sender_rate_limit: {rps: 1}
            tool_rate_limits: {"get_*": {rps: 2, burst: 4}, _default: {rps: 3.5}}
            config: {debounce_ms: 200, queue_cap: 5}
        """,
        "llm.yaml": """
        providers:
          local: {base_url: "http://127.0.0.1:8080/v1/", timeout_secs: 90}
        """,
      ], environment: ["TONE": "brief"])
    #expect(report.findings == [])
    let agent = try #require(configuration.agents.first)
    #expect(agent.systemPrompt == "Be brief.")
    #expect(
      agent.bindings == [
        InboundBinding(plugin: "whatsapp", instance: "work", autoChallenge: true), InboundBinding(plugin: "webchat"),
      ])
    #expect(agent.credentials == ["whatsapp": "work", "google": "kate@gmail.com"])
    #expect(agent.asymmetricChannels == ["whatsapp"])
    #expect(agent.allowedTools == ["time_*", "delegate"])
    #expect(agent.allowedDelegates == [])
    #expect(agent.senderRateLimit == RateLimit(perSecond: 1, burst: 5))
    #expect(agent.rateLimit(tool: "get_x")?.limit == RateLimit(perSecond: 2, burst: 4))
    #expect(agent.rateLimit(tool: "other")?.limit == RateLimit(perSecond: 3.5, burst: 4))
    #expect(agent.debounce == .milliseconds(200))
    #expect(agent.queueCap == 5)
    let provider = try #require(configuration.providers["local"])
    #expect(provider.kind == .openai && provider.baseURL == "http://127.0.0.1:8080/v1" && provider.key == nil)
    #expect(provider.timeout == .seconds(90))
  }

  @Test func `a drop-in replaces the agent of the same id in its place and adds others at the end`() throws {
    let (configuration, report) = try load([
      "agents.yaml": "agents: [{id: a, model: {provider: echo}}, {id: b, model: {provider: echo}}]",
      "agents.d/1.yaml": "agents: [{id: a, description: new, model: {provider: echo}}]",
      "agents.d/2.yaml": "agents: [{id: c, model: {provider: echo}}]",
      "agents.d/3.example.yaml": "agents: [{id: d, model: {provider: echo}}]",
    ])
    #expect(report.findings == [])
    #expect(configuration.agents.map(\.id) == ["a", "b", "c"])
    #expect(configuration.agents.first?.description == "new")
  }

  @Test(arguments: [
    ("agents: [{id: a, modle: {provider: echo}}]", Reason.configUnknownKey, "Did you mean \"model\"?"),
    ("agents: [{model: {provider: echo}}]", .configMissing, "agents[0].id"),
    ("agents: [{id: a b, model: {provider: echo}}]", .configOutOfRange, "is not a word"),
    ("agents: [{id: a, model: {provider: opnai, model: x}}]", .agentsUnknownProvider, "Did you mean \"openai\"?"),
    ("agents: [{id: a, model: {provider: openai, model: x}}]", .llmKeyMissing, "OPENAI_API_KEY"),
    ("agents: [{id: a, model: {provider: openai}}]", .configMissing, "model"),
    ("agents: [{id: a, model: {provider: echo}, heartbeat: {}}]", .configUnusedKey, "not used yet"),
    ("agents: [{id: a, model: {provider: echo}}, {id: a, model: {provider: echo}}]", .agentsDuplicateID, "twice"),
    ("agents: [{id: a, model: {provider: echo}, config: {queue_cap: 0}}]", .configOutOfRange, "queue_cap"),
    ("agents: [{id: a, model: {provider: echo}, allowed_delegates: [z]}]", .agentsUnknownDelegate, "delegate to z"),
    (
      """
      agents:
        - {id: a, model: {provider: echo}, inbound_bindings: [{plugin: w}]}
        - {id: b, model: {provider: echo}, inbound_bindings: [{plugin: w}]}
      """, .agentsShadowedBinding, "stays with it"
    ),
  ])
  func `a fault is found with its place and its remedy`(text: String, reason: Reason, words: String) throws {
    let (_, report) = try load(["agents.yaml": text])
    let finding = try #require(report.findings.first { $0.reason == reason })
    #expect("\(finding)".contains(words))
    #expect(finding.mark?.line ?? 0 > 0)
  }

  @Test func `all faults of all files show in one pass`() throws {
    let (_, report) = try load([
      "agents.yaml": "agents: [{id: a, model: {provider: nowhere, model: m}, allowed_tols: []}]",
      "llm.yaml": "providers: {x: {base_url: ftp://h}}", "tool_policy.yaml": "cache: {ttl: 5}",
    ])
    #expect(
      Set(report.errors.map(\.reason)) == [.agentsUnknownProvider, .configUnknownKey, .configOutOfRange])
    #expect(Set(report.errors.compactMap { $0.mark?.file.split(separator: "/").last }).count == 3)
  }

  @Test func `keys come from the environment or a secret file and never show`() throws {
    try folder.write("secrets/key", "sk-file\n", mode: 0o600)
    let (configuration, report) = try load(
      [
        "agents.yaml": "agents: [{id: a, model: {provider: openai, model: m}}]",
        "llm.yaml":
          "providers: {anthropic: {api_key: \"${file:secrets/key}\"}, mine: {base_url: \"http://h\", kind: openai}}",
      ], environment: ["OPENAI_API_KEY": "sk-env"])
    #expect(report.findings == [])
    #expect(configuration.providers["openai"]?.key == Secret("sk-env"))
    #expect(configuration.providers["anthropic"]?.key == Secret("sk-file"))
    // The vendor's key does not go to another server.
    #expect(configuration.providers["mine"]?.key == nil)
    #expect(!"\(configuration)".contains("sk-"))
  }

  @Test func `the policy of an agent is the common one with its own values over it`() throws {
    let (configuration, report) = try load([
      "agents.yaml": "agents: [{id: kate, model: {provider: echo}}]",
      "tool_policy.yaml": """
      cache: {ttl_secs: 5, tools: [get_*]}
      parallel_safe: [get_weather]
      per_agent:
        kate: {parallel: {max_in_flight: 2}, cache: {ttl_secs: 9}}
      """,
    ])
    #expect(report.findings == [])
    let own = configuration.tools.of("kate")
    #expect(own.maxInFlight == 2 && own.cacheTTL == .seconds(9))
    #expect(own.cachedTools == ["get_*"] && own.parallelSafe == ["get_weather"])
    #expect(configuration.tools.of("other").maxInFlight == 4)
  }

  @Test func `the commented examples load without a finding`() throws {
    let reader = ConfigReader(folder: "examples/config", environment: [:])
    let configuration = AgentConfiguration.load(reader, environment: [:])
    #expect(reader.report.findings == [])
    #expect(configuration.agents.map(\.id) == ["helper"])
    #expect(configuration.providers["local"]?.maxTokens == 1_024)
    #expect(configuration.tools.of("helper").cacheTTL == .seconds(10))
  }
}
