// The seam between the host and its agents: ledger, broker and runtime made from the configuration, and run.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostPlugins
internal import HostReasons
internal import HostResilience

/// Agents with what they stand on.
final class AgentWiring: Sendable {
  let runtime: AgentRuntime
  let broker: LocalBroker
  let ledger: Ledger
  private let log = Log("agents")

  init(
    _ settings: HostSettings, state: StateFolder, registry: MetricsRegistry, plugins: PluginHost,
    inbound: any InboundGate, credentials: CredentialWiring, jobs: Jobs
  ) throws(StartFailure) {
    let configuration = try AgentWiring.load(settings) { finding in
      Log("agents").warning("configuration", ["why": "\(finding)"])
    }
    credentials.boot(settings, configuration)
    let metrics = BrokerMetrics(registry)
    do throws(SystemError) {
      ledger = try Ledger(state.file(Ledger.fileName), metrics: metrics)
    } catch {
      throw StartFailure(description: "\(error) [\(Reason.stateUnusable)]", exitCode: .configuration)
    }
    broker = LocalBroker(metrics: metrics, refusal: { [ledger] in ledger.status.reason })
    BrokerMetrics.sample(registry, broker: broker, ledger: ledger)
    runtime = AgentRuntime(
      configuration, ledger: ledger, broker: broker, metrics: AgentMetrics(registry),
      seams: AgentSeams(
        channels: PluginChannels(plugins: plugins), inbound: inbound, outbound: credentials.gate,
        toolSources: [PluginTools(plugins: plugins, gate: credentials.gate)]))
    let intake = ChannelIntake(runtime: runtime, jobs: jobs)
    plugins.setInboundSink { intake.take($0, $1, $2) }
    plugins.channels.observe { [runtime] in runtime.channelsChanged() }
  }

  /// Reads the agents' files.
  ///
  /// - Throws: every error as one text; warnings go to `warn`.
  static func load(
    _ settings: HostSettings, warn: (ConfigFinding) -> Void
  ) throws(StartFailure) -> AgentConfiguration {
    let reader = ConfigReader(folder: settings.folders.config.value, environment: Process.environment)
    let configuration = AgentConfiguration.load(reader, environment: Process.environment)
    let findings = settings.isStrict ? reader.report.findings.map(\.asError) : reader.report.findings
    for finding in findings where finding.severity == .warning { warn(finding) }
    let errors = findings.filter { $0.severity == .error }
    guard errors.isEmpty else {
      throw StartFailure(description: errors.map { "\($0)" }.joined(separator: "\n"), exitCode: .configuration)
    }
    return configuration
  }

  /// Runs until ``drain(within:)`` and the end of the task.
  func run() async {
    do throws(LedgerError) { try await ledger.start() } catch {
      log.error("the ledger does not work yet", ["reason": error.reason.code, "why": "\(error)"])
    }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [ledger] in await ledger.run() }
      await runtime.run()
      group.cancelAll()
    }
    await ledger.close()
  }

  /// Waits until the agents have attached, if there are any, and not longer than the time.
  func settle(within time: Duration) async {
    let deadline = ContinuousClock.now + time
    while !runtime.configuration.agents.isEmpty, runtime.attachedCount == 0, ContinuousClock.now < deadline {
      do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
    }
  }

  /// Lets turns finish; then ``run()`` returns.
  func drain(within grace: Duration) async {
    if await !runtime.drain(within: grace) { log.warning("turns were cut; they are taken up at the next start") }
  }

  /// The breakers of model providers and of the broker, for the console.
  var breakers: [ShownBreaker] {
    runtime.breakers.map { ShownBreaker(name: $0.name, state: $0.state) }
      + [ShownBreaker(name: "nats", state: broker.refusal == nil ? .closed : .open)]
  }

  /// The broker and each agent, for the verbose readiness.
  func components() -> [ComponentState] {
    let refusal = broker.refusal
    let broker = ComponentState("broker", refusal == nil ? "ready" : "refusing", reason: refusal?.code)
    let agents = (runtime.agentsJSON.array ?? []).map { agent in
      ComponentState(
        "agent.\(agent["id"]?.string ?? "")", agent["state"]?.string ?? "", reason: agent["reason"]?.string)
    }
    return [broker] + agents
  }
}
