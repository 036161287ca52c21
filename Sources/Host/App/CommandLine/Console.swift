// Where a command writes: data on stdout, diagnostics on stderr, colour only on a terminal that wants it.
// Commands never touch descriptors themselves; tests give a console that collects.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Output of a command.
package struct Console: Sendable {
  /// Receives whole pieces of text for stdout.
  package let out: @Sendable (String) -> Void
  /// Receives whole pieces of text for stderr.
  package let error: @Sendable (String) -> Void
  /// Whether stdout shows colours.
  package let colour: Bool

  package init(
    colour: Bool, out: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
  ) {
    self.colour = colour
    self.out = out
    self.error = error
  }

  /// A line of data.
  package func print(_ line: String = "") { out(line + "\n") }
  /// A line of diagnostics, `agent: ` before it.
  package func complain(_ line: String) { error("agent: \(line)\n") }

  /// The process's own stdout and stderr. NO_COLOR (no-color.org) and a terminal check decide on colour.
  package static func standard(environment: [String: String]) -> Console {
    let wanted = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    return Console(
      colour: wanted && isatty(STDOUT_FILENO) == 1,
      out: { text in Console.write(text, to: STDOUT_FILENO) },
      error: { text in Console.write(text, to: STDERR_FILENO) })
  }

  /// Writes it all; a reader that has gone (EPIPE) is no error of ours.
  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }

  /// The text in a colour, where colours are shown.
  package func painted(_ text: String, _ colour: Colour) -> String {
    self.colour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// SGR codes (ECMA-48, 8.3.117).
  package enum Colour: Int, Sendable {
    case bold = 1
    case red = 31
    case green = 32
    case yellow = 33
    case dim = 2
  }
}
