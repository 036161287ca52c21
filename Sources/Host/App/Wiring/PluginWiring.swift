// The seam between the host and its plugins: discovery, loader, supervisor and watcher made from the settings, and run.
// Knows no plugin; what a plugin registers reaches the rest of the host through the registries of PluginHost.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostCredentials
internal import HostHTTP
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// Everything about plugins that the host runs.
final class PluginWiring: Sendable {
  let supervisor: ExtensionSupervisor
  let plugins: PluginHost
  let files: PluginConfigFiles
  private let settings: HostSettings
  private let state: StateFolder
  private let crashReport: String
  private let reloads: AsyncStream<HostSettings>
  private let reload: AsyncStream<HostSettings>.Continuation
  private let log = Log("plugins")

  /// - Parameters:
  ///   - router: of the public listener; plugins' routes join `own` there.
  ///   - inline: accounts from agents' entries, for the plugins of their kinds.
  init(
    _ settings: HostSettings, state: StateFolder, registry: MetricsRegistry, router: Router, own: [Route],
    inline: InlineAccounts
  ) throws(StartFailure) {
    self.settings = settings
    self.state = state
    let routes = PluginRoutes(router: router, own: own, reserved: RouteClaim.reservedPaths)
    plugins = PluginHost(
      PluginHostSettings(
        version: Version.number, stateFolder: state.path, configFolder: settings.folders.config.value,
        environment: { Process.environment[$0] }, seriesBudget: settings.seriesBudget),
      metrics: registry, routes: routes)
    let probe = ProbeRunner(scratch: state.file("probe"))
    guard (try? FileStatus.of(probe.executablePath)) != nil else {
      throw StartFailure(
        description:
          "\(probe.executablePath) is missing. \(Reason.installIncomplete.remedy) [\(Reason.installIncomplete)]",
        exitCode: .unavailable)
    }
    files = PluginConfigFiles(folder: settings.folders.config.value, inline: inline)
    let loader = PluginLoader(
      host: plugins, probe: probe, hostBuild: "\(Version.number) \(Version.revision)",
      configuration: { [files] manifest throws(LoadFailure) in try files.json(for: manifest) })
    let decisions = ExtensionState(folder: state.path)
    PluginWiring.quarantine(state.path, decisions, registry)
    do throws(SystemError) {
      crashReport = try CrashReports.arm(folder: state.path, hostBuild: "\(Version.number) \(Version.revision)")
    } catch {
      throw StartFailure(description: "\(error) [\(Reason.stateUnusable)]", exitCode: .configuration)
    }
    supervisor = ExtensionSupervisor(
      discovery: OfflineExtensions.discovery(settings), loader: loader, state: decisions, metrics: registry)
    (reloads, reload) = AsyncStream.makeStream()
  }

  /// Takes up the crash reports of earlier runs: the culprit stays out until `agent ext clear`.
  private static func quarantine(_ folder: String, _ decisions: ExtensionState, _ registry: MetricsRegistry) {
    let log = Log("plugins")
    let crashes = registry.counter(Families.pluginCrashes)
    for report in CrashReports.pending(folder: folder) {
      let kept = CrashReports.keptPath(report)
      if let plugin = report.plugin {
        crashes.with(plugin, report.kind.rawValue).inc()
        log.error(
          "plugin crashed the host",
          [
            "plugin.id": plugin, "plugin.call": report.call, "plugin.build_id": report.build, "why": report.summary,
            "report": kept,
          ])
        let why = "\(report.summary) (build \(report.build.prefix(12))); report: \(kept)"
        do throws(ExtensionStateError) { try decisions.setQuarantined(plugin, why) } catch {
          log.error("quarantine not kept", ["plugin.id": plugin, "why": "\(error)"])
          continue
        }
      } else {
        log.error("the host crashed", ["why": report.summary, "report": kept])
      }
      do throws(SystemError) { try CrashReports.keep(report) } catch {
        log.warning("crash report not moved", ["report": report.path, "why": "\(error)"])
      }
    }
  }

  /// Runs the supervisor's work until ``stop(until:)``.
  func run() async { await supervisor.run() }

  /// Makes the first sweep, then one whenever the trees change, until ``stop(until:)``.
  ///
  /// - Parameter booted: called once, when every extension of the first sweep has its verdict.
  func watch(booted: @escaping @Sendable (SweepReport) async -> Void) async {
    var next = reloads.makeAsyncIterator()
    var current: HostSettings? = settings
    var whenSwept: (@Sendable (SweepReport) async -> Void)? = booted
    while let settings = current {
      let first = whenSwept
      whenSwept = nil
      // A watcher watches the search paths that it was made with, so a reload makes a new one.
      current = await withTaskGroup(of: Void.self) { group in
        group.addTask { [self] in await watch(settings, first: first) }
        let following = await next.next()
        group.cancelAll()
        return following
      }
    }
  }

  private func watch(_ settings: HostSettings, first: (@Sendable (SweepReport) async -> Void)?) async {
    var times = TreeWatcher.Times()
    times.debounce = settings.extensions.debounce.nanosecondsClamped
    let watcher = TreeWatcher(settings: settings.extensions.discovery, times: times)
    await withTaskGroup(of: Void.self) { group in
      if settings.extensions.watch {
        group.addTask { [log] in
          do { try await watcher.run() } catch {
            if !(error is CancellationError) { log.error("watcher ended", ["why": "\(error)"]) }
          }
        }
        // What changes while the sweep goes on must be seen: the watches are there before it.
        await watcher.ready()
      }
      if let first { await first(await supervisor.sweep(.boot)) }
      for await change in watcher.changes {
        for finding in change.findings { log.warning("watching", ["why": "\(finding)"]) }
        await supervisor.sweep(.watch)
      }
      group.cancelAll()
    }
  }

  /// Configuration anew: plugins are reconfigured, lists and folders taken over, and a sweep made.
  func reload(_ settings: HostSettings) async {
    await supervisor.use(OfflineExtensions.discovery(settings))
    reload.yield(settings)
    _ = await supervisor.reconfigure()
    await supervisor.sweep(.request)
  }

  /// Ends the plugins, each within the deadline.
  func stop(until deadline: UInt64) async {
    reload.finish()
    await supervisor.stop(until: deadline)
    CrashReports.disarm(crashReport)
  }

  /// The pages that channels name, for the table after the start.
  var pages: [(name: String, path: String)] {
    plugins.channels.entries.compactMap { channel in channel.page.map { (channel.name, $0) } }
  }

  /// Components for the verbose readiness: each channel's accounts.
  func components() -> [ComponentState] {
    plugins.channels.entries.flatMap { channel in
      channel.accounts.map { account in
        ComponentState(
          "\(AccountKey(channel.name, account.label))", account.state,
          reason: account.reason.isEmpty ? nil : account.reason, since: account.since)
      }
    }
  }
}
