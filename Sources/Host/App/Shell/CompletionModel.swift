// What a shell needs to complete a command line, taken from the commands' own descriptions: which words may follow which,
// which options a command takes, what an option's value is. One model, three shells (Completion+Bash.swift and others).
//
// SPDX-License-Identifier: Apache-2.0

/// The command line as a tree of words.
package struct CompletionModel: Sendable {
  /// What completes a value.
  package enum Value: Sendable, Equatable {
    case folder
    case file
    case words([String])
    /// Nothing that a shell could know.
    case free
  }

  /// A place in the tree: the words so far, and what may follow.
  package struct Node: Sendable {
    /// `ext list`; empty at the root.
    package let path: String
    /// The next words with their summaries; empty where a command is complete.
    package var next: [(word: String, summary: String)] = []
    package var options: [OptionSpec] = []
    /// What completes the command's arguments.
    package var argument: Value = .free
  }

  /// In the order of the overview; the root first.
  package let nodes: [Node]

  package init(_ parser: CommandParser) {
    var nodes = [Node(path: "")]
    func index(of path: String) -> Int {
      if let found = nodes.firstIndex(where: { $0.path == path }) { return found }
      nodes.append(Node(path: path))
      return nodes.count - 1
    }
    nodes[0].options = parser.common
    for command in parser.commands {
      for depth in command.words.indices {
        let parent = index(of: command.words[..<depth].joined(separator: " "))
        let word = command.words[depth]
        guard !nodes[parent].next.contains(where: { $0.word == word }) else { continue }
        let isFamily = command.words.count > depth + 1
        nodes[parent].next.append((word, isFamily ? CompletionModel.family(word, parser) : command.summary))
      }
      let own = index(of: command.name)
      nodes[own].options = (command.options + parser.common).sorted { $0.name < $1.name }
      nodes[own].argument = command.arguments.first.map { CompletionModel.value($0.name, choices: $0.choices) } ?? .free
      if command.words == ["help"] {
        nodes[own].argument = .words(CompletionModel.firstWords(parser) + ["exit-codes", "metrics"])
      }
    }
    self.nodes = nodes
  }

  private static func firstWords(_ parser: CommandParser) -> [String] {
    parser.commands.compactMap(\.words.first).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// A family's summary: its members.
  private static func family(_ word: String, _ parser: CommandParser) -> String {
    let members = parser.commands.filter { $0.words.first == word && $0.words.count > 1 }.map { $0.words[1] }
    return members.prefix(4).joined(separator: ", ") + (members.count > 4 ? ", ..." : "")
  }

  /// What completes an option's value.
  package static func value(of option: OptionSpec) -> Value? {
    option.value.map { value($0, choices: option.choices) }
  }

  /// By the placeholder's name, which says what it stands for.
  private static func value(_ placeholder: String, choices: [String]) -> Value {
    if !choices.isEmpty { return .words(choices) }
    let name = placeholder.uppercased()
    if name.hasSuffix("DIR") { return .folder }
    return name.hasSuffix("FILE") || name.hasSuffix("PATH") ? .file : .free
  }
}
