// Completion scripts for the shells, made from the model. Printed by `agent completion SHELL`; the Debian package installs
// them. Each script walks the words before the cursor to its place in the tree and offers what may follow there.
//
// SPDX-License-Identifier: Apache-2.0

/// A shell that a script can be made for.
package enum CompletionShell: String, CaseIterable, Sendable {
  case bash
  case zsh
  case fish
}

extension CompletionModel {
  /// The script.
  package func script(_ shell: CompletionShell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  /// A word in single quotes; a quote inside ends them, stands alone, and begins them again.
  static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

  /// Every option that takes a value, once, with what completes it; one name has one arity in all commands.
  private var valued: [(option: String, value: Value)] {
    var seen: Set<String> = []
    return nodes.flatMap(\.options).compactMap { option in
      guard let value = CompletionModel.value(of: option), seen.insert(option.name).inserted else { return nil }
      return ("--\(option.name)", value)
    }
  }

  /// As the scripts of bash and zsh have it: words, or what to ask the shell for.
  private static func word(_ value: Value) -> String {
    switch value {
    case .folder: "@folder"
    case .file: "@file"
    case .free: "@free"
    case .words(let words): words.joined(separator: " ")
    }
  }

  /// The tables that bash and zsh share.
  private var tables: String {
    func table(_ name: String, _ rows: [(key: String, value: String)]) -> String {
      "  local -A \(name)=(\n"
        + rows.map { "    [\(CompletionModel.quoted($0.key))]=\(CompletionModel.quoted($0.value))\n" }.joined()
        + "  )\n"
    }
    // A key must not be empty in bash: the root is `/`, and every other path begins with it.
    return table(
      "next", nodes.filter { !$0.next.isEmpty }.map { ("/\($0.path)", $0.next.map(\.word).joined(separator: " ")) })
      + table(
        "options", nodes.map { ("/\($0.path)", $0.options.map { "--\($0.name)" }.joined(separator: " ")) })
      + table("argument", nodes.filter { $0.next.isEmpty }.map { ("/\($0.path)", CompletionModel.word($0.argument)) })
      + table("value", valued.map { ($0.option, CompletionModel.word($0.value)) })
  }

  private var bash: String {
    """
    # bash completion for agent and nexo. Made by `agent completion bash`.
    _nexo_agent() {
    \(tables)
      local current=${COMP_WORDS[COMP_CWORD]} place=/ waiting= word index
      for ((index = 1; index < COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        # bash cuts `--flag=value` into three words.
        [ "$word" = = ] && continue
        if [ -n "$waiting" ]; then
          waiting=
        elif [ "$word" = -- ]; then
          waiting=
        elif [ -n "${value[$word]-}" ]; then
          waiting=$word
        elif [[ $word != -* && " ${next[$place]-} " == *" $word "* ]]; then
          [ "$place" = / ] && place=/$word || place="$place $word"
        fi
      done
      [ "$current" = = ] && current=
      local offer
      if [ -n "$waiting" ]; then
        offer=${value[$waiting]}
      elif [[ $current == -* ]]; then
        offer=${options[$place]-}
      else
        offer=${next[$place]-${argument[$place]-}}
      fi
      case $offer in
      @folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
      @file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
      @free) COMPREPLY=() ;;
      *) mapfile -t COMPREPLY < <(compgen -W "$offer" -- "$current") ;;
      esac
    }
    complete -F _nexo_agent agent nexo

    """
  }

  private var zsh: String {
    """
    #compdef agent nexo
    # zsh completion for agent and nexo. Made by `agent completion zsh`.
    _nexo_agent() {
      emulate -L zsh
    \(tables.replacing("[\'", with: "\'").replacing("\']=", with: "\' "))
      local place=/ waiting= word offer
      local -i index
      for ((index = 2; index < CURRENT; index++)); do
        word=$words[index]
        if [[ -n $waiting ]]; then
          waiting=
        elif [[ -n ${value[$word]-} ]]; then
          waiting=$word
        elif [[ $word != -* && " ${next[$place]-} " == *" $word "* ]]; then
          if [[ $place == / ]]; then place=/$word; else place="$place $word"; fi
        fi
      done
      if [[ -n $waiting ]]; then
        offer=${value[$waiting]}
      elif [[ $words[CURRENT] == --*=* ]]; then
        offer=${value[${words[CURRENT]%%=*}]-@free}
        compset -P '*='
      elif [[ $words[CURRENT] == -* ]]; then
        offer=${options[$place]-}
      else
        offer=${next[$place]-${argument[$place]-}}
      fi
      case $offer in
      @folder) _files -/ ;;
      @file) _files ;;
      @free) return 1 ;;
      *) compadd -- ${=offer} ;;
      esac
    }
    if [[ $funcstack[1] == _nexo_agent || $funcstack[1] == _agent ]]; then _nexo_agent "$@"; else compdef _nexo_agent agent nexo; fi

    """
  }

  private var fish: String {
    var lines = [
      "# fish completion for agent and nexo. Made by `agent completion fish`.",
      "function __nexo_agent_at --description 'whether the words before the cursor lead to this place'",
      "  set -l place",
      "  set -l waiting 0",
      "  for word in (commandline -opc)[2..-1]",
      "    if test $waiting = 1",
      "      set waiting 0",
      "    else if contains -- $word \(valued.map(\.option).joined(separator: " "))",
      "      set waiting 1",
      "    else if not string match -q -- '-*' $word",
      "      set -a place $word",
      "    end",
      "  end",
      "  set -l wanted (string split -n ' ' -- $argv[1])",
      "  set -l depth (count $wanted)",
      "  if test \"$argv[2]\" = exactly",
      "    test \"$place\" = \"$wanted\"",
      "  else if test $depth -gt 0; and test (count $place) -ge $depth",
      "    test \"$place[1..$depth]\" = \"$wanted\"",
      "  else",
      "    test $depth -eq 0",
      "  end",
      "end",
    ]
    for program in ["agent", "nexo"] { lines += nodes.flatMap { fishLines($0, program) } }
    return lines.joined(separator: "\n") + "\n"
  }

  private func fishLines(_ node: Node, _ program: String) -> [String] {
    let quoted = CompletionModel.quoted
    let start = "complete -c \(program)"
    var lines = node.next.map {
      "\(start) -f -n \(quoted("__nexo_agent_at '\(node.path)' exactly")) -a \($0.word) -d \(quoted($0.summary))"
    }
    let condition = "-n " + quoted("__nexo_agent_at '\(node.path)'" + (node.path.isEmpty ? " exactly" : ""))
    switch node.argument {
    case .words(let words) where node.next.isEmpty:
      lines.append("\(start) -f \(condition) -a \(quoted(words.joined(separator: " ")))")
    case .free where node.next.isEmpty: lines.append("\(start) -f \(condition)")
    case .folder where node.next.isEmpty:
      lines.append("\(start) -f \(condition) -a '(__fish_complete_directories)'")
    default: break
    }
    for option in node.options {
      var line = "\(start) \(condition) -l \(option.name) -d \(quoted(option.help))"
      switch CompletionModel.value(of: option) {
      case nil: break
      case .folder: line += " -x -a '(__fish_complete_directories)'"
      case .file: line += " -r -F"
      case .free: line += " -x"
      case .words(let words): line += " -x -a \(quoted(words.joined(separator: " ")))"
      }
      lines.append(line)
    }
    return lines
  }
}
