// `agent version`, `agent explain`, `agent help`: commands that only tell what this build knows.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostReasons

/// Commands about the build itself.
enum AboutCommands {
  static func list(usage: @escaping @Sendable () -> Usage) -> [CommandSpec] {
    [version, explain, help(usage: usage)]
  }

  static let version = CommandSpec(["version"], "Prints version, revision, plugin ABI and Swift toolchain") { call in
    let facts: JSONObject = [
      "version": .string(Version.number), "revision": .string(Version.revision), "abi": .string(Version.abi),
      "swift": .string(Version.swift),
    ]
    if call.has("json") {
      call.console.print(JSON.object(facts).text(pretty: true))
    } else {
      call.console.print(
        "nexo \(Version.number) (\(Version.revision)), plugin ABI \(Version.abi), Swift \(Version.swift)")
    }
    return .done
  }

  static let explain = CommandSpec(
    ["explain"], "Says what a reason code means and what to do about it",
    details:
      "Without a code it lists them all, those that extensions declare in reasons.json beside their manifest too.",
    arguments: [ArgumentSpec("CODE", required: false, "a reason code, such as elf.missing_needed")],
    options: [ExtListing.extensions]
  ) { call in
    let plugins = PluginReasons.read(call.settings())
    for complaint in plugins.complaints { call.console.complain(complaint) }
    guard let code = call.arguments.first else {
      list(Reason.all + plugins.reasons, call)
      return .done
    }
    guard let reason = Reason.named(code) ?? plugins.reasons.first(where: { $0.code == code }) else {
      let codes = (Reason.all + plugins.reasons).map(\.code)
      let hint = Suggestion.nearest(to: code, in: codes).map { " Did you mean '\($0)'?" }
      call.console.complain("no reason code '\(code)'.\(hint ?? " `agent explain` lists them.")")
      return .notFound
    }
    call.console.print(call.has("json") ? json(reason).text(pretty: true) : words(reason))
    return .done
  }

  private static func list(_ reasons: [Reason], _ call: Invocation) {
    if call.has("json") {
      call.console.print(JSON.array(reasons.map(json)).text(pretty: true))
      return
    }
    var table = TextTable("CODE", "CAUSE")
    for reason in reasons { table.add(reason.code, reason.cause) }
    for line in table.lines { call.console.print(line) }
  }

  private static func json(_ reason: Reason) -> JSON {
    [
      "code": .string(reason.code), "cause": .string(reason.cause), "evidence": .string(reason.evidence),
      "remedy": .string(reason.remedy),
    ]
  }

  private static func words(_ reason: Reason) -> String {
    """
    \(reason.code)

    cause     \(reason.cause)
    evidence  \(reason.evidence)
    remedy    \(reason.remedy)
    """
  }

  static func help(usage: @escaping @Sendable () -> Usage) -> CommandSpec {
    CommandSpec(
      ["help"], "Lists the commands, or says more about one",
      details:
        "`agent help metrics` lists the metric families with their labels, `agent help exit-codes` the exit codes.",
      arguments: [ArgumentSpec("COMMAND", required: false, repeats: true, "a command, exit-codes or metrics")],
      options: [OptionSpec("man", "prints the manual page agent(1) as roff: `agent help --man | man -l -`")]
    ) { call in
      let usage = usage()
      if call.has("man") {
        call.console.out(ManualPage(usage.parser).text)
        return .done
      }
      if call.arguments == ["metrics"] {
        MetricsHelp.show(call)
        return .done
      }
      if call.arguments.isEmpty {
        call.console.out(usage.overview)
        return .done
      }
      if call.arguments == ["exit-codes"] {
        call.console.out(Usage.exitCodes)
        return .done
      }
      if let command = usage.parser.commands.first(where: { $0.words == call.arguments }) {
        call.console.out(usage.help(for: command))
        return .done
      }
      if call.arguments.count == 1, let text = usage.help(forFamily: call.arguments[0]) {
        call.console.out(text)
        return .done
      }
      let known = Set(usage.parser.commands.map(\.name)).union(["exit-codes", "metrics"])
      let word = call.arguments.joined(separator: " ")
      let hint = Suggestion.nearest(to: word, in: known).map { " Did you mean '\($0)'?" } ?? ""
      call.console.complain("no command '\(word)'.\(hint)")
      return .usage
    }
  }
}
