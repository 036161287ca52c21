// The base manifest of the tests and short ways to judge changed copies of it.
//
// SPDX-License-Identifier: Apache-2.0

import HostPlugins
import HostReasons

enum Sample {
  static let rules = ManifestRules(hostVersion: SemVer(0, 1, 5))

  /// Every table once; 31 lines.
  static let full = """
    [plugin]
    id = "my-weather"
    version = "0.1.0"
    name = "Weather"
    description = "Forecasts"
    min_agent_version = "0.1.0"
    priority = -3

    [capabilities]
    channels = ["weather"]
    routes = ["/weather/*", "/weather"]
    metrics = ["my_weather_*", "weather_calls_total"]
    tools = ["get_weather"]
    hooks = ["no_such_hook"]
    providers = ["open_meteo"]
    pollers = ["alerts"]

    [transport]
    kind = "library"
    library = "libweather.so"

    [requires]
    bins = ["curl", "jq"]
    env = ["API_TOKEN", "API_BASE_URL"]

    [context]
    passthrough = true

    [meta]
    author = "José Ñandú 天"
    license = "Apache-2.0"
    """

  /// The reference's base document: four lines that matter.
  static func small(
    id: String = #""my-weather""#, version: String = #""0.1.0""#, plugin: String = "",
    capabilities: String = #"tools = ["get_weather"]"#,
    transport: String = "kind = \"stdio\"\ncommand = \"./my-weather\"",
    more: String = ""
  ) -> String {
    "[plugin]\nid = \(id)\nversion = \(version)\n\(plugin)\n[capabilities]\n\(capabilities)\n[transport]\n\(transport)\n\(more)\n"
  }

  static func read(_ text: String) -> ManifestReading {
    ManifestParser.parse(Array(text.utf8), file: "plugin.toml", rules: rules)
  }

  static func errors(_ text: String) -> [String] {
    read(text).findings.filter { $0.severity == .error }.map(\.reason.code)
  }
}

extension Sample {
  /// The manifest of the ELF tests' library.
  static let weather = """
    [plugin]
    id = "weather"
    version = "0.1.0"
    [capabilities]
    tools = ["get_weather"]
    [transport]
    kind = "library"
    library = "libweather.so"
    """
}
