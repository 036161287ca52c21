// The tables of docs/operations.md as the code would write them: families, reasons, commands, settings, limits, log
// messages. Called by OperationsDocTests, which compares them with the page and, when asked, writes them into it.
// A table's last column may be the writer's own words: those are kept from the page as it is.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostHTTP
import HostLinux
import HostMetrics
import HostReasons

@testable import HostApp

/// One generated table.
struct OperationsTable {
  /// Between `<!-- generated: name -->` and `<!-- end: name -->`.
  let name: String
  let headings: [String]
  /// Cells as Markdown; without the last column when ``hasNotes``.
  let rows: [[String]]
  /// Whether the last column is written by hand, one note for each first cell.
  var hasNotes = false

  /// The table's text; a note that the page does not have yet is empty.
  func text(notes: [String: String]) -> String {
    let lines = rows.map { row in hasNotes ? row + [notes[row.first ?? ""] ?? ""] : row.map(Self.escaped) }
    let rule = headings.map { _ in "---" }
    return ([headings, rule] + lines).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
  }

  private static func escaped(_ cell: String) -> String { cell.replacing("|", with: "\\|") }
}

extension OperationsTable {
  static var all: [OperationsTable] {
    [families, buckets, reasons, pluginReasons, exitCodes, commands, options, settings, limits, logMessages]
  }

  private static func code(_ text: some StringProtocol) -> String { "`\(text)`" }

  private static var families: OperationsTable {
    let rows = Families.all.map { spec in
      let labels = spec.labels.map { label in
        code(label.name) + (label.closedSet.map { " (" + $0.map(code).joined(separator: ", ") + ")" } ?? "")
      }
      return [
        code(spec.name), spec.kind.rawValue, labels.joined(separator: ", "),
        spec.help + (spec.isJoinable ? " A plugin may add series of its own." : ""),
      ]
    }
    return OperationsTable(name: "families", headings: ["family", "type", "labels", "meaning"], rows: rows)
  }

  private static var buckets: OperationsTable {
    let rows = Families.all.filter { $0.kind == .histogram }.map { spec in
      [code(spec.name), spec.bounds.map { number($0) }.joined(separator: ", ")]
    }
    return OperationsTable(name: "buckets", headings: ["histogram", "upper bounds"], rows: rows)
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }

  private static var reasons: OperationsTable {
    OperationsTable(
      name: "reasons", headings: ["code", "cause", "remedy"],
      rows: Reason.all.map { [code($0.code), $0.cause, $0.remedy] })
  }

  /// What the extensions that ship declare beside their manifests.
  private static var pluginReasons: OperationsTable {
    let folder = OperationsPage.path("extensions")
    let rows = OperationsPage.names(in: folder).flatMap { name -> [[String]] in
      let reasons = (try? PluginReasons.parse("\(folder)/\(name)/reasons.json")) ?? []
      return reasons.sorted { $0.code < $1.code }.map { [code($0.code), name, $0.cause, $0.remedy] }
    }
    return OperationsTable(name: "plugin-reasons", headings: ["code", "extension", "cause", "remedy"], rows: rows)
  }

  private static var exitCodes: OperationsTable {
    OperationsTable(
      name: "exit-codes", headings: ["code", "meaning"], rows: ExitCode.allCases.map { ["\($0.rawValue)", $0.meaning] })
  }

  private static var commands: OperationsTable {
    let rows = Program.parser.commands.map { command in
      let arguments = command.arguments.map { argument in
        let name = argument.name + (argument.repeats ? "..." : "")
        return argument.required ? " \(name)" : " [\(name)]"
      }
      return [code("agent " + command.name + arguments.joined()), command.summary]
    }
    return OperationsTable(name: "commands", headings: ["command", "what it does"], rows: rows)
  }

  private static var options: OperationsTable {
    var takers: [OptionSpec: [String]] = [:]
    for option in Program.parser.common { takers[option] = ["every command"] }
    for command in Program.parser.commands {
      for option in command.options { takers[option, default: []].append(code(command.name)) }
    }
    let rows = takers.sorted { ($0.key.name, $0.key.help) < ($1.key.name, $1.key.help) }.map { option, takers in
      let value = option.choices.isEmpty ? option.value : option.choices.joined(separator: "|")
      return [code("--" + option.name + (value.map { " \($0)" } ?? "")), takers.joined(separator: ", "), option.help]
    }
    return OperationsTable(name: "options", headings: ["option", "taken by", "what it does"], rows: rows)
  }

  private static var limits: OperationsTable {
    let rows = Mirror(reflecting: HTTPLimits()).children.map { [code($0.label ?? ""), "\($0.value)"] }
    return OperationsTable(name: "limits", headings: ["limit", "value", "meaning"], rows: rows, hasNotes: true)
  }

  private static var settings: OperationsTable {
    let rows = SettingFacts.all.map { fact in
      [code(fact.key), fact.builtIn.isEmpty ? "empty" : code(fact.builtIn)]
        + [fact.flag, fact.variable].map { $0.map(code) ?? "" }
    }
    return OperationsTable(
      name: "settings", headings: ["key", "default", "flag", "variable", "meaning"], rows: rows, hasNotes: true)
  }

  private static var logMessages: OperationsTable {
    let rows = LogCalls.all.map { call in
      ["\(code(call.message)) (\(call.level))", call.module, call.keys.map(code).joined(separator: ", ")]
    }
    return OperationsTable(
      name: "log-messages", headings: ["message", "module", "keys", "meaning"], rows: rows, hasNotes: true)
  }
}

/// A setting as the reader treats it: found by trying every flag and variable, not by reading its source.
struct SettingFacts {
  let key: String
  let builtIn: String
  let flag: String?
  let variable: String?

  private static let samples = ["127.0.0.1:1", "1", "true", "debug", "json", "/x"]

  static var all: [SettingFacts] {
    let names = Set((Program.parser.commands.flatMap(\.options) + Program.parser.common).map { "--" + $0.name })
    let base = read()
    let variables = Set(base.map { SettingsReader.variable(of: $0.key) } + base.compactMap(listenVariable))
      .union(["NEXO_EXTENSIONS"])
    let byFlag = owners(
      of: names, origin: { .flag($0) },
      read: { $0 == "--extensions" ? read(searchPaths: [$1]) : read(flags: [$0: $1]) })
    let byVariable = owners(of: variables, origin: { .environment($0) }, read: { read(environment: [$0: $1]) })
    return base.map { row in
      SettingFacts(key: row.key, builtIn: shown(row.shown), flag: byFlag[row.key], variable: byVariable[row.key])
    }
  }

  /// Key to the name that sets it.
  private static func owners(
    of names: Set<String>, origin: (String) -> SettingOrigin, read: (String, String) -> [SettingRow]
  ) -> [String: String] {
    var owners: [String: String] = [:]
    for name in names {
      for value in samples {
        for row in read(name, value) where row.origin == origin(name) { owners[row.key] = name }
      }
    }
    return owners
  }

  private static func read(
    flags: [String: String] = [:], searchPaths: [String] = [], environment: [String: String] = [:]
  ) -> [SettingRow] {
    HostSettings.read(
      flags: flags, searchPaths: searchPaths, environment: environment.merging(["HOME": "/home/nobody"]) { $1 },
      current: "/nowhere"
    ).rows
  }

  private static func listenVariable(_ row: SettingRow) -> String? {
    guard row.key.hasPrefix("listen.") else { return nil }
    return "NEXO_\(row.key.dropFirst("listen.".count).uppercased())_LISTEN"
  }

  private static func shown(_ value: String) -> String {
    value.replacing("/home/nobody", with: "~").replacing("/nowhere", with: ".")
  }
}

/// The calls of `Log` in the host's sources.
struct LogCalls {
  let level: String
  let message: String
  let module: String
  let keys: [String]

  /// By message, then level; two calls of one module with the same message and level are one.
  static var all: [LogCalls] {
    var found: [String: LogCalls] = [:]
    let root = OperationsPage.path("Sources/Host")
    for file in files(below: root) {
      guard let bytes = try? AtomicFile.read(file) else { continue }
      let folder = file.dropFirst(root.utf8.count + 1).prefix { $0 != "/" }
      for call in calls(in: String(decoding: bytes, as: UTF8.self), module: "Host\(folder)") {
        found["\(call.message) \(call.level) \(call.module)"] = call
      }
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func calls(in text: String, module: String) -> [LogCalls] {
    text.ranges(of: "log.").compactMap { range in
      let line = text[..<range.lowerBound].suffix { $0 != "\n" }
      var rest = text[range.upperBound...]
      let level = String(rest.prefix { $0 != "(" && $0 != "\n" })
      guard !line.contains("//"), ["trace", "debug", "info", "warning", "error"].contains(level) else { return nil }
      rest = rest.dropFirst(level.count + 1).drop(while: \.isWhitespace)
      guard rest.first == "\"" else { return nil }
      let message = rest.dropFirst().prefix { $0 != "\"" }
      rest = rest.dropFirst(message.count + 2).drop { $0 == "," || $0.isWhitespace }
      let fields = rest.first == "[" ? rest.prefix { $0 != "]" } : ""
      let keys = fields.split(separator: "\":", omittingEmptySubsequences: false).dropLast().map { part in
        String(part.suffix { $0 != "\"" })
      }
      return LogCalls(level: level, message: String(message), module: module, keys: keys)
    }
  }

  private static func files(below folder: String) -> [String] {
    OperationsPage.names(in: folder).flatMap { name -> [String] in
      let path = Path.join(folder, name)
      if (try? FileStatus.of(path).kind) == .directory { return files(below: path) }
      return name.hasSuffix(".swift") ? [path] : []
    }
  }
}

extension Substring {
  /// The longest end whose characters all satisfy the condition.
  fileprivate func suffix(while condition: (Character) -> Bool) -> Substring {
    guard let last = lastIndex(where: { !condition($0) }) else { return self }
    return self[index(after: last)...]
  }
}
