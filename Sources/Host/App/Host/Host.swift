// The running host: opens the listeners, boots, serves until told to stop, drains. Called by `agent run`.
// The order here is the order of http.md: listeners first, so that probes answer while plugins load; stores last.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostConfig
internal import HostCredentials
internal import HostHTTP
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostPairing
internal import HostPlugins
internal import HostReasons

/// Why a host could not start, with the exit code that says so.
struct StartFailure: Error, Sendable, CustomStringConvertible {
  let description: String
  let exitCode: ExitCode
}

/// One host.
///
///     init: state folder locked, listeners open (not ready) ──run()──▶ booting ──▶ serving ──stop signal──▶ draining ──▶ ended
final class Host: Sendable {
  private let settings: HostSettings
  private let state: StateFolder
  private let console: Console
  private let readiness = Readiness()
  private let registry: MetricsRegistry
  private let listeners: Listeners
  private let plugins: PluginWiring
  private let credentials: CredentialWiring
  private let agents: AgentWiring
  private let pairing: PairingWiring
  private let gate: GateWiring
  private let metrics: MetricsWiring
  private let webConsole: ConsoleWiring
  private let service: ServiceManager
  private let reloads: ConfigurationReloads
  private let jobs = Jobs()
  private let log = Log("host")

  /// Takes the state folder and opens the listeners.
  ///
  /// - Parameters:
  ///   - service: who started the host and wants to hear how it is.
  ///   - reread: gives the settings anew, for a reload.
  init(
    _ settings: HostSettings, console: Console, service: ServiceManager = ServiceManager(),
    reread: @escaping @Sendable () -> HostSettings
  ) throws(StartFailure) {
    self.settings = settings
    self.service = service
    self.console = console
    do throws(StateFolderError) { state = try StateFolder(settings.folders.state.value) } catch {
      throw StartFailure(description: "\(error)", exitCode: error.exitCode)
    }
    registry = MetricsRegistry()
    registry.addProcessMetrics()
    registry.gauge(Families.buildInfo).with(Version.number, Version.revision, Version.swift, Version.abi).set(1)
    do {
      pairing = try PairingWiring(settings, state: state, registry: registry)
      let pages = OwnerPageList()
      let own =
        try ProbePages(readiness: readiness).routes()
        + LinkPage(sessions: pairing.sessions, jobs: jobs, pages: { pages.all }).routes()
      let router = Router(try RouteTable(own))
      let inline = InlineAccounts()
      plugins = try PluginWiring(
        settings, state: state, registry: registry, router: router, own: own, inline: inline)
      pages.read { [plugins] in plugins.pages }
      credentials = CredentialWiring(registry, plugins: plugins.plugins, inline: inline)
      gate = GateWiring(pairing.store, plugins: plugins.plugins, registry: registry)
      agents = try AgentWiring(
        settings, state: state, registry: registry, plugins: plugins.plugins, inbound: PairingGate(gate: gate.gate),
        credentials: credentials, jobs: jobs)
      gate.challenges.post { [agents] in await agents.runtime.post($0) }
      reloads = ConfigurationReloads(
        settings, credentials: credentials, agents: agents, plugins: plugins, reread: reread)
      metrics = try MetricsWiring(settings, jobs: jobs)
      webConsole = ConsoleWiring(
        settings, readiness: readiness, plugins: plugins, agents: agents, credentials: credentials, reloads: reloads,
        pairing: PairingSection(store: pairing.store, desk: gate.desk, sessions: pairing.sessions), jobs: jobs)
      let observer = RequestMetrics(registry)
      listeners = try Listeners(
        settings, sockets: service.sockets,
        metrics: MetricsPage(
          registry: registry, collect: { [plugins] in plugins.plugins.collect(within: $0, $1) },
          guarded: metrics.guarded
        ).routes(), guard: metrics, router: router,
        owner: OwnerAccess(trustsLoopback: settings.owner.trustsLoopback, sessions: pairing.sessions),
        admin: AdminExtensions(supervisor: plugins.supervisor, settings: settings, jobs: jobs).routes()
          + AdminAgents(runtime: agents.runtime).routes()
          + AdminCredentials(wiring: credentials, reloads: reloads).routes()
          + AdminPairing(pairing: pairing, desk: gate.desk, jobs: jobs).routes()
          + AdminLink(plugins: plugins.plugins, links: pairing.links, jobs: jobs).routes()
          + AdminDeadLetters(ledger: agents.ledger, jobs: jobs).routes() + webConsole.routes(),
        observer: { observer.observe($0) })
      try Host.checkAdmin(listeners.server, settings)
    } catch let failure as StartFailure {
      throw failure
    } catch let error as HTTPServerError {
      throw StartFailure(description: Host.words(error), exitCode: .unavailable)
    } catch {
      throw StartFailure(description: "\(error)", exitCode: .failed)
    }
    listeners.addMetrics(to: registry)
    registry.addSampler { [readiness] in readiness.noticeIfDue() }
    readiness.decide(
      broker: { [agents] in agents.broker.isReady }, agents: { [agents] in agents.runtime.attachedCount })
    registry.sample(Families.ready) { [readiness] rows in rows.set(to: readiness.isReady ? 1 : 0) }
    readiness.add { [agents, plugins, pairing] in
      agents.components() + plugins.components() + pairing.components()
    }
    let open = listeners.server.listeners.first { $0.name == ListenerRole.http.rawValue }?.address
    pairing.links.bound(to: open.map { ListenAddress(host: $0.host, port: $0.port) })
  }

  /// An inherited socket must be where a configured one may be.
  private static func checkAdmin(_ server: HTTPServer, _ settings: HostSettings) throws(StartFailure) {
    guard !settings.adminAllowRemote,
      let admin = server.listeners.first(where: { $0.name == ListenerRole.admin.rawValue }), !admin.address.isLoopback
    else { return }
    throw StartFailure(
      description:
        "the inherited admin socket listens on \(admin.address). \(Reason.listenerNotLoopback.remedy) [\(Reason.listenerNotLoopback)]",
      exitCode: .configuration)
  }

  /// The engine's words, with the flag that mends it.
  private static func words(_ error: HTTPServerError) -> String {
    switch error {
    case .badAddress(let listener, _), .cannotListen(let listener, _, _):
      "\(error) The flag is --\(listener)-listen. [\(error.reason)]"
    case .cannotStart, .badInherited: "\(error) [\(error.reason)]"
    }
  }

  /// Serves until a stop signal, then drains.
  func run(_ signals: Signals) async throws(StartFailure) -> ExitCode {
    do throws(HTTPServerError) { try listeners.server.start() } catch {
      throw StartFailure(description: Host.words(error), exitCode: .unavailable)
    }
    for line in listeners.lines { console.print(line) }
    webConsole.opened(addresses)
    service.status("loading extensions and agents")
    await withTaskGroup { group in
      // To the very end: what hangs in a stop is killed and started anew as well.
      group.addTask { [service, listeners] in await service.watch(listeners.server) }
      group.addTask { [metrics] in await metrics.run() }
      await serve(signals)
      group.cancelAll()
    }
    return .done
  }

  /// Everything that runs for as long as the host does.
  private func serve(_ signals: Signals) async {
    await withDiscardingTaskGroup { group in
      group.addTask { [jobs] in await jobs.run() }
      group.addTask { [plugins] in await plugins.run() }
      group.addTask { [agents] in await agents.run() }
      group.addTask { [pairing, gate] in await pairing.run(gate.gate) }
      group.addTask { [reloads] in await reloads.run() }
      group.addTask { [self] in await plugins.watch { [self] report in await booted(report) } }
      group.addTask { [webConsole] in await webConsole.run() }
      for await request in signals.requests {
        switch request {
        case .reload: reload()
        case .stop(let signal):
          await stop(signal)
          return
        }
      }
    }
  }

  private var addresses: [(role: String, address: String)] {
    listeners.server.listeners.map { (role: $0.name, address: "\($0.address)") }
  }

  private func booted(_ report: SweepReport) async {
    credentials.credentials.booted()
    readiness.booted()
    await agents.settle(within: Host.settleTime)
    service.ready(summary)
    console.print(
      "ready agents=\(readiness.agents) extensions_ok=\(report.count(.ok)) "
        + "extensions_disabled=\(report.count(.disabled)) extensions_invalid=\(report.count(.invalid))")
    let table = StartupTable.lines(
      addresses: addresses, metricsScheme: metrics.scheme, pages: plugins.pages, links: startLinks(), report: report)
    for line in table { console.print(line) }
  }

  /// A one-time link to each page, for other machines. Not into the journal, which others may read.
  private func startLinks() -> [(name: String, url: String)] {
    guard pairing.links.areNeeded, !JournalStream.isStdout(Process.environment["JOURNAL_STREAM"]) else { return [] }
    return plugins.pages.compactMap { page in
      pairing.links.make(.link, to: page.path, life: OneTimeLinks.standardLife).map { (page.name, $0.url.reveal()) }
    }
  }

  /// What `systemctl status` shows.
  private var summary: String { "serving; \(readiness.agents) agents attached" }

  /// SIGHUP: everything anew, or nothing.
  private func reload() {
    service.reloading()
    reloads.request(.everything) { [self] outcome in
      if outcome?.isAccepted == true {
        metrics.refresh()
        gate.gate.forget()
      }
      service.ready(summary)
    }
  }

  /// How long the line `ready` waits for agents that do not attach, because the ledger does not work for instance. Ours.
  private static let settleTime: Duration = .seconds(5)

  /// What a stop may take beyond its delay and its drain: stores close, threads end. Ours.
  private static let stopMargin: Duration = .seconds(10)

  /// Not ready, then no new connections, then requests, plugins and stores, each within its time.
  private func stop(_ signal: String) async {
    log.info("shutting down", ["signal": signal])
    readiness.drain()
    service.stopping(within: settings.shutdownDelay + settings.drainTimeout + Host.stopMargin)
    webConsole.finish()
    try? await Task.sleep(for: settings.shutdownDelay)
    let grace = settings.drainTimeout
    let server = listeners.server
    async let drained = Thread.run("http-stop") { server.stop(grace: grace) }
    await agents.drain(within: grace)
    await plugins.stop(until: Clock.monotonic() &+ grace.nanosecondsClamped)
    if let report = try? await drained, !report.isClean || report.threadsAbandoned > 0 {
      log.warning("requests were cut", ["threads.abandoned": "\(report.threadsAbandoned)"])
    }
    reloads.finish()
    jobs.finish()
    pairing.stop()
    log.info("stopped")
  }
}
