// `agent config show`: the settings in force, and where each comes from.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON

/// Commands about the configuration.
enum ConfigCommands {
  static let list: [CommandSpec] = [show]

  static let show = CommandSpec(
    ["config", "show"], "Prints the settings as they would be in force",
    details: "A value that came through a placeholder is shown as it is written. Findings go to stderr.",
    options: RunOptions.listeners + [
      OptionSpec("origin", "says where each value comes from: flag, environment, file or default")
    ]
  ) { call in
    let settings = call.settings()
    for finding in settings.findings { call.console.complain("\(finding)") }
    let withOrigin = call.has("origin")
    if call.has("json") {
      let rows = settings.rows.map { row -> JSON in
        var object: JSONObject = ["key": .string(row.key), "value": .string(row.shown)]
        if withOrigin { object["origin"] = .string("\(row.origin)") }
        return .object(object)
      }
      call.console.print(JSON.array(rows).text(pretty: true))
    } else {
      var table = TextTable("KEY", "VALUE", withOrigin ? "ORIGIN" : "")
      for row in settings.rows { table.add(row.key, row.shown, withOrigin ? "\(row.origin)" : "") }
      for line in table.lines { call.console.print(line) }
    }
    return settings.hasErrors ? .configuration : .done
  }
}
