// The log's way to its observer: as short after many records as after one.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostLog
import Synchronization
import Testing

@Suite("Log")
struct LogTests {
  @Test func `the console's look at records costs no more stack after ten thousand of them`() async {
    // In a process of its own, whose log nobody wants to read.
    await #expect(processExitsWith: .exitCode(2)) {
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO)
      let deepest = Mutex<UInt>(.max)
      LogSink.shared.observe { _ in
        var here: UInt8 = 0
        let place = withUnsafePointer(to: &here) { UInt(bitPattern: $0) }
        deepest.withLock { $0 = place }
      }
      let log = Log("test")
      func place() -> UInt {
        log.info("a record")
        return deepest.withLock { $0 }
      }
      let first = place()
      for _ in 0..<10_000 { log.info("a record") }
      let last = place()
      exit(first - min(first, last) < 1_024 ? 2 : 3)
    }
  }
}
