// Help texts, made from the commands' own descriptions. `agent help`, `agent help COMMAND`, `--help` anywhere.
//
// SPDX-License-Identifier: Apache-2.0

/// Words for people about commands.
package struct Usage: Sendable {
  package let parser: CommandParser

  package init(_ parser: CommandParser) { self.parser = parser }

  /// The overview: all commands with their summaries.
  package var overview: String {
    var table = TextTable("", "")
    for command in parser.commands { table.add("  " + synopsis(command), command.summary) }
    return """
      nexo: a host for messaging agents and their plugins.

      usage: agent COMMAND [OPTIONS]        (`nexo` is the same program)

      \(table.lines.dropFirst().joined(separator: "\n"))

      `agent help COMMAND` says more about one; `agent help exit-codes` lists the exit codes.

      """
  }

  /// One command in full.
  package func help(for command: CommandSpec) -> String {
    var text = "\(command.summary).\n\nusage: agent \(synopsis(command)) [OPTIONS]\n"
    if !command.details.isEmpty { text += "\n\(command.details)\n" }
    if !command.arguments.isEmpty {
      var table = TextTable("", "")
      for argument in command.arguments { table.add("  " + argument.name, argument.help) }
      text += "\n" + table.lines.dropFirst().joined(separator: "\n") + "\n"
    }
    text += "\noptions:\n" + options(command.options + parser.common) + "\n"
    return text
  }

  /// Several commands that share their first word.
  package func help(forFamily word: String) -> String? {
    let family = parser.commands.filter { $0.words.first == word }
    guard !family.isEmpty else { return nil }
    if family.count == 1, let only = family.first, only.words.count == 1 { return help(for: only) }
    var table = TextTable("", "")
    for command in family { table.add("  agent " + synopsis(command), command.summary) }
    return table.lines.dropFirst().joined(separator: "\n") + "\n"
  }

  /// The table of exit codes.
  package static var exitCodes: String {
    var table = TextTable("CODE", "MEANING")
    for code in ExitCode.allCases { table.add("\(code.rawValue)", code.meaning) }
    return table.lines.joined(separator: "\n") + "\n"
  }

  private func synopsis(_ command: CommandSpec) -> String {
    ([command.name]
      + command.arguments.map { argument in
        let name = argument.name + (argument.repeats ? "..." : "")
        return argument.required ? name : "[\(name)]"
      }).joined(separator: " ")
  }

  private func options(_ options: [OptionSpec]) -> String {
    var table = TextTable("", "")
    for option in options.sorted(by: { $0.name < $1.name }) {
      let choices = option.choices.isEmpty ? option.value : option.choices.joined(separator: "|")
      table.add("  --\(option.name)" + (choices.map { " \($0)" } ?? ""), option.help)
    }
    return table.lines.dropFirst().joined(separator: "\n")
  }
}
