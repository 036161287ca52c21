// Where configuration and state live, by flag, environment and the XDG base directory specification.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux

/// The host's folders, each with what decided it.
struct Folders: Sendable {
  let config: Setting<String>
  let state: Setting<String>

  /// - Parameters:
  ///   - exists: whether a folder is there; tests give their own.
  ///   - current: the working directory that relative paths start from.
  init(
    flags: [String: String], environment: [String: String], current: String = Path.currentFolder(),
    exists: (String) -> Bool = { (try? FileStatus.of($0).kind) == .directory }
  ) {
    func given(_ flag: String, _ variable: String) -> Setting<String>? {
      if let value = flags[flag] { return Setting(Path.normalized(value, from: current), .flag(flag)) }
      guard let value = environment[variable], !value.isEmpty else { return nil }
      return Setting(Path.normalized(value, from: current), .environment(variable))
    }
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "/"
    func xdg(_ variable: String, _ fallback: String) -> String {
      // The specification has relative values ignored.
      let value = environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil }
      return Path.join(value ?? Path.join(home, fallback), "nexo")
    }
    let here = Path.join(current, "config")
    let user = xdg("XDG_CONFIG_HOME", ".config")
    config =
      given("--config", "NEXO_CONFIG")
      ?? Setting(exists(here) ? here : exists(user) ? user : "/etc/nexo", .builtIn)
    // systemd gives a colon-separated list when there are several (systemd.exec(5), StateDirectory=).
    let systemd = environment["STATE_DIRECTORY"].flatMap { $0.split(separator: ":").first }.map(String.init)
    state =
      given("--state-dir", "NEXO_STATE_DIR")
      ?? systemd.map { Setting($0, .environment("STATE_DIRECTORY")) }
      ?? Setting(xdg("XDG_STATE_HOME", ".local/state"), .builtIn)
  }
}
