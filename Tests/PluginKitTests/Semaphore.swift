// A semaphore that a test's thread may wait on.
//
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// `DispatchSemaphore` without its ban in async contexts: the tests wait for the plugin's own threads.
final class Semaphore: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  func signal() { semaphore.signal() }
  func wait() { semaphore.wait() }
}
