// `agent ext list / info / explain`: what the running host says of its extensions, or, with none running, what a sweep
// of the same folders says.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// Commands that show extensions.
enum ExtListing {
  static let list = CommandSpec(
    ["ext", "list"], "Lists every extension with its verdict and reason",
    details: "Asks the running host; with none running it judges the folders itself, without loading anything.",
    options: [extensions]
  ) { call in
    guard let rows = await rows(call) else { return .unavailable }
    if call.has("json") {
      call.console.print(JSON.array(rows).text(pretty: true))
      return .done
    }
    var table = TextTable("ID", "VERSION", "STATUS", "REASON", "PATH")
    for row in rows {
      table.add(
        row["id"]?.string ?? "", row["version"]?.string ?? "-", painted(row["status"]?.string ?? "", call.console),
        row["reason"]?.string ?? "", row["path"]?.string ?? "")
    }
    if table.isEmpty {
      call.console.print("no extensions in \(call.settings().extensions.searchPaths.joined(separator: ", "))")
    }
    for line in table.lines where !table.isEmpty { call.console.print(line) }
    return .done
  }

  static let info = CommandSpec(
    ["ext", "info"], "Shows all that is known of one extension",
    arguments: [ArgumentSpec("ID", "the extension's id")], options: [extensions]
  ) { call in
    await one(call) { row in
      var table = TextTable("", "")
      for (name, value) in row.object ?? [:] where name != "findings" { add(name, value, to: &table) }
      return table.lines.dropFirst().joined(separator: "\n")
    }
  }

  static let explain = CommandSpec(
    ["ext", "explain"], "Says why an extension has its verdict, with every finding and its remedy",
    arguments: [ArgumentSpec("ID", "the extension's id")], options: [extensions]
  ) { call in
    await one(call) { row in
      let id = row["id"]?.string ?? ""
      var lines = ["\(id): \(row["status"]?.string ?? "")" + (row["reason"]?.string.map { " (\($0))" } ?? "")]
      for finding in row["findings"]?.array ?? [] { lines += words(finding) }
      if lines.count == 1 { lines.append("  no findings") }
      return lines.joined(separator: "\n")
    }
  }

  static let extensions = OptionSpec(
    "extensions", value: "DIR", repeats: true, "where extensions are; may be given several times")

  private static func one(_ call: Invocation, _ show: (JSON) -> String) async -> ExitCode {
    guard let rows = await rows(call) else { return .unavailable }
    let id = call.arguments[0]
    guard let row = rows.first(where: { $0["id"]?.string == id }) else {
      let hint = Suggestion.nearest(to: id, in: rows.compactMap { $0["id"]?.string }).map { " Did you mean '\($0)'?" }
      call.console.complain("no extension '\(id)'.\(hint ?? " `agent ext list` lists them.")")
      return .notFound
    }
    call.console.print(call.has("json") ? row.text(pretty: true) : show(row))
    return .done
  }

  /// The records as JSON; nil, with a complaint, when a host is there and does not answer.
  private static func rows(_ call: Invocation) async -> [JSON]? {
    if !call.has("extensions") {
      switch await AdminClient(call).ask("GET", "/admin/extensions") {
      case .answer(200, let body): return body.array ?? []
      case .answer(let status, let body):
        call.console.complain("the host answered \(status): \(AdminClient.words(body))")
        return nil
      case .failed(let why):
        call.console.complain("the host did not answer: \(why)")
        return nil
      case .absent: break
      }
      call.console.complain("no host is running; this is what the files say")
    }
    let (sweep, _) = OfflineExtensions.sweep(call.settings())
    return sweep.candidates.map { ExtensionRecord(judged: $0).json }
  }

  private static func painted(_ status: String, _ console: Console) -> String {
    switch status {
    case "ok": console.painted(status, .green)
    case "disabled": console.painted(status, .yellow)
    default: console.painted(status, .red)
    }
  }

  private static func add(_ name: String, _ value: JSON, to table: inout TextTable) {
    switch value {
    case .null: break
    case .object(let object):
      for (inner, value) in object { add("\(name).\(inner)", value, to: &table) }
    case .array(let values):
      if !values.isEmpty { table.add(name, values.map { $0.string ?? $0.text() }.joined(separator: ", ")) }
    default: table.add(name, value.string ?? value.text())
    }
  }

  private static func words(_ finding: JSON) -> [String] {
    let place = [finding["file"]?.string, finding["line"]?.integer.map(String.init)].compactMap { $0 }
    return [
      "  \(finding["severity"]?.string ?? "") \(finding["code"]?.string ?? ""): \(finding["message"]?.string ?? "")",
      "    at     \(place.joined(separator: ":"))", "    remedy \(finding["remedy"]?.string ?? "")",
    ]
  }
}
