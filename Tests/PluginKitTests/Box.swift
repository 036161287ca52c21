// A value behind a lock, for what closures of a test share.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A `Mutex` that can be captured.
final class Box<Value: Sendable>: Sendable {
  private let value: Mutex<Value>
  init(_ value: Value) { self.value = Mutex(value) }
  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try value.withLock { value in
      var copy = value
      defer { value = copy }
      return try body(&copy)
    }
  }
}
