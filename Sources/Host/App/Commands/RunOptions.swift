// The options of `agent run` that other commands take as well, and how an invocation becomes settings.
//
// SPDX-License-Identifier: Apache-2.0

/// Options that decide the host's settings.
enum RunOptions {
  /// Of commands that judge the configuration.
  static let strict = OptionSpec("strict", "takes every warning about the configuration as an error")

  static let listeners: [OptionSpec] = [
    OptionSpec("extensions", value: "DIR", repeats: true, "where extensions are; may be given several times"),
    OptionSpec("metrics-listen", value: "ADDRESS", "address of /metrics (default 0.0.0.0:9090)"),
    OptionSpec("http-listen", value: "ADDRESS", "address of health, readiness and plugin pages (default 0.0.0.0:8080)"),
    OptionSpec("admin-listen", value: "ADDRESS", "address of the admin console (default 127.0.0.1:9091)"),
    OptionSpec("admin-allow-remote", "lets the admin console listen on an address that is not loopback"),
    OptionSpec(
      "web-config", value: "FILE",
      "TLS and basic auth of the metrics listener, in the format of Prometheus' exporter toolkit"),
    OptionSpec("shutdown-delay", value: "MS", "milliseconds between not ready and closing the listeners (default 0)"),
  ]
}

extension Invocation {
  /// The settings that this call's flags, its environment and the files give.
  func settings() -> HostSettings {
    var flags: [String: String] = [:]
    for (name, values) in options where name != "extensions" { flags["--\(name)"] = values.last ?? "true" }
    return HostSettings.read(flags: flags, searchPaths: values("extensions"), environment: environment)
  }
}
