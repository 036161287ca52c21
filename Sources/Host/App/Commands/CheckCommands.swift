// `agent check-config`: everything that a start would find wrong with the configuration, without starting anything, making
// a folder or taking a lock. `agent reload`: has the running host take the configuration up.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostConfig
internal import HostCredentials
internal import HostJSON
internal import HostMetrics
internal import HostPlugins

/// Commands that judge the configuration or put it in force.
enum CheckCommands {
  static let list: [CommandSpec] = [checkConfig, reload]

  static let checkConfig = CommandSpec(
    ["check-config"], "Checks the whole configuration as a start would, and changes nothing",
    details: """
      Every finding is printed with file and line. Exit code 0: nothing was found; 2: warnings only; 1: errors. With
      --strict every warning is an error.
      """,
    options: [RunOptions.strict] + RunOptions.listeners
  ) { call in
    let findings = ConfigurationCheck.run(call.settings())
    let errors = findings.count { $0.finding.severity == .error }
    if call.has("json") {
      let report: JSON = [
        "errors": JSON(errors), "warnings": JSON(findings.count - errors),
        "findings": .array(findings.map { $0.kind == nil ? $0.finding.json : $0.credential }),
      ]
      call.console.print(report.text(pretty: true))
    } else {
      for found in findings { call.console.print("\(found.finding)") }
      call.console.print(
        findings.isEmpty ? "the configuration is right" : "\(errors) errors, \(findings.count - errors) warnings")
    }
    return errors > 0 ? .failed : findings.isEmpty ? .done : .warningsOnly
  }

  static let reload = CommandSpec(
    ["reload"], "Has the running host take up the configuration, all of it or nothing",
    details: "Exit code 78 when something in it is wrong: every finding is printed, and nothing has changed."
  ) { call in
    let client = AdminClient(call)
    switch await client.ask("POST", "/admin/credentials/reload", timeout: .seconds(60)) {
    case .answer(200, let body):
      if call.has("json") {
        call.console.print(body.text(pretty: true))
      } else {
        for warning in body["warnings"]?.array ?? [] { call.console.print(warning.string ?? "") }
        call.console.print("version \(body["version"]?.integer ?? 0) is in force")
      }
      return .done
    case .answer(400, let body):
      if call.has("json") { call.console.print(body.text(pretty: true)) }
      for error in body["errors"]?.array ?? [] { call.console.complain(error.string ?? "") }
      call.console.complain("nothing was changed [\(body["code"]?.string ?? "")]")
      return .configuration
    case .answer(let status, let body):
      call.console.complain("\(client.endpoint) answered \(status): \(AdminClient.words(body))")
      return .failed
    case .absent(let why), .failed(let why):
      call.console.complain("no host answers at \(client.endpoint): \(why). Is it running? See --endpoint.")
      return .unavailable
    }
  }
}

extension ExitCode {
  /// Of `check-config`, which has the meaning of its own for 2 (cli.md).
  static let warningsOnly = ExitCode.usage
}

/// The check of a whole configuration.
enum ConfigurationCheck {
  /// A finding, with its kind where it is one of credentials.
  struct Found {
    let finding: ConfigFinding
    let kind: ValidationKind?

    var credential: JSON { kind.map { CredentialFinding($0, finding).json } ?? finding.json }
  }

  /// Every finding of every layer: the host's settings, agents, models, tools, accounts, bindings. Reads only.
  static func run(_ settings: HostSettings) -> [Found] {
    let reader = ConfigReader(folder: settings.folders.config.value, environment: Process.environment)
    let configuration = AgentConfiguration.load(reader, environment: Process.environment)
    let book = Credentials.check(
      CredentialWiring.sources(settings, configuration, announced: announced(settings)))
    let read = settings.isStrict ? reader.report.findings.map(\.asError) : reader.report.findings
    return (settings.findings + read).map { Found(finding: $0, kind: nil) }
      + book.findings.map { Found(finding: $0.finding, kind: $0.kind) }
  }

  /// Channels and sources that the extensions' manifests bring.
  private static func announced(_ settings: HostSettings) -> Set<String> {
    let sweep = OfflineExtensions.discovery(settings).sweep(disabled: [], quarantined: [:])
    return sweep.candidates.reduce(into: []) { names, candidate in
      guard let capabilities = candidate.manifest?.capabilities else { return }
      names.formUnion(capabilities.channels + capabilities.providers)
    }
  }
}
