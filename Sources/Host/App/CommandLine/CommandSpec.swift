// What a command is called, takes and does, as data: the parser, the help texts, the man pages and the shell completion
// all read it. The commands themselves are in Commands/, one file a family, and Catalogue.swift lists them.
//
// SPDX-License-Identifier: Apache-2.0

/// A long option.
package struct OptionSpec: Sendable, Hashable {
  /// Without the dashes: `state-dir`. One name has one arity in all commands.
  package let name: String
  /// The placeholder of its value, or nil for a switch.
  package let value: String?
  /// One line.
  package let help: String
  /// May be given several times.
  package let repeats: Bool
  /// The values that are allowed; empty: any.
  package let choices: [String]

  package init(_ name: String, value: String? = nil, repeats: Bool = false, choices: [String] = [], _ help: String) {
    self.name = name
    self.value = value
    self.repeats = repeats
    self.choices = choices
    self.help = help
  }
}

/// A positional argument.
package struct ArgumentSpec: Sendable, Hashable {
  /// The placeholder: `ID`.
  package let name: String
  package let help: String
  package let required: Bool
  /// Takes all that is left.
  package let repeats: Bool
  /// The values that are meant, for completion; empty: any.
  package let choices: [String]

  package init(
    _ name: String, required: Bool = true, repeats: Bool = false, choices: [String] = [], _ help: String
  ) {
    self.name = name
    self.help = help
    self.required = required
    self.repeats = repeats
    self.choices = choices
  }
}

/// One command.
package struct CommandSpec: Sendable {
  /// The words that name it: `["ext", "list"]`.
  package let words: [String]
  /// One line, without a full stop.
  package let summary: String
  /// More, for its own help; may be empty.
  package let details: String
  package let arguments: [ArgumentSpec]
  package let options: [OptionSpec]
  /// Does the work; its result is the process's exit code.
  package let body: @Sendable (Invocation) async -> ExitCode

  package init(
    _ words: [String], _ summary: String, details: String = "", arguments: [ArgumentSpec] = [],
    options: [OptionSpec] = [], body: @escaping @Sendable (Invocation) async -> ExitCode
  ) {
    self.words = words
    self.summary = summary
    self.details = details
    self.arguments = arguments
    self.options = options
    self.body = body
  }

  /// `ext list`.
  package var name: String { words.joined(separator: " ") }
}

/// A command as it was called.
package struct Invocation: Sendable {
  /// The name it was called by: `agent` or `nexo`.
  package let program: String
  package let arguments: [String]
  package let options: [String: [String]]
  package let environment: [String: String]
  package let console: Console

  /// Whether a switch was given.
  package func has(_ option: String) -> Bool { options[option] != nil }
  /// The option's last value.
  package func value(_ option: String) -> String? { options[option]?.last }
  /// All its values, in order.
  package func values(_ option: String) -> [String] { options[option] ?? [] }
}
