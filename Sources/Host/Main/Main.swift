// The executable `agent` (and `nexo`, its second name): hands the arguments to HostApp and nothing else.
//
// SPDX-License-Identifier: Apache-2.0

import HostApp

@main
struct Main {
  static func main() async {}
}
