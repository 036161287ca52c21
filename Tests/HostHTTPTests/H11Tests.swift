// The corpus against h11, the strictest HTTP/1.1 parser at hand: each difference carries its reason.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@Suite("Comparison with h11", .timeLimit(.minutes(5)))
struct H11Tests {
  @Test func `h11 judges every request of the corpus as we do, or a note says why not`() async throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let script = """
      cd '\(root)' && scripts/python-env.sh >/dev/null && .build/venv/bin/python Tests/Support/http/compare_h11.py
      """
    let (end, output, errors) = try await ChildProcess.run(["sh", "-c", script], seconds: 240)
    #expect(end == .exited(0), "\(output)\(errors)")
    #expect(output.contains("0 without reason"))
  }
}
