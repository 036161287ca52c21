// `agent run`: starts the host and serves until a signal ends it.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostConfig
internal import HostLinux
internal import HostLog

/// The command that is the product.
enum RunCommand {
  static let run = CommandSpec(
    ["run"], "Starts the host; with no configuration on built-in defaults",
    details: """
      Prints a line `listening role=... address=...` for each listener, `ready ...` when the first sweep is over, and a table.
      SIGTERM or SIGINT drains and exits 0, a second one ends at once; SIGHUP reloads the configuration and sweeps.
      """,
    options: RunOptions.listeners + [RunOptions.strict]
  ) { call in
    let settings = call.settings()
    for finding in settings.findings { call.console.complain("\(finding)") }
    guard !settings.hasErrors else { return .configuration }
    LogSink.shared.configure(level: settings.logLevel, format: settings.logFormat)
    _ = clx_raise_nofile()
    do {
      let signals = try Signals()
      let service = try ServiceManager(environment: call.environment)
      let host = try Host(settings, console: call.console, service: service, reread: { call.settings() })
      let code = try await host.run(signals)
      // No exit handlers: they would run plugins' code in an undefined order (ADR 0003).
      _exit(code.rawValue)
    } catch let failure as StartFailure {
      call.console.complain(failure.description)
      return failure.exitCode
    } catch let error as InheritedSocketError {
      call.console.complain("\(error)")
      return .configuration
    } catch {
      call.console.complain("\(error)")
      return .failed
    }
  }
}
