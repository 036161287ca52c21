// The checks of `agent doctor` that try what a start would do: agents' files, the metrics listener's web configuration, the
// listeners' addresses, room for the ledger. Called by DoctorCommand; leaves nothing behind.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostAgents
internal import HostConfig
internal import HostHTTP
internal import HostLinux
internal import HostReasons
internal import HostWebConfig

extension DoctorCommand {
  /// Whether the agents' files can be taken.
  static func agents(_ settings: HostSettings) -> DoctorCheck {
    var warnings: [String] = []
    do throws(StartFailure) {
      let configuration = try AgentWiring.load(settings) { warnings.append("\($0)") }
      let names = configuration.agents.map(\.id).joined(separator: ", ")
      return DoctorCheck(
        "agents", warnings.isEmpty ? .ok : .warning, ([names] + warnings).joined(separator: "; "),
        remedy: "Follow the findings; `agent status` shows what runs.")
    } catch {
      return DoctorCheck(
        "agents", .failed, error.description.replacing("\n", with: "; "), remedy: "Mend the file that it names.")
    }
  }

  /// Whether the metrics listener can be closed as its file says, and for how long its certificate is good.
  static func webConfig(_ settings: HostSettings) -> DoctorCheck {
    guard !settings.webConfig.isEmpty else {
      return DoctorCheck("web configuration", .ok, "none: plain HTTP for everybody")
    }
    do throws(WebConfigError) {
      let web = try WebGuard(settings.webConfig, environment: Process.environment)
      guard let left = web.certificateTimeLeft else { return DoctorCheck("web configuration", .ok, settings.webConfig) }
      let days = left.components.seconds / 86_400
      return DoctorCheck(
        "web configuration", left <= .zero ? .failed : days < DoctorCommand.certificateDays ? .warning : .ok,
        left <= .zero ? "the certificate has expired" : "\(settings.webConfig), certificate good for \(days) days",
        remedy: "Renew the certificate; the running host takes the file up by itself.")
    } catch {
      return DoctorCheck(
        "web configuration", .failed, error.description.replacing("\n", with: "; "), remedy: Reason.listenerTLS.remedy)
    }
  }

  /// Days before its end at which a certificate is worth a word. Ours: a month's automation may have failed once.
  private static let certificateDays = 14

  /// Whether the addresses can be bound; where a host runs, it holds them.
  static func listeners(_ settings: HostSettings, hostRuns: Bool) -> DoctorCheck {
    guard !hostRuns else { return DoctorCheck("listeners", .ok, "held by the running host") }
    let addresses = [settings.metricsListen, settings.httpListen, settings.adminListen].map { "\($0)" }
    for (role, address) in zip(["metrics", "http", "admin"], addresses) {
      do {
        let setup = HTTPListenerSetup(name: role, address: address, router: Router(try RouteTable([])))
        _ = try HTTPServer([setup], loops: 1)
      } catch {
        return DoctorCheck(
          "listeners", .failed, "\(error)", remedy: "`ss -ltnp` shows who holds it; --\(role)-listen chooses another.")
      }
    }
    return DoctorCheck("listeners", .ok, addresses.joined(separator: ", ") + " can be bound")
  }

  /// Whether the ledger has room to write.
  static func space(_ settings: HostSettings) -> DoctorCheck {
    var path = settings.folders.state.value
    while path != "/", (try? FileStatus.of(path)) == nil { path = Path.parent(of: path) }
    var status = statvfs()
    guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), fstatvfs(folder.number, &status) == 0
    else {
      return DoctorCheck("disk space", .warning, "\(path): unknown", remedy: "Look at `df`.")
    }
    let free = (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20
    return DoctorCheck(
      "disk space", free < 64 ? .failed : free < 512 ? .warning : .ok, "\(free) MiB free at \(path)",
      remedy: "Make room, or choose another --state-dir: without it the ledger takes no messages.")
  }
}
