// `agent doctor`: at most 20 checks of what a host needs, each with its remedy. Changes nothing.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// One check's outcome.
struct DoctorCheck: Sendable {
  enum Result: String, Sendable { case ok, warning, failed }
  let name: String
  let result: Result
  /// What was seen.
  let detail: String
  /// What to do; empty when it is ok.
  let remedy: String

  init(_ name: String, _ result: Result, _ detail: String, remedy: String = "") {
    self.name = name
    self.result = result
    self.detail = detail
    self.remedy = result == .ok ? "" : remedy
  }

  var json: JSON {
    [
      "check": .string(name), "result": .string(result.rawValue), "detail": .string(detail), "remedy": .string(remedy),
    ]
  }
}

/// The command.
enum DoctorCommand {
  static let doctor = CommandSpec(
    ["doctor"], "Checks what a host needs on this machine, each finding with its remedy",
    details: "Exit code 3 when a check failed; warnings alone are 0.", options: [ExtListing.extensions]
  ) { call in
    let settings = call.settings()
    let checks = await all(settings, call)
    if call.has("json") {
      call.console.print(JSON.array(checks.map(\.json)).text(pretty: true))
    } else {
      for check in checks {
        let colour: Console.Colour = check.result == .ok ? .green : check.result == .warning ? .yellow : .red
        let mark = check.result.rawValue + String(repeating: " ", count: 8 - check.result.rawValue.count)
        call.console.print("\(call.console.painted(mark, colour))\(check.name): \(check.detail)")
        if !check.remedy.isEmpty { call.console.print("        \(check.remedy)") }
      }
    }
    return checks.contains { $0.result == .failed } ? .problems : .done
  }

  /// As many checks as a person reads.
  private static let most = 20

  private static func all(_ settings: HostSettings, _ call: Invocation) async -> [DoctorCheck] {
    let running = await host(settings, call)
    var checks = [
      configuration(settings), agents(settings), webConfig(settings), install(), stateFolder(settings), space(settings),
      descriptors(), maps(), extensions(settings), quarantine(settings), seccomp(),
      listeners(settings, hostRuns: running.answers), running.check,
    ]
    checks += settings.extensions.searchPaths.map(searchPath).prefix(most - checks.count)
    return checks
  }

  private static func configuration(_ settings: HostSettings) -> DoctorCheck {
    let errors = settings.findings.filter { $0.severity == .error }
    let text = settings.findings.map { "\($0)" }.joined(separator: "; ")
    return DoctorCheck(
      "configuration", errors.isEmpty ? (settings.findings.isEmpty ? .ok : .warning) : .failed,
      settings.findings.isEmpty ? "\(settings.folders.config.value), no findings" : text,
      remedy: "`agent config show --origin` shows what is in force.")
  }

  private static func install() -> DoctorCheck {
    let probe = Path.join(Path.executableFolder(), "nexo-probe")
    let isThere = access(probe, X_OK) == 0
    return DoctorCheck("probe", isThere ? .ok : .failed, probe, remedy: Reason.installIncomplete.remedy)
  }

  private static func stateFolder(_ settings: HostSettings) -> DoctorCheck {
    let path = settings.folders.state.value
    guard let status = try? FileStatus.of(path) else {
      return DoctorCheck("state folder", .ok, "\(path) will be made at the first start")
    }
    if status.kind != .directory || access(path, R_OK | W_OK | X_OK) != 0 {
      return DoctorCheck("state folder", .failed, "\(path) cannot be used", remedy: Reason.stateUnusable.remedy)
    }
    let isLax = status.permissions & 0o077 != 0
    return DoctorCheck(
      "state folder", isLax ? .warning : .ok, "\(path), mode \(String(status.permissions, radix: 8))",
      remedy: "chmod 0700 \(path); the host does it at its next start.")
  }

  private static func descriptors() -> DoctorCheck {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    return DoctorCheck(
      "open files", limit.rlim_max >= 4_096 ? .ok : .warning, "at most \(limit.rlim_max)",
      remedy: "Raise LimitNOFILE= or `ulimit -n`: each connection takes one.")
  }

  private static func maps() -> DoctorCheck {
    let text = (try? AtomicFile.read("/proc/sys/vm/max_map_count", limit: 64)).map {
      String(decoding: $0, as: UTF8.self)
    }
    let count = text.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    return DoctorCheck(
      "memory maps", count >= 65_530 ? .ok : .warning, "at most \(count)",
      remedy: "sysctl vm.max_map_count=65530: every new build of a plugin stays mapped until a restart.")
  }

  private static func searchPath(_ path: String) -> DoctorCheck {
    guard let status = try? FileStatus.of(path), status.kind == .directory else {
      return DoctorCheck(
        "extension folder", .warning, "\(path) is not there",
        remedy: "mkdir -p \(path), or set extensions.search_paths.")
    }
    let isOpen = status.permissions & 0o022 != 0
    return DoctorCheck(
      "extension folder", isOpen ? .failed : .ok, "\(path), mode \(String(status.permissions, radix: 8))",
      remedy: "chmod go-w \(path): who can write there runs code in the host.")
  }

  private static func extensions(_ settings: HostSettings) -> DoctorCheck {
    let (sweep, _) = OfflineExtensions.sweep(settings)
    let good = sweep.candidates.count - sweep.disabled - sweep.invalid
    return DoctorCheck(
      "extensions", sweep.invalid == 0 ? .ok : .failed,
      "\(good) fit to load, \(sweep.disabled) disabled, \(sweep.invalid) invalid",
      remedy: "`agent ext doctor` lists every finding.")
  }

  private static func quarantine(_ settings: HostSettings) -> DoctorCheck {
    let held = ExtensionState(folder: settings.folders.state.value).quarantined
    let crashes = CrashReports.pending(folder: settings.folders.state.value)
    return DoctorCheck(
      "crashes", held.isEmpty && crashes.isEmpty ? .ok : .warning,
      held.isEmpty && crashes.isEmpty
        ? "none" : "quarantined: \(held.keys.sorted().joined(separator: ", ")); new reports: \(crashes.count)",
      remedy: "Mend the plugin, then `agent ext clear ID`.")
  }

  private static func seccomp() -> DoctorCheck {
    let isThere = access("/proc/sys/kernel/seccomp/actions_avail", R_OK) == 0
    return DoctorCheck(
      "probe sandbox", isThere ? .ok : .warning, isThere ? "seccomp is available" : "the kernel has no seccomp",
      remedy: "New plugins are rehearsed with network access; use a kernel with CONFIG_SECCOMP_FILTER.")
  }

  /// The running host, and whether there is one.
  private static func host(_ settings: HostSettings, _ call: Invocation) async -> (check: DoctorCheck, answers: Bool) {
    let client = AdminClient(call)
    let name = "running host"
    switch await client.ask("GET", "/admin/extensions", timeout: .seconds(3)) {
    case .answer(200, _): return (DoctorCheck(name, .ok, client.endpoint), true)
    case .absent: return (DoctorCheck(name, .ok, "none at \(client.endpoint)"), false)
    case .answer(let status, _):
      let remedy = "Is it a nexo host? See --endpoint."
      return (DoctorCheck(name, .warning, "\(client.endpoint) answers \(status)", remedy: remedy), true)
    case .failed(let why):
      let remedy = "Look at its log; restart it if it hangs."
      return (DoctorCheck(name, .failed, "\(client.endpoint): \(why)", remedy: remedy), true)
    }
  }
}
