// What runs between start and stop: engine, breaker, accounts, the clock that looks after them; and how a new
// configuration replaces an old one. Owned by GoogleCredsPlugin.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import Synchronization

/// The plugin at work.
final class GoogleService: Sendable {
  private struct State {
    var settings = PluginSettings()
    /// Labels that the host knows: accounts, and bad entries that have an id.
    var labels: Set<String> = []
    var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
    var lastWatcher: UInt64 = 0
  }
  /// How often files are looked at and refreshes that are due begin; well within the minute before an end.
  private static let tick: Duration = .seconds(10)

  let accounts = AccountTable()
  private let host: PluginHost
  private let metrics: GoogleMetrics
  private let engine = HTTPEngine()
  private let breaker: Breaker
  private let state = Mutex(State())
  private let source = Mutex<CredentialSource?>(nil)
  private let refusals: RefusedTokens
  private let timer = Mutex<PluginTimer?>(nil)

  init(_ host: PluginHost, _ metrics: GoogleMetrics) {
    self.host = host
    self.metrics = metrics
    breaker = Breaker(clock: { host.monotonicNanoseconds })
    refusals = RefusedTokens((try? host.load(RefusedTokens.key)) ?? nil) { bytes in
      try? host.save(bytes, as: RefusedTokens.key)
    }
  }

  var settings: PluginSettings { state.withLock { $0.settings } }
  var client: OAuthClient { OAuthClient(endpoints: settings.endpoints, engine: engine, breaker: breaker) }

  // MARK: Life

  func start(_ source: CredentialSource) throws {
    self.source.withLock { $0 = source }
    guard engine.start() else { throw PluginError(.other, "libcurl did not start: look at its installation.") }
    try apply(host.config)
    let timer = try host.every(Self.tick) { [weak self] in self?.lookAfter() }
    self.timer.withLock { $0 = timer }
  }

  /// No new refreshes begin; those under way bring their tokens to the disk.
  func quiesce() {
    timer.withLock { timer in
      defer { timer = nil }
      return timer
    }?.cancel()
    for account in accounts.all { account.cancelConsent() }
  }

  func stop() {
    quiesce()
    engine.stop()
    for watcher in state.withLock({ $0.watchers.values }) { watcher.finish() }
  }

  /// On a thread of the host's, so the looking itself is done on the plugin's.
  private func lookAfter() {
    host.task { [self] in
      for account in accounts.all {
        account.look()
        account.refreshIfDue()
      }
    }
  }

  // MARK: Configuration

  /// Takes over a configuration: bad entries are told and cost only themselves.
  func apply(_ config: JSON) throws {
    let settings = PluginSettings.read(
      config, folder: (try? host.folder(.config)) ?? "", state: try? host.folder(.state))
    let before = state.withLock { state in
      defer { state.settings = settings }
      return state.settings
    }
    let context = context()
    let isSame = before.endpoints == settings.endpoints
    let (new, gone) = accounts.replace(settings.accounts, keeping: isSame) { GoogleAccount($0, context) }
    let staying = Set(accounts.all.map(\.fingerprint))
    for account in gone where !staying.contains(account.fingerprint) { metrics.disappeared(account.fingerprint) }
    for account in new { metrics.appeared(account.fingerprint) }
    for finding in settings.findings {
      host.log.warning(
        "configuration entry refused", ["reason": finding.fault.reason.rawValue, "config.path": finding.path])
    }
    declare(settings)
    // Each tells the host how it is as soon as it has looked.
    for account in new {
      account.reload()
      account.look()
    }
    host.log.info("accounts declared", ["google.accounts": "\(settings.accounts.count)"])
    tellWatchers()
  }

  private func context() -> AccountContext {
    AccountContext(
      client: client, now: { [host] in host.unixMilliseconds }, monotonic: { [host] in host.monotonicNanoseconds },
      spawn: { [host] in host.task($0) },
      counted: { [metrics] in metrics.refreshed($0, isOK: $1) },
      changed: { [weak self] in self?.changed($0) },
      sleep: { try? await Task.sleep(for: $0) }, refusals: refusals)
  }

  /// Tells the host which accounts there are; entries that cannot be used are accounts that have failed.
  private func declare(_ settings: PluginSettings) {
    let good = Set(settings.accounts.map(\.id))
    let bad = settings.findings.filter { $0.account.map { !good.contains($0) } ?? false }
    let labels = good.union(bad.compactMap(\.account))
    let gone = state.withLock { state in
      defer { state.labels = labels }
      return state.labels.subtracting(labels)
    }
    tell { source in
      for label in gone { try source.accountGone(label) }
      for entry in settings.accounts { try source.account(entry.id, Self.declaration(entry)) }
      for finding in bad {
        guard let label = finding.account else { continue }
        try source.account(label, ["page": .string(AccountRoutes.page)])
        try source.state(
          label, .down, AccountState.failed.rawValue, reason: finding.fault.reason.rawValue,
          detail: [
            "cause": .string(finding.fault.reason.cause), "remedy": .string(finding.fault.reason.remedy),
            "detail": .string(finding.fault.detail),
          ])
      }
    }
  }

  /// What the host checks at boot: who may use it, and which files hold its secrets. The token file is one once it is
  /// there.
  private static func declaration(_ settings: AccountSettings) -> JSON {
    var files = [settings.clientID.path, settings.clientSecret?.path].compactMap(\.self)
    if PrivateFile.identity(settings.tokenPath) != nil { files.append(settings.tokenPath) }
    return [
      "identity": .string(settings.id), "allow_agents": [.string(settings.agent)], "secret_files": JSON(files),
      "page": .string(AccountRoutes.page),
    ]
  }

  // MARK: Reports

  private func changed(_ account: GoogleAccount) {
    // An account that a reload has replaced says nothing any more.
    guard accounts.all.contains(where: { $0 === account }) else { return }
    tell { source in try source.account(account.settings.id, Self.declaration(account.settings)) }
    publish(account)
    tellWatchers()
  }

  private func publish(_ account: GoogleAccount) {
    let status = account.status
    host.log.info(
      "account changed",
      [
        "google.account_fp": status.fingerprint, "google.state": status.state.rawValue,
        "reason": status.fault?.reason.rawValue ?? "",
      ])
    tell { source in
      try source.state(
        account.settings.id, status.health, status.state.rawValue, reason: status.fault?.reason.rawValue ?? "",
        detail: status.detail)
    }
  }

  private func tell(_ body: (CredentialSource) throws -> Void) {
    guard let source = source.withLock({ $0 }) else { return }
    do { try body(source) } catch let error as PluginError {
      // The words of an error about an account name its label, which is an address.
      host.log.warning("state was not taken", ["error.code": "\(error.code.status)"])
    } catch {}
  }

  /// Before each scrape.
  func sample() {
    let bad = state.withLock { $0.labels.count - $0.settings.accounts.count }
    let states = accounts.all.map(\.status.state) + Array(repeating: .failed, count: max(0, bad))
    metrics.sample(states, breaker: breaker.gauge)
  }

  /// One element now, and one after each change; the newest only.
  func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.lastWatcher += 1
      state.watchers[state.lastWatcher] = continuation
      return state.lastWatcher
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.watchers[id] = nil } }
    continuation.yield()
    return stream
  }

  private func tellWatchers() { for watcher in state.withLock({ $0.watchers.values }) { watcher.yield() } }
}

extension PluginSettings {
  /// Reads the configuration.
  static func read(_ config: JSON, folder: String, state: String? = nil) -> PluginSettings {
    SettingsReader.read(config, folder: folder, state: state)
  }
}
