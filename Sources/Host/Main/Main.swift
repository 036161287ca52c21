// The executable `agent` (and `nexo`, its second name): hands the arguments to HostApp and nothing else.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostApp

@main
struct Main {
  static func main() async {
    let code = await Program.run(
      CommandLine.arguments, environment: Process.environment, console: .standard(environment: Process.environment))
    exit(code.rawValue)
  }
}
