// The GoogleCreds plugin: registers the credential source `google`, the tools, the page and the families, and ties them
// to GoogleService, which does the work.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
public import PluginKit

/// The function that the entry file names.
@c(google_creds_plugin)
public func googleCredsPlugin(_ call: PluginCall) -> PluginResult { call.make(GoogleCredsPlugin.self) }

/// Google accounts for agents: consent, refresh, revoke, and calls to Google's APIs.
public struct GoogleCredsPlugin: Plugin {
  private let source: CredentialSource
  private let service: GoogleService

  /// Requests wait on the engine's thread, not on these.
  public static var workerThreads: Int { 4 }

  /// Registers everything.
  public init(_ host: PluginHost) throws {
    let service = GoogleService(host, try GoogleMetrics(host))
    self.service = service
    let links = LinkCommands(service)
    source = try host.credentialSource(
      "google", page: AccountRoutes.page,
      CredentialActions(
        fetch: { try await links.fetch($0) }, command: { try await links.command($0, $1) }))
    let calls = ToolCalls(
      accounts: service.accounts, service: { service.client }, publicURL: { service.settings.publicURL })
    for tool in GoogleTool.allCases { try tool.register(on: host, calls) }
    try AccountRoutes(service, host).register()
    try host.onScrape { service.sample() }
  }

  /// Reads the accounts and begins to look after them.
  public func start() throws { try service.start(source) }

  /// Takes over a new configuration at once; what is wrong in it costs only its own entry.
  public func reconfigure(_ config: JSON) throws { try service.apply(config) }

  /// Ends consents that wait; refreshes under way are finished.
  public func quiesce() async { service.quiesce() }

  /// Ends the engine.
  public func stop() { service.stop() }
}
