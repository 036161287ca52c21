// The executable `nexo-probe`: rehearses a plugin's life in a process that may die of it.
// Started by ProbeRunner of HostPlugins, never by people: descriptor 3 is the pipe for the report, 4 the sealed request,
// 5 and up the sealed libraries. Two processes: this one supervises and reports; its child runs the plugin's code.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

@main
struct Probe {
  static func main() {
    guard CommandLine.arguments.count == 3, let nonce = UInt64(CommandLine.arguments[1], radix: 16),
      let parent = pid_t(CommandLine.arguments[2])
    else {
      let text = "nexo-probe: started by the host to rehearse a plugin; `agent ext list` shows what it found.\n"
      _ = write(STDERR_FILENO, text, text.utf8.count)
      exit(64)
    }
    Supervisor(nonce: nonce, host: parent).run()
  }
}
