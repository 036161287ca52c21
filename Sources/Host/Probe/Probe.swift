// The executable `nexo-probe`.
//
// SPDX-License-Identifier: Apache-2.0

@main
struct Probe {
  static func main() {}
}
