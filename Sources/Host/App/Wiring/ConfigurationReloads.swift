// Reloads of the configuration, one after the other: read, validate, then everything at once or nothing.
// Asked by SIGHUP, by `POST /admin/credentials/reload` and by `agent reload`; run by the host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostConfig
internal import HostCredentials
internal import HostLinux
internal import HostLog
internal import HostPlugins
internal import HostReasons
internal import Synchronization

/// What a reload came to.
struct ReloadOutcome: Sendable {
  let isAccepted: Bool
  /// Of what is in force now.
  let version: UInt64
  let accounts: [String: Int]
  let findings: [ConfigFinding]

  var errors: [ConfigFinding] { findings.filter { $0.severity == .error } }
  var warnings: [ConfigFinding] { findings.filter { $0.severity == .warning } }
}

/// The queue of reloads.
final class ConfigurationReloads: Sendable {
  /// How much is taken up.
  enum Scope: Sendable {
    /// Agents, accounts, and plugins whose files have changed.
    case credentials
    /// The host's own settings and the extensions as well.
    case everything
  }
  private struct Wish: Sendable {
    let scope: Scope
    let done: @Sendable (ReloadOutcome?) -> Void
  }

  private let credentials: CredentialWiring
  private let agents: AgentWiring
  private let plugins: PluginWiring
  private let reread: @Sendable () -> HostSettings
  private let wishes: AsyncStream<Wish>
  private let feed: AsyncStream<Wish>.Continuation
  /// The plugins' configurations as they were when plugins were last told.
  private let told = Mutex<[String: [UInt8]]>([:])
  private let log = Log("host")

  /// Ours: reloads that may wait.
  private static let limit = 1_024

  /// - Parameter reread: gives the settings anew.
  init(
    _ settings: HostSettings, credentials: CredentialWiring, agents: AgentWiring, plugins: PluginWiring,
    reread: @escaping @Sendable () -> HostSettings
  ) {
    self.credentials = credentials
    self.agents = agents
    self.plugins = plugins
    self.reread = reread
    (wishes, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(ConfigurationReloads.limit))
    told.withLock { $0 = plugins.files.contents() }
  }

  /// Asks for a reload; `done` is called once, with nil when too many wait or the host stops.
  func request(_ scope: Scope, done: @escaping @Sendable (ReloadOutcome?) -> Void = { _ in }) {
    switch feed.yield(Wish(scope: scope, done: done)) {
    case .enqueued: break
    case .dropped, .terminated: done(nil)
    @unknown default: done(nil)
    }
  }

  /// No reload from now on; ``run()`` returns.
  func finish() { feed.finish() }

  /// Makes the reloads until ``finish()``.
  func run() async {
    for await wish in wishes {
      log.info("reloading", ["scope": "\(wish.scope)"])
      wish.done(await reload(wish.scope))
    }
  }

  private func reload(_ scope: Scope) async -> ReloadOutcome {
    // Files are read on a thread of their own: a network file system may take its time.
    let judged = try? await Thread.run("nx-reload") { [self] in judge() }
    guard let (settings, outcome) = judged else {
      return outcome(false, [ConfigFinding(.error, .credentialsReloadBusy, at: nil, "no thread", remedy: "Try again.")])
    }
    for finding in outcome.warnings { log.warning("configuration", ["why": "\(finding)"]) }
    for finding in outcome.errors { log.error("configuration refused", ["why": "\(finding)"]) }
    guard outcome.isAccepted else { return outcome }
    let files = plugins.files.contents()
    let isChanged = told.withLock { told in
      defer { told = files }
      return told != files
    }
    var refusals: [Finding] = []
    switch scope {
    case .everything: await plugins.reload(settings)
    case .credentials: if isChanged { refusals = await plugins.supervisor.reconfigure() }
    }
    let more = refusals.map { finding in
      ConfigFinding(
        .warning, finding.reason, at: SourceMark(file: finding.file), finding.message,
        remedy: finding.remedy)
    }
    return self.outcome(true, outcome.findings + more)
  }

  /// Reads and validates; puts it in force when nothing is wrong.
  private func judge() -> (HostSettings, ReloadOutcome) {
    let settings = reread()
    let reader = ConfigReader(folder: settings.folders.config.value, environment: Process.environment)
    let configuration = AgentConfiguration.load(reader, environment: Process.environment)
    let read = settings.isStrict ? reader.report.findings.map(\.asError) : reader.report.findings
    let before = settings.findings + read
    let sources = CredentialWiring.sources(settings, configuration)
    guard !before.contains(where: { $0.severity == .error }) else {
      let book = credentials.credentials.validate(sources)
      return (settings, outcome(false, before + book.findings.map(\.finding)))
    }
    let book = credentials.install(sources, settings, configuration) { agents.runtime.apply(configuration) }
    return (settings, outcome(book.errors.isEmpty, before + book.findings.map(\.finding)))
  }

  private func outcome(_ isAccepted: Bool, _ findings: [ConfigFinding]) -> ReloadOutcome {
    ReloadOutcome(
      isAccepted: isAccepted, version: credentials.credentials.version, accounts: credentials.credentials.book.counts,
      findings: findings)
  }
}
