// Turns the words of a command line into a command with its options: pure, so that a table can test it.
// GNU long options: `--flag VALUE` and `--flag=VALUE`, before or after the words; `--` ends them; `-h` is `--help`.
// Does not read files or the environment, and does not know what options mean.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Why a command line is not one. The description is what the user reads; exit code 2.
package enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownCommand(String, nearest: String?)
  case incompleteCommand(String, choices: [String])
  case unknownOption(String, command: String, nearest: String?)
  case missingValue(option: String, placeholder: String)
  case unexpectedValue(option: String)
  case valueNotAllowed(option: String, value: String, choices: [String])
  case repeated(option: String)
  case missingArgument(String, command: String)
  case unexpectedArgument(String, command: String)

  package var description: String {
    switch self {
    case .unknownCommand(let word, let nearest):
      "unknown command '\(word)'." + (nearest.map { " Did you mean '\($0)'?" } ?? " `agent help` lists the commands.")
    case .incompleteCommand(let word, let choices):
      "'\(word)' needs one more word: \(choices.joined(separator: ", "))."
    case .unknownOption(let option, let command, let nearest):
      "unknown option '--\(option)'"
        + (nearest.map { ". Did you mean '--\($0)'?" } ?? "; `agent \(command) --help` lists those it takes.")
    case .missingValue(let option, let placeholder): "'--\(option)' needs a value: --\(option) \(placeholder)."
    case .unexpectedValue(let option): "'--\(option)' is a switch and takes no value."
    case .valueNotAllowed(let option, let value, let choices):
      "'--\(option) \(value)': the value is one of \(choices.joined(separator: ", "))."
    case .repeated(let option): "'--\(option)' was given twice."
    case .missingArgument(let name, let command): "'\(command)' needs \(name); `agent \(command) --help` says more."
    case .unexpectedArgument(let word, let command): "'\(command)' takes no argument '\(word)'."
    }
  }
}

/// A parsed command line.
package struct ParsedCommand: Sendable {
  package let command: CommandSpec
  package let arguments: [String]
  package let options: [String: [String]]
  package var wantsHelp: Bool { options["help"] != nil }
}

/// The parser over a set of commands.
package struct CommandParser: Sendable {
  package let commands: [CommandSpec]
  /// Options that every command takes.
  package let common: [OptionSpec]

  package init(commands: [CommandSpec], common: [OptionSpec]) {
    self.commands = commands
    self.common = common
  }

  /// Parses the words after the program's name.
  package func parse(_ words: [String]) throws(UsageError) -> ParsedCommand {
    let split = try split(words)
    let (command, arguments) = try resolve(split.words, wantsHelp: split.options.contains { $0.name == "help" })
    let options = try check(split.options, for: command)
    if options["help"] == nil { try check(arguments, for: command) }
    return ParsedCommand(command: command, arguments: arguments, options: options)
  }

  private typealias Given = (name: String, value: String?)

  private func split(_ words: [String]) throws(UsageError) -> (words: [String], options: [Given]) {
    let known = Dictionary(
      (common + commands.flatMap(\.options)).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var plain: [String] = []
    var options: [Given] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        plain += rest
        break
      }
      guard word.hasPrefix("-"), word != "-" else {
        plain.append(word)
        continue
      }
      let body = word == "-h" ? "help" : String(word.drop { $0 == "-" })
      let name = String(body.prefix { $0 != "=" })
      let inline = body.contains("=") ? String(body.dropFirst(name.count + 1)) : nil
      guard word.hasPrefix("--") || word == "-h", let spec = known[name] else {
        throw .unknownOption(
          name, command: plain.joined(separator: " "), nearest: Suggestion.nearest(to: name, in: known.keys))
      }
      if let placeholder = spec.value {
        guard let value = inline ?? rest.popFirst() else { throw .missingValue(option: name, placeholder: placeholder) }
        options.append((name, value))
      } else {
        guard inline == nil else { throw .unexpectedValue(option: name) }
        options.append((name, nil))
      }
    }
    return (plain, options)
  }

  private func resolve(_ words: [String], wantsHelp: Bool) throws(UsageError) -> (CommandSpec, [String]) {
    let matching = commands.filter { words.starts(with: $0.words) }.max { $0.words.count < $1.words.count }
    if let matching { return (matching, Array(words.dropFirst(matching.words.count))) }
    guard let first = words.first else {
      return try resolve(["help"], wantsHelp: false)
    }
    let family = commands.filter { $0.words.first == first }
    guard !family.isEmpty else {
      throw .unknownCommand(
        first, nearest: Suggestion.nearest(to: first, in: Set(commands.compactMap(\.words.first))))
    }
    let choices = family.compactMap { $0.words.count > 1 ? $0.words[1] : nil }
    guard words.count > 1, !wantsHelp else {
      if wantsHelp, let help = commands.first(where: { $0.words == ["help"] }) { return (help, [first]) }
      throw .incompleteCommand(first, choices: choices)
    }
    throw .unknownCommand(
      "\(first) \(words[1])", nearest: Suggestion.nearest(to: words[1], in: choices).map { "\(first) \($0)" })
  }

  private func check(_ given: [Given], for command: CommandSpec) throws(UsageError) -> [String: [String]] {
    let allowed = Dictionary(
      (common + command.options).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var options: [String: [String]] = [:]
    for (name, value) in given {
      guard let spec = allowed[name] else {
        throw .unknownOption(
          name, command: command.name, nearest: Suggestion.nearest(to: name, in: allowed.keys))
      }
      if options[name] != nil, !spec.repeats, spec.value != nil { throw .repeated(option: name) }
      if let value, !spec.choices.isEmpty, !spec.choices.contains(value) {
        throw .valueNotAllowed(option: name, value: value, choices: spec.choices)
      }
      options[name, default: []] += value.map { [$0] } ?? []
    }
    return options
  }

  private func check(_ arguments: [String], for command: CommandSpec) throws(UsageError) {
    if let missing = command.arguments.enumerated().first(where: { $1.required && $0 >= arguments.count }) {
      throw .missingArgument(missing.element.name, command: command.name)
    }
    if arguments.count > command.arguments.count, command.arguments.last?.repeats != true {
      throw .unexpectedArgument(arguments[command.arguments.count], command: command.name)
    }
  }
}
