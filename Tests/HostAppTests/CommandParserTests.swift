// Tests of the command line: what parses, what does not and with which words.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HostApp

@Suite("Command line")
struct CommandParserTests {
  static let parser = CommandParser(
    commands: [
      CommandSpec(["run"], "runs", options: [OptionSpec("listen", value: "A", "a")]) { _ in .done },
      CommandSpec(["ext", "list"], "lists") { _ in .done },
      CommandSpec(
        ["ext", "new"], "makes", arguments: [ArgumentSpec("NAME", "n")],
        options: [OptionSpec("lang", value: "L", choices: ["c", "swift"], "l"), OptionSpec("yes", "y")]
      ) { _ in .done },
      CommandSpec(["seed"], "seeds", arguments: [ArgumentSpec("A", "a"), ArgumentSpec("B", repeats: true, "b")]) { _ in
        .done
      },
      CommandSpec(["help"], "helps", arguments: [ArgumentSpec("C", required: false, repeats: true, "c")]) { _ in .done
      },
    ],
    common: [OptionSpec("help", "h"), OptionSpec("json", "j")])

  @Test(arguments: [
    (["run", "--listen", "x"], "run", ["listen": ["x"]]), (["--listen=x", "run"], "run", ["listen": ["x"]]),
    (["ext", "--json", "list"], "ext list", ["json": []]), (["run", "--listen="], "run", ["listen": [""]]),
    (["ext", "new", "--lang", "c", "a", "--yes"], "ext new", ["lang": ["c"], "yes": []]), ([], "help", [:]),
    (["run", "-h"], "run", ["help": []]), (["ext", "new", "--help"], "ext new", ["help": []]),
  ])
  func `options stand before or after the words`(words: [String], name: String, options: [String: [String]]) throws {
    let parsed = try Self.parser.parse(words)
    #expect(parsed.command.name == name && parsed.options == options)
  }

  @Test func `two dashes end the options`() throws {
    #expect(try Self.parser.parse(["seed", "a", "--", "--listen", "-x"]).arguments == ["a", "--listen", "-x"])
  }

  @Test(arguments: [
    (["rum"], UsageError.unknownCommand("rum", nearest: "run")),
    (["ext"], .incompleteCommand("ext", choices: ["list", "new"])),
    (["ext", "lst"], .unknownCommand("ext lst", nearest: "ext list")),
    (["run", "--listn", "x"], .unknownOption("listn", command: "run", nearest: "listen")),
    (["run", "--lang", "c"], .unknownOption("lang", command: "run", nearest: nil)),
    (["run", "--listen"], .missingValue(option: "listen", placeholder: "A")),
    (["run", "--json=1"], .unexpectedValue(option: "json")),
    (["ext", "new", "a", "--lang", "go"], .valueNotAllowed(option: "lang", value: "go", choices: ["c", "swift"])),
    (["run", "--listen", "a", "--listen", "b"], .repeated(option: "listen")),
    (["ext", "new"], .missingArgument("NAME", command: "ext new")),
    (["run", "x"], .unexpectedArgument("x", command: "run")),
    (["run", "-x"], .unknownOption("x", command: "run", nearest: nil)),
  ])
  func `a wrong line is refused with the word that is wrong`(words: [String], error: UsageError) {
    #expect(throws: error) { try Self.parser.parse(words) }
  }

  @Test func `every command has a help text that names its options`() {
    let usage = Usage(Program.parser)
    for command in Program.parser.commands {
      let text = usage.help(for: command)
      #expect(usage.overview.contains("  \(command.name)"))
      for option in command.options { #expect(text.contains("--\(option.name)"), "\(command.name)") }
    }
  }

  @Test func `one option name has one arity in all commands`() {
    let all = Program.parser.commands.flatMap(\.options) + Program.parser.common
    for (name, specs) in Dictionary(grouping: all, by: \.name) {
      #expect(Set(specs.map { $0.value != nil }).count == 1, "--\(name)")
    }
  }
}
