// Tests of TestSupport's child processes, on which every end-to-end test stands.
//
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite("Child process")
struct ChildProcessTests {
  @Test func `output, errors and exit code of a program are seen`() async throws {
    let run = try await ChildProcess.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    #expect(run.end == .exited(7) && run.output == "out\n" && run.errors == "err\n")
  }

  @Test func `a line is awaited while the program goes on, and a signal ends it`() async throws {
    let child = try ChildProcess(["sh", "-c", "echo ready; exec sleep 60"])
    #expect(await child.wait(until: { $0.output.contains("ready") }))
    #expect(child.end == nil)
    child.signal(15)
    #expect(await child.ended() == .signalled(15))
  }

  @Test func `the environment and the folder are the ones given`() async throws {
    let run = try await ChildProcess.run(["/bin/sh", "-c", "echo $A; pwd"], environment: ["A": "b"], folder: "/usr")
    #expect(run.output == "b\n/usr\n")
  }
}
