// The host's own settings: listeners, limits, logging, where extensions are. Read from nexo.yaml and extensions.yaml in
// the configuration folder, the environment and the flags, once at start and again at each reload.
// Does not read what belongs to agents, credentials or plugins: those modules have their own files.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux
internal import HostLog
internal import HostReasons

/// Settings with every finding about them.
struct HostSettings: Sendable {
  let folders: Folders
  let metricsListen: ListenAddress
  let httpListen: ListenAddress
  let adminListen: ListenAddress
  /// Whether the admin console may listen on an address that is not loopback.
  let adminAllowRemote: Bool
  /// What the public listener is for its owner.
  let owner: OwnerSettings
  /// The web configuration file of the metrics listener, absolute; empty: none.
  let webConfig: String
  /// Time between `/ready` turning 503 and the listeners closing, for load balancers to notice.
  let shutdownDelay: Duration
  /// Time for requests and plugins to finish after that.
  let drainTimeout: Duration
  let logLevel: LogLevel
  let logFormat: LogSink.Format
  /// Series that one plugin may have.
  let seriesBudget: Int
  let extensions: ExtensionSettings
  /// Whether a warning about the configuration counts as an error.
  let isStrict: Bool
  /// Each value with where it came from.
  let rows: [SettingRow]
  let findings: [ConfigFinding]

  /// Errors keep the host from starting.
  var hasErrors: Bool { findings.contains { $0.severity == .error } }
}

/// Who is the owner on the public listener, and where others reach it: keys `http.*`.
struct OwnerSettings: Sendable, Equatable {
  /// `https://host.example`, without a slash at its end; empty: from the listener's address.
  var publicURL = ""
  /// Whether requests from loopback addresses are the owner's.
  var trustsLoopback = true
  /// How long a session lasts.
  var sessionLife: Duration = .seconds(86_400)
}

/// Where extensions are looked for, and which are wanted: `extensions.yaml`.
struct ExtensionSettings: Sendable, Equatable {
  var enabled = true
  /// Absolute, in order of precedence.
  var searchPaths: [String] = []
  var disabled: [String] = []
  /// Empty: everything is wanted.
  var allowlist: [String] = []
  var ignoreFolders: [String] = []
  var maxDepth = 3
  var followLinks = false
  /// Where links may lead besides the search paths.
  var allowedRoots: [String] = []
  var watch = true
  /// How long the tree must be quiet before a sweep.
  var debounce: Duration = .milliseconds(200)
}

private enum Level: String, CaseIterable, Sendable { case trace, debug, info, warning, error }
private enum Format: String, CaseIterable, Sendable { case text, json }

extension HostSettings {
  /// Variables that are read elsewhere than in the settings file's reader.
  private static let otherVariables: Set<String> = [
    "NEXO_CONFIG", "NEXO_STATE_DIR", "NEXO_ENDPOINT", "NEXO_PROBE", "NEXO_SHARED", "NEXO_SDK", "NEXO_HOME",
  ]

  /// Reads all layers.
  ///
  /// - Parameters:
  ///   - flags: single values by flag name with its dashes.
  ///   - searchPaths: the values of `--extensions`, in order.
  static func read(
    flags: [String: String], searchPaths: [String], environment: [String: String],
    current: String = Path.currentFolder()
  ) -> HostSettings {
    let folders = Folders(flags: flags, environment: environment, current: current)
    let report = ConfigReport()
    let files = ConfigReader(folder: folders.config.value, environment: environment, report: report)
    if folders.config.origin != .builtIn, (try? FileStatus.of(folders.config.value).kind) != .directory {
      report.error(
        .configUnreadable, at: nil, "\(folders.config.value): there is no such configuration folder",
        remedy: "Create it, or drop \(folders.config.origin).")
    }
    let reader = SettingsReader(
      flags: flags, environment: environment, file: files.load("nexo.yaml"), report: report)
    let addresses = listenAddresses(reader, report)
    let remote = reader.bool("listen.admin_allow_remote", flag: "--admin-allow-remote", default: false).value
    if !addresses.admin.isLoopback, !remote {
      report.error(
        .listenerNotLoopback, at: nil, "the admin console may not listen on \(addresses.admin)",
        remedy: Reason.listenerNotLoopback.remedy)
    }
    let owner = ownerSettings(reader, report)
    let web = reader.text("listen.web_config", flag: "--web-config", default: "")
    let delay = reader.integer("shutdown.delay_ms", flag: "--shutdown-delay", default: 0, in: 0...600_000).value
    let drain = reader.integer("shutdown.drain_ms", default: 10_000, in: 0...600_000).value
    let level = reader.choice("log.level", flag: "--log-level", default: Level.info).value
    let format = reader.choice("log.format", flag: "--log-format", default: Format.text).value
    let isStrict = reader.bool("credentials.strict", flag: "--strict", default: false).value
    let budget = reader.integer("plugins.series_budget", default: 1_000, in: 1...1_000_000).value
    let extensions = ExtensionSettings.read(
      files, searchPaths: searchPaths, environment: environment, current: current, report: report)
    reader.close(otherVariables: otherVariables.union(extensions.variables))
    return HostSettings(
      folders: folders, metricsListen: addresses.metrics, httpListen: addresses.http, adminListen: addresses.admin,
      adminAllowRemote: remote, owner: owner, webConfig: webConfig(web, folders.config.value, current),
      shutdownDelay: .milliseconds(delay), drainTimeout: .milliseconds(drain),
      logLevel: logLevel(level), logFormat: logFormat(format, environment), seriesBudget: budget,
      extensions: extensions.settings, isStrict: isStrict, rows: rows(folders) + reader.rows + extensions.rows,
      findings: isStrict ? report.findings.map(\.asError) : report.findings)
  }

  /// A path in the file is relative to the file's folder, one from outside to the working directory.
  private static func webConfig(_ setting: Setting<String>, _ folder: String, _ current: String) -> String {
    guard !setting.value.isEmpty else { return "" }
    if case .file = setting.origin {
      return Path.normalized(setting.value, from: Path.normalized(folder, from: current))
    }
    return Path.normalized(setting.value, from: current)
  }

  private static func listenAddresses(
    _ reader: SettingsReader, _ report: ConfigReport
  ) -> (metrics: ListenAddress, http: ListenAddress, admin: ListenAddress) {
    func address(_ role: String, _ builtIn: ListenAddress) -> ListenAddress {
      let setting = reader.text(
        "listen.\(role)", flag: "--\(role)-listen", variable: "NEXO_\(role.uppercased())_LISTEN",
        default: "\(builtIn)")
      if let address = ListenAddress(setting.value) { return address }
      report.error(
        .configOutOfRange, at: nil, "listen.\(role): '\(setting.value)' is not an address (\(setting.origin))",
        remedy: "Write a numeric address and a port: 127.0.0.1:9090, [::1]:9090, :9090.")
      return builtIn
    }
    return (
      address("metrics", ListenAddress(host: "0.0.0.0", port: 9_090)),
      address("http", ListenAddress(host: "0.0.0.0", port: 8_080)),
      address("admin", ListenAddress(host: "127.0.0.1", port: 9_091))
    )
  }

  private static func ownerSettings(_ reader: SettingsReader, _ report: ConfigReport) -> OwnerSettings {
    var settings = OwnerSettings()
    let url = reader.text("http.public_url", default: "")
    settings.publicURL = url.value.hasSuffix("/") ? String(url.value.dropLast()) : url.value
    let rest = ["http://", "https://"].first { settings.publicURL.hasPrefix($0) }.map {
      settings.publicURL.dropFirst($0.count)
    }
    if !url.value.isEmpty, rest.map({ $0.isEmpty || !$0.allSatisfy(isAuthority) }) ?? true {
      report.error(
        .configOutOfRange, at: nil, "http.public_url: '\(url.value)' is not an origin (\(url.origin))",
        remedy: "Write scheme, name and port only: https://host.example:8443.")
    }
    settings.trustsLoopback = reader.bool("http.owner_loopback", default: true).value
    settings.sessionLife = .seconds(reader.integer("http.session_secs", default: 86_400, in: 1...2_592_000).value)
    return settings
  }

  private static func isAuthority(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || ".-:[]".contains(character))
  }

  private static func rows(_ folders: Folders) -> [SettingRow] {
    [
      SettingRow(key: "config", shown: folders.config.value, origin: folders.config.origin),
      SettingRow(key: "state_dir", shown: folders.state.value, origin: folders.state.origin),
    ]
  }

  private static func logLevel(_ level: Level) -> LogLevel {
    switch level {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }

  /// journald's priorities are used when stderr is its socket (systemd.exec(5), `JOURNAL_STREAM`), unless JSON is asked.
  private static func logFormat(_ format: Format, _ environment: [String: String]) -> LogSink.Format {
    switch format {
    case .json: .json
    case .text: JournalStream.isStderr(environment["JOURNAL_STREAM"]) ? .journal : .text
    }
  }
}
