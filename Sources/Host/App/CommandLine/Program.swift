// The program: parses the command line, answers --help, runs the command. Called by Main and by tests.
//
// SPDX-License-Identifier: Apache-2.0

/// Entry to every command.
package enum Program {
  /// Options that every command takes.
  static let common: [OptionSpec] = [
    OptionSpec("help", "prints this help"),
    OptionSpec("json", "prints data as JSON"),
    OptionSpec("config", value: "DIR", "configuration folder (./config, else $XDG_CONFIG_HOME/nexo, else /etc/nexo)"),
    OptionSpec("state-dir", value: "DIR", "state folder ($STATE_DIRECTORY, else $XDG_STATE_HOME/nexo)"),
    OptionSpec(
      "endpoint", value: "URL", "admin console of the running host (default http://127.0.0.1:9091)"),
    OptionSpec(
      "log-level", value: "LEVEL", choices: ["trace", "debug", "info", "warning", "error"],
      "least level that is logged (default info)"),
    OptionSpec("log-format", value: "FORMAT", choices: ["text", "json"], "layout of log lines on stderr"),
  ]

  /// All commands, in the order of the overview.
  package static let parser = CommandParser(commands: commands, common: common)

  private static var commands: [CommandSpec] {
    [RunCommand.run, StatusCommand.status] + CheckCommands.list + ExtCommands.list + PairCommands.list
      + [LinkCommand.link] + [VerifyCommand.verify] + DeadLetterCommands.list + ConfigCommands.list
      + [DoctorCommand.doctor]
      + ShellCommands.list(parser: { parser }) + AboutCommands.list(usage: { Usage(parser) })
  }

  /// Runs a command line.
  ///
  /// - Parameter arguments: all words, the program's name first.
  /// - Returns: the process's exit code.
  package static func run(
    _ arguments: [String], environment: [String: String], console: Console
  ) async -> ExitCode {
    let program = arguments.first.flatMap { $0.split(separator: "/").last }.map(String.init) ?? "agent"
    let parsed: ParsedCommand
    do throws(UsageError) { parsed = try parser.parse(Array(arguments.dropFirst())) } catch {
      console.complain("\(error)")
      return .usage
    }
    if parsed.wantsHelp {
      let usage = Usage(parser)
      let family = parsed.command.words == ["help"] ? parsed.arguments.first : nil
      console.out(
        family.flatMap { usage.help(forFamily: $0) }
          ?? (parsed.command.words == ["help"] ? usage.overview : usage.help(for: parsed.command)))
      return .done
    }
    return await parsed.command.body(
      Invocation(
        program: program, arguments: parsed.arguments, options: parsed.options, environment: environment,
        console: console))
  }
}
