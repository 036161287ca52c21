// `agent help metrics`: the metric families that this build declares, as a table or as JSON. What checks dashboards and
// alerts reads it, so that a family that is renamed, dropped or relabelled is missed there and not by night.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostMetrics

/// The catalogue for people and programs.
enum MetricsHelp {
  static func show(_ call: Invocation) {
    if call.has("json") {
      call.console.print(JSON.array(Families.all.map(json)).text(pretty: true))
      return
    }
    var table = TextTable("FAMILY", "TYPE", "LABELS", "MEANING")
    for family in Families.all {
      table.add(family.name, family.kind.rawValue, family.labels.map(\.name).joined(separator: ","), family.help)
    }
    for line in table.lines { call.console.print(line) }
  }

  private static func json(_ family: FamilySpec) -> JSON {
    [
      "name": .string(family.name), "type": .string(family.kind.rawValue), "help": .string(family.help),
      "labels": .array(
        family.labels.map { label in
          ["name": .string(label.name), "values": label.closedSet.map { .array($0.map(JSON.string)) } ?? .null]
        }),
    ]
  }
}
