// The manual page agent(1), made from the commands' own descriptions and the catalogues that the documents are compared
// with. Printed by `agent help --man`; the Debian package installs it. man(7) macros; checked by mandoc and groff.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// agent(1).
package struct ManualPage: Sendable {
  private let parser: CommandParser

  package init(_ parser: CommandParser) { self.parser = parser }

  /// The page as roff.
  package var text: String {
    let parts = [
      head, description, commands, commonOptions, exitStatus, signals, environment, files, examples, seeAlso,
    ]
    return parts.joined(separator: "\n") + "\n"
  }

  /// Text in which roff sees no request and no escape.
  static func escaped(_ text: some StringProtocol) -> String {
    let plain = String(text).replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return plain.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : String(line)
    }.joined(separator: "\n")
  }

  /// Running text: spans in backquotes are bold.
  static func prose(_ text: some StringProtocol) -> String {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1 else { return escaped(text) }
    let marked = parts.enumerated().map { index, part in
      index % 2 == 1 ? "\\fB\(escaped(part))\\fR" : escaped(part)
    }.joined()
    return marked.hasPrefix(".") ? "\\&" + marked : marked
  }

  private var head: String {
    """
    .\\" Made by `agent help --man`. Do not edit.
    .TH AGENT 1 "\(Version.date)" "nexo \(Version.number)" "nexo"
    .SH NAME
    agent, nexo \\- a host for messaging agents and their plugins
    .SH SYNOPSIS
    .B agent
    .I COMMAND
    .RI [ OPTIONS ]
    """
  }

  private var description: String {
    """
    .SH DESCRIPTION
    .B agent run
    starts a host: plugins in its extension folders bring messaging channels, HTTP pages, metric families and tools, without a
    restart; agents answer what the channels bring in.
    The other commands ask a running host, change its state, or look at its files.
    .B nexo
    is a second name of the same program.
    .PP
    Options stand before or after the words, as
    .BI \\-\\-flag " VALUE"
    or
    .BI \\-\\-flag= VALUE\\fR;
    .B \\-\\-
    ends them.
    Data goes to standard output, diagnostics to standard error.
    """
  }

  private var commands: String {
    ([".SH COMMANDS"] + parser.commands.map(section)).joined(separator: "\n")
  }

  private func section(_ command: CommandSpec) -> String {
    var words = [".TP", ".B agent \(ManualPage.escaped(command.name))"]
    let arguments = command.arguments.map { argument in
      let name = "\\fI\(ManualPage.escaped(argument.name))\\fR" + (argument.repeats ? "..." : "")
      return argument.required ? name : "[\(name)]"
    }
    if !arguments.isEmpty { words[1] += "\\fR " + arguments.joined(separator: " ") }
    words.append(ManualPage.prose(command.summary) + ".")
    for paragraph in command.details.split(separator: "\n") { words.append(ManualPage.prose(paragraph)) }
    let rows =
      command.arguments.map { ("\\fI\(ManualPage.escaped($0.name))\\fR", $0.help) }
      + command.options.sorted { $0.name < $1.name }.map { (ManualPage.signature($0), $0.help) }
    if !rows.isEmpty {
      words.append(".RS")
      for (name, help) in rows { words += [".TP", name, ManualPage.prose(help) + "."] }
      words.append(".RE")
    }
    return words.joined(separator: "\n")
  }

  private static func signature(_ option: OptionSpec) -> String {
    let value = option.choices.isEmpty ? option.value : option.choices.joined(separator: "|")
    return "\\fB\\-\\-\(escaped(option.name))\\fR" + (value.map { " \\fI\(escaped($0))\\fR" } ?? "")
  }

  private var commonOptions: String {
    var lines = [".SH OPTIONS", "Every command takes these."]
    for option in parser.common.sorted(by: { $0.name < $1.name }) {
      lines += [".TP", ManualPage.signature(option), ManualPage.prose(option.help) + "."]
    }
    return lines.joined(separator: "\n")
  }

  private var exitStatus: String {
    var lines = [".SH EXIT STATUS"]
    for code in ExitCode.allCases { lines += [".TP", ".B \(code.rawValue)", ManualPage.prose(code.meaning) + "."] }
    return lines.joined(separator: "\n")
  }

  private var signals: String {
    """
    .SH SIGNALS
    .TP
    .BR SIGTERM ", " SIGINT
    The host turns not ready, finishes what is in flight and ends with 0; a second one ends it at once.
    .TP
    .B SIGHUP
    The host reads its configuration again and sweeps its extension folders.
    """
  }

  private var environment: String {
    let rows = [
      ("NEXO_...", "Settings, between flags and files: `agent config show --origin` prints them with their origin."),
      ("NEXO_ENDPOINT", "Admin console that commands talk to."),
      ("STATE_DIRECTORY", "State folder, set by systemd."),
      ("CREDENTIALS_DIRECTORY", "Folder of secrets that `${file:...}` in the configuration may read, set by systemd."),
      ("NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", "The service manager is told how the host is."),
      (
        "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
        "Listening sockets named `metrics`, `http` and `admin` are taken over."
      ),
      ("NO_COLOR", "No colour on the terminal."),
    ]
    return ([".SH ENVIRONMENT"] + rows.flatMap { [".TP", ".B \(ManualPage.escaped($0.0))", ManualPage.prose($0.1)] })
      .joined(separator: "\n")
  }

  private var files: String {
    """
    .SH FILES
    .TP
    .I /etc/nexo
    Configuration, unless
    .I ./config
    or
    .I ~/.config/nexo
    is there.
    .TP
    .I ~/.local/state/nexo
    State; under systemd
    .IR /var/lib/nexo .
    """
  }

  private var examples: String {
    """
    .SH EXAMPLES
    .EX
    agent run
    agent status
    agent ext list
    agent explain elf.missing_needed
    agent doctor
    .EE
    """
  }

  private var seeAlso: String {
    """
    .SH SEE ALSO
    .BR systemd.service (5),
    .BR sd_notify (3),
    .BR prometheus (1)
    .PP
    Everything that can be set, measured and mended:
    .IR /usr/share/doc/nexo/operations.md .
    """
  }
}
