// `agent completion SHELL`: prints the completion script of a shell.
//
// SPDX-License-Identifier: Apache-2.0

/// Commands for the shell that a person types in.
enum ShellCommands {
  static func list(parser: @escaping @Sendable () -> CommandParser) -> [CommandSpec] { [completion(parser)] }

  private static func completion(_ parser: @escaping @Sendable () -> CommandParser) -> CommandSpec {
    CommandSpec(
      ["completion"], "Prints a script that completes command lines in a shell",
      details: "In bash: `source <(agent completion bash)`. The Debian package installs all three.",
      arguments: [
        ArgumentSpec("SHELL", choices: CompletionShell.allCases.map(\.rawValue), "bash, zsh or fish")
      ]
    ) { call in
      guard let shell = call.arguments.first.flatMap(CompletionShell.init(rawValue:)) else {
        call.console.complain("no script for '\(call.arguments.first ?? "")'. Write bash, zsh or fish.")
        return .usage
      }
      call.console.out(CompletionModel(parser()).script(shell))
      return .done
    }
  }
}
